"""`ledgerpress dev`, `serve`, `worker` and `migrate`: what runs, and what prepares it.

What these run is imported when they are called: the framework and the migrations would triple the
time that every other command takes to start.
"""

import errno
import os
from contextlib import AsyncExitStack, ExitStack

import rich_click as click

from infra.cli.common import (
    WRONG_USE,
    Failure,
    database_url,
    failure,
    metrics_shown,
    opened,
    read_settings,
    require_database,
    run,
)
from infra.cli.progress import Progress, progress
from infra.clock import now
from infra.database_check import DatabaseFault, check_database, known_versions
from infra.secrets import SecretError
from infra.settings import Settings

_ENV = "LEDGERPRESS_ENV"
_ADDRESS_FAULTS = {
    errno.EADDRINUSE: "is in use by another program: stop it, or choose another",
    errno.EADDRNOTAVAIL: "is no address of this machine: choose another",
    errno.EACCES: "may not be used by this user: choose another",
}


@click.command()
@click.option(
    "--events",
    type=click.IntRange(1, 100_000_000),
    metavar="N",
    help="First fill the log with generated posts up to N events; 1,000,000 take a minute or two.",
)
def dev(*, events: int | None) -> None:
    """Run everything until Ctrl-C: services, migrations, demo data, API, all the rest."""
    from infra.cli.banner import banner  # noqa: PLC0415
    from infra.dev import Wanted, develop  # noqa: PLC0415
    from infra.serve import stopped_by_signals  # noqa: PLC0415

    # Before the settings are read: what production lacks is for `serve` to ask for.
    if any(name.upper() == _ENV and value == "production" for name, value in os.environ.items()):
        raise Failure(
            f"{_ENV} is production, and `ledgerpress dev` is for development: "
            "use `ledgerpress serve`, `ledgerpress projector` and `ledgerpress worker`",
            WRONG_USE,
        )
    settings = read_settings()

    async def work() -> DatabaseFault | SecretError | None:
        with stopped_by_signals() as stop:
            return await develop(
                settings,
                stop=stop,
                on_ready=lambda ready: click.echo(banner(ready)),
                wanted=wanted,
            )

    try:
        with ExitStack() as bars:
            wanted = None if events is None else Wanted(events, _Generating(bars))
            fault = run(work())
    except OSError as error:
        raise _address_failure(settings, error) from error
    if fault is not None:
        raise failure(fault)


@click.command()
def serve() -> None:
    """Run the API on services that run already, until SIGTERM."""
    from infra.serve import run_api, stopped_by_signals  # noqa: PLC0415
    from infra.store.nats_hints import shared_hints  # noqa: PLC0415

    settings = read_settings()
    _given(settings.database_url, "LEDGERPRESS_DATABASE_URL")
    redis_url = _given(settings.redis_url, "LEDGERPRESS_REDIS_URL")
    nats_url = _given(settings.nats_url, "LEDGERPRESS_NATS_URL")

    async def work() -> None:
        with stopped_by_signals() as stop:
            async with opened(settings, "serve") as product, shared_hints(nats_url, product.hints):
                await run_api(
                    product, settings, redis_url=redis_url, stop=stop, on_ready=_say_where
                )

    try:
        run(work())
    except OSError as error:
        raise _address_failure(settings, error) from error


@click.command()
def worker() -> None:
    """Run scheduler, mailer, jobs, webhooks and housekeeping, until SIGTERM.

    Several may run at once.
    """
    from infra.serve import (  # noqa: PLC0415
        running_workers,
        share_with_threads,
        spare_the_collector,
        stopped_by_signals,
    )
    from infra.store.nats_hints import shared_hints  # noqa: PLC0415

    settings = read_settings()

    async def work() -> None:
        async with AsyncExitStack() as parts:
            stop = parts.enter_context(stopped_by_signals())
            product = await parts.enter_async_context(opened(settings, "worker"))
            await parts.enter_async_context(metrics_shown(product, settings))
            if settings.nats_url is not None:
                await parts.enter_async_context(shared_hints(settings.nats_url, product.hints))
            spare_the_collector()
            share_with_threads()
            await parts.enter_async_context(running_workers(product, settings))
            click.echo("working", err=True)
            await stop.wait()

    run(work())


@click.command()
def migrate() -> None:
    """Bring the database's schema up to this program's. Needs the schema owner's URL.

    Read models of an older version are built anew beside those that are served, and then served.
    """
    from infra.migrate import migrate as run_migrations  # noqa: PLC0415
    from infra.projections.rebuild import Unwatched  # noqa: PLC0415
    from infra.projections.upgrade import upgrade  # noqa: PLC0415

    settings = read_settings()
    url = database_url(settings)

    async def work() -> bool:
        fault = await check_database(url, production=settings.production)
        if fault is None:
            return False
        if fault.kind != "old":
            raise failure(fault)
        await run_migrations(url)
        left = await upgrade(url, Unwatched(), now)
        if left is not None:
            raise Failure(left)
        await require_database(url, settings)
        return True

    done = "migrated" if run(work()) else "nothing to do"
    click.echo(f"{done}: the schema is at version {known_versions()[-1]}")


class _Generating:
    """Shows how far the generated events have come, and is gone when they are there."""

    def __init__(self, bars: ExitStack) -> None:
        self._bars = bars
        self._bar: Progress | None = None
        self._first = 0

    def __call__(self, head: int, events: int) -> None:
        """Take the news."""
        if self._bar is None:
            self._bar = self._bars.enter_context(progress("generating", "events"))
            self._first = head
        made = head - self._first
        self._bar(made, events - self._first, count=made)
        if head >= events:
            self._bars.close()


def _given(url: str | None, variable: str) -> str:
    if url is None:
        raise Failure(
            f"{variable} is missing: `ledgerpress serve` starts no services of its own; "
            "`ledgerpress dev` does",
            WRONG_USE,
        )
    return url


def _say_where(address: str) -> None:
    click.echo(f"serving at {address}", err=True)


def _address_failure(settings: Settings, error: OSError) -> Exception:
    fault = _ADDRESS_FAULTS.get(error.errno or 0)
    if fault is None:
        return error
    return Failure(f"{settings.bind} {fault} LEDGERPRESS_BIND")
