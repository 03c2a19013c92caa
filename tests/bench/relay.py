"""Measures the relay beside the store: how fast it publishes, and whether it keeps up with appends.

Run as `python -m tests.bench.relay`. PostgreSQL and NATS wait for the disk; the relay is a process
of its own. Appends with and without it take turns, as all of it shares the cores of one machine.
"""

import asyncio
import os
import statistics
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvloop
from rich.console import Console
from rich.table import Table

from infra.embedded.nats import connected_once
from infra.embedded.services import Services, embedded_services
from infra.relay.stream import STREAM
from tests.bench.child import Round
from tests.bench.children import ask_all, children
from tests.bench.machine import describe
from tests.support.log import Log, open_log
from tests.support.relaying import positions_published, relay_status, relayed
from tests.support.services import Databases, data_folder, migrated_databases, settings_in

BACKLOG_SECONDS = 4.0
ROUNDS = 3
ROUND_SECONDS = 6.0
SETTLED_SECONDS = 2.0
"""After the beginning of a round, when the relay has its share of the machine."""

CALLERS = (1, 8, 32)


async def main() -> None:
    """Measure everything and print one table."""
    table = Table("measured", "result")
    async with durable_services() as (services, databases, folder):
        async with databases.fresh() as url:
            machine = await describe(url, folder)
            await backlog(table, url, services.nats_url, folder)
            await remove_stream(services.nats_url)
        for callers in CALLERS:
            async with databases.fresh() as url:
                await beside_appends(table, url, services.nats_url, folder, callers)
                await remove_stream(services.nats_url)
    console = Console(width=110)
    console.print(table)
    console.print(machine, highlight=False)


async def backlog(table: Table, url: str, nats_url: str, folder: Path) -> None:
    """Let the relay publish a log that is there already."""
    async with children(url, 1, 0) as appending, open_log(url) as log:
        await ask_all(appending, Round("store", 32, BACKLOG_SECONDS), float)
        head = await log.log.head()
        async with relay_process(url, nats_url, folder):
            begun, at = time.perf_counter(), (await relay_status(log)).position
            await relayed(log, within=120)
            rate = (head - at) / (time.perf_counter() - begun)
        assert len(await positions_published(nats_url)) == head
    table.add_row(f"publishing a log of {head:,} events", f"{rate:,.0f} events/s")


async def beside_appends(table: Table, url: str, nats_url: str, folder: Path, callers: int) -> None:
    """Append as `make bench` does, with the relay and without; see how far it is behind."""
    alone: list[float] = []
    beside: list[float] = []
    lags: list[tuple[int, int]] = []
    async with children(url, 1, 0) as appending, open_log(url) as log:
        for _ in range(ROUNDS):
            alone += await ask_all(appending, Round("store", callers, ROUND_SECONDS / 3), float)
            async with relay_process(url, nats_url, folder):
                await relayed(log, within=120)
                work = Round("store", callers, ROUND_SECONDS)
                running = asyncio.create_task(ask_all(appending, work, float))
                await asyncio.sleep(SETTLED_SECONDS)
                first = await lag(log)
                await asyncio.sleep(ROUND_SECONDS - SETTLED_SECONDS - 0.5)
                lags.append((first, await lag(log)))
                beside += await running
                await relayed(log, within=120)
    rate = statistics.median(beside)
    grown = statistics.median(last - first for first, last in lags)
    seconds = ROUND_SECONDS - SETTLED_SECONDS - 0.5
    behind = ", ".join(f"{first:,} then {last:,}" for first, last in lags)
    table.add_row(
        f"{callers} callers append, alone; beside the relay",
        f"{statistics.median(alone):,.0f}; {rate:,.0f} events/s",
    )
    table.add_row(
        "  published meanwhile",
        f"{rate - grown / seconds:,.0f} events/s; behind by {behind} events",
    )


async def lag(log: Log) -> int:
    """Tell how many events the relay is behind."""
    return (await relay_status(log)).lag_events


async def remove_stream(nats_url: str) -> None:
    """Let the next log begin with a stream of its own."""
    async with connected_once(nats_url, 5) as client:
        await client.jetstream().delete_stream(STREAM)


@asynccontextmanager
async def relay_process(url: str, nats_url: str, folder: Path) -> AsyncIterator[None]:
    """Run the relay as operators do, until the end of the block."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "infra.cli", "relay"),
        env={
            "PATH": os.environ["PATH"],
            "LEDGERPRESS_DATABASE_URL": url,
            "LEDGERPRESS_NATS_URL": nats_url,
            "LEDGERPRESS_DATA_DIR": str(folder / "data"),
        },
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    said = [await process.stderr.readline()]
    while said[-1] != b"relaying\n":
        assert said[-1], b"".join(said).decode()
        said.append(await process.stderr.readline())
    try:
        yield
    finally:
        process.terminate()
        await process.communicate()


@asynccontextmanager
async def durable_services() -> AsyncIterator[tuple[Services, Databases, Path]]:
    """Run PostgreSQL and NATS, both with every write on disk before it is acknowledged."""
    with data_folder(on_disk=True) as folder:
        settings = settings_in(folder, REDIS_URL="redis://127.0.0.1:1")
        async with (
            embedded_services(settings, durable=True) as services,
            migrated_databases(services.database_url) as databases,
        ):
            yield services, databases, folder


if __name__ == "__main__":
    sys.exit(uvloop.run(main()))
