"""`ledgerpress dev`: everything in one process, from empty folder to served product, and back.

The order of starting is written here once; leaving it in reverse stops everything.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable
from pathlib import Path

import msgspec

from infra.bootstrap import open_product
from infra.clock import now
from infra.database_check import DatabaseFault, check_database
from infra.demo import DemoPassword, create_demo, demo_password
from infra.embedded.errors import ServiceError
from infra.embedded.services import embedded_services
from infra.generate import Told, generate
from infra.http_server.limits import HttpLimits
from infra.keys import load_keys
from infra.projections.rebuild import Unwatched
from infra.projections.upgrade import upgrade
from infra.running import Running, announced
from infra.secrets import SecretError
from infra.serve import (
    run_api,
    running_projector,
    running_rebuilder,
    running_relay,
    running_workers,
)
from infra.settings import Settings
from infra.store.nats_hints import shared_hints
from infra.telemetry.traces import traced

# Nobody balances load here, so nobody needs a moment to see that readiness is gone.
_LIMITS = HttpLimits(drain_grace_seconds=0.0, drain_seconds=4)


class Ready(msgspec.Struct, frozen=True):
    """What is served, for the banner."""

    address: str
    data_dir: Path
    password: DemoPassword


class Wanted(msgspec.Struct, frozen=True):
    """A log of so many events, made before anything is served."""

    events: int
    told: Told


async def develop(
    settings: Settings,
    *,
    stop: asyncio.Event,
    on_ready: Callable[[Ready], None],
    wanted: Wanted | None = None,
) -> DatabaseFault | SecretError | None:
    """Run the whole product until `stop` is set; on return everything that was started has ended.

    Raises `ServiceError` where a service cannot be started or ended by itself, and `OSError` where
    BIND cannot be used.
    """
    free_address(settings)
    serving = asyncio.Event()
    losses: list[str] = []

    def lost(reason: str) -> None:
        losses.append(reason)
        stop.set()

    running = asyncio.create_task(_run(settings, stop, serving, on_ready, lost, wanted))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not running.done() and not serving.is_set():
            # Told to stop in the middle of starting: what has been started ends on the way out.
            running.cancel()
        fault = None
        with contextlib.suppress(asyncio.CancelledError):
            fault = await running
    finally:
        stopping.cancel()
    if losses:
        raise ServiceError(f"{losses[0]}; everything was stopped")
    return fault


def free_address(settings: Settings) -> None:
    """Make sure, before anything takes time, that BIND can be bound. Raises `OSError`."""
    family = socket.AF_INET6 if ":" in settings.bind_host else socket.AF_INET
    address = (settings.bind_host, settings.bind_port)
    socket.create_server(address, family=family).close()


async def _run(
    settings: Settings,
    stop: asyncio.Event,
    serving: asyncio.Event,
    on_ready: Callable[[Ready], None],
    on_loss: Callable[[str], None],
    wanted: Wanted | None,
) -> DatabaseFault | SecretError | None:
    async with embedded_services(settings, on_loss=on_loss) as services:
        keys = load_keys(settings)
        if isinstance(keys, SecretError):
            return keys
        if fault := await _migrated(services.database_url):
            return fault
        running = Running(os.getpid(), services.database_url, services.nats_url, services.redis_url)
        with announced(settings.data_dir, running):
            async with (
                traced(settings, "dev") as tracer,
                open_product(services.database_url, keys, tracer=tracer) as product,
                shared_hints(services.nats_url, product.hints),
            ):
                password = demo_password(settings)
                await create_demo(product, settings, password, now())
                if wanted is not None:
                    await generate(product, wanted.events, now(), wanted.told)

                def served(address: str) -> None:
                    serving.set()
                    on_ready(Ready(address, settings.data_dir, password))

                async with (
                    running_workers(product, settings),
                    running_projector(product),
                    running_rebuilder(product, services.database_url),
                    running_relay(product, services.nats_url),
                ):
                    await run_api(
                        product,
                        settings,
                        redis_url=services.redis_url,
                        stop=stop,
                        on_ready=served,
                        limits=_LIMITS,
                    )
    return None


async def _migrated(database_url: str) -> DatabaseFault | None:
    """Bring the schema up to date, unless the database is out of reach or newer than we are."""
    fault = await check_database(database_url, production=False)
    if fault is not None and fault.kind == "old":
        # Most starts have nothing to migrate, and Alembic takes 25 MB of a process for good.
        from infra.migrate import migrate  # noqa: PLC0415

        await migrate(database_url)
        left = await upgrade(database_url, Unwatched(), now)
        return None if left is None else DatabaseFault("unusable", left)
    return fault
