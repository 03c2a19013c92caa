"""`ledgerpress relay`: the process that publishes the log to NATS, and sending it back."""

from contextlib import AsyncExitStack

import rich_click as click

from infra.cli.common import WRONG_USE, Failure, metrics_shown, opened, read_settings, run
from infra.relay.relay_store import PostgresRelayStore
from infra.running import find_running
from infra.settings import Settings


@click.group(invoke_without_command=True)
@click.pass_context
def relay(context: click.Context) -> None:
    """Publish every event to NATS JetStream, until SIGTERM. Several may run at once."""
    if context.invoked_subcommand is not None:
        return
    # The broker's client would lengthen the start of every other command.
    from infra.serve import running_relay, spare_the_collector, stopped_by_signals  # noqa: PLC0415
    from infra.store.nats_hints import shared_hints  # noqa: PLC0415

    settings = read_settings()
    nats_url = _nats_url(settings)

    async def work() -> None:
        async with AsyncExitStack() as parts:
            stop = parts.enter_context(stopped_by_signals())
            product = await parts.enter_async_context(opened(settings, "relay"))
            await parts.enter_async_context(metrics_shown(product, settings))
            await parts.enter_async_context(shared_hints(nats_url, product.hints))
            spare_the_collector()
            await parts.enter_async_context(running_relay(product, nats_url))
            click.echo("relaying", err=True)
            await stop.wait()

    run(work())


@relay.command()
@click.option(
    "--to",
    "position",
    type=click.IntRange(min=0),
    required=True,
    help="The last event that is not published again; 0 for all of them.",
)
def rewind(position: int) -> None:
    """Publish again what comes after a position, for subscribers that have lost it.

    JetStream does not take again what it has stored within the last two minutes.
    """
    settings = read_settings()

    async def work() -> int | None:
        async with opened(settings) as product:
            return await PostgresRelayStore(product.database).rewind(position)

    before = run(work())
    if before is None:
        raise Failure(f"the relay has not come to position {position}: nothing was changed")
    click.echo(f"the relay goes on after position {position}; it was at {before}")


def _nats_url(settings: Settings) -> str:
    """Give the URL that is set, or that of the `ledgerpress dev` which runs with this DATA_DIR."""
    if settings.nats_url is not None:
        return settings.nats_url
    running = None if settings.database_url is not None else find_running(settings.data_dir)
    if running is None:
        raise Failure(
            "LEDGERPRESS_NATS_URL is missing: there is no broker to publish to", WRONG_USE
        )
    return running.nats_url
