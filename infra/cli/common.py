"""What every command needs: the settings, a database that can be used, one loop, clear failures."""

import asyncio
import os
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, TypeVar, assert_never

import rich_click as click
import uvloop

from commands.ports import StoreUnavailableError
from infra.bootstrap import Product, open_product
from infra.database_check import DatabaseFault, check_database
from infra.embedded.errors import ServiceError
from infra.keys import load_keys
from infra.logs import configure_logs, log_what_is_left
from infra.running import find_running
from infra.secrets import SecretError
from infra.settings import Settings, SettingsError, load_settings
from infra.settings_values import split_address
from infra.telemetry.traces import traced

FAILED = 1
WRONG_USE = 2
MISMATCH = 3
DEPENDENCY_DOWN = 5
INTERRUPTED = 130

T = TypeVar("T")


class Failure(click.ClickException):
    """The command ends with one clear line on standard error and this exit code."""

    def __init__(self, message: str, exit_code: int = FAILED) -> None:
        super().__init__(message)
        self.code = exit_code


def read_settings() -> Settings:
    """Read the settings from the environment, and log as they say."""
    settings = load_settings(os.environ)
    if isinstance(settings, SettingsError):
        raise Failure(str(settings), WRONG_USE)
    configure_logs(production=settings.production)
    log_what_is_left()
    return settings


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end; what is out of reach becomes a failure of its own kind."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            return runner.run(work)
        except StoreUnavailableError as error:
            raise Failure(f"PostgreSQL is out of reach: {error}", DEPENDENCY_DOWN) from error
        except ServiceError as error:
            raise Failure(str(error)) from error


def database_url(settings: Settings) -> str:
    """Give the URL that is set, or that of the `ledgerpress dev` which runs with this DATA_DIR."""
    if settings.database_url is not None:
        return settings.database_url
    running = find_running(settings.data_dir)
    if running is None:
        raise Failure(
            "LEDGERPRESS_DATABASE_URL is not set, and no `ledgerpress dev` runs with "
            f"LEDGERPRESS_DATA_DIR {settings.data_dir.absolute()}",
            DEPENDENCY_DOWN,
        )
    return running.database_url


@asynccontextmanager
async def opened(settings: Settings, process: str | None = None) -> AsyncIterator[Product]:
    """Open the product on a database that was found fit for it.

    `process` names one that runs for long, of which traces may be wanted.
    """
    url = database_url(settings)
    keys = load_keys(settings)
    if isinstance(keys, SecretError):
        raise failure(keys)
    await require_database(url, settings)
    if process is None:
        async with open_product(url, keys) as product:
            yield product
        return
    async with (
        traced(settings, process) as tracer,
        open_product(url, keys, tracer=tracer) as product,
    ):
        yield product


@asynccontextmanager
async def metrics_shown(product: Product, settings: Settings) -> AsyncIterator[None]:
    """Show Prometheus the process while inside, if METRICS_BIND is set, and say where."""
    if settings.metrics_bind is None:
        yield
        return
    # What serves is imported by those that serve.
    from infra.serve import showing_metrics  # noqa: PLC0415

    async with AsyncExitStack() as stack:
        address = split_address(settings.metrics_bind)
        try:
            where = await stack.enter_async_context(showing_metrics(product, settings, address))
        except OSError as error:
            raise Failure(
                f"{settings.metrics_bind} cannot be used for LEDGERPRESS_METRICS_BIND: "
                f"{os.strerror(error.errno or 0)}"
            ) from error
        click.echo(f"metrics at {where}/metrics", err=True)
        yield


async def require_database(url: str, settings: Settings) -> None:
    """Fail where the database is out of reach or has another schema."""
    fault = await check_database(url, production=settings.production)
    if fault is not None:
        raise failure(fault)


def failure(fault: DatabaseFault | SecretError) -> Failure:
    """Give the end of a command for want of a database or a key."""
    match fault:
        case SecretError():
            return Failure(str(fault), WRONG_USE)
        case DatabaseFault():
            return Failure(fault.reason, DEPENDENCY_DOWN if fault.kind == "down" else FAILED)
        case _:
            assert_never(fault)
