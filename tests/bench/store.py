"""Measures the event store beside bare INSERTs of the same driver, on a durable PostgreSQL.

Run as `python -m tests.bench.store`. Rounds of both take turns and medians are taken, so that what
else the machine does hits both alike: read the ratios, not the rates.
"""

import statistics
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvloop
from rich.console import Console
from rich.table import Table

from infra.embedded.services import embedded_services
from tests.bench.appends import make_bare_table
from tests.bench.child import Everything, Round
from tests.bench.children import ask_all, children
from tests.bench.machine import describe
from tests.bench.reads import STREAM_EVENTS, WholeLog, fill, streams_per_second
from tests.support.services import (
    Databases,
    data_folder,
    migrated_databases,
    settings_in,
)

ROUNDS = 5
ROUND_SECONDS = 1.0
STREAMS = 2000
READ_SECONDS = 3.0

APPENDERS = [(1, 1, 0.6), (1, 8, 1.0), (1, 32, 1.6), (2, 16, None)]
"""Processes, callers in each, and the ratio to reach."""
STREAMED_TARGET = 200_000
WHOLE_TARGET = 150_000


async def main() -> None:
    """Measure everything and print one table."""
    console = Console(width=100)
    table = Table("measured", "bare INSERTs /s", "store /s", "ratio", "target", "lowest..highest")
    async with durable_databases() as (databases, folder):
        async with databases.fresh() as url:
            machine = await describe(url, folder)
        for processes, callers, target in APPENDERS:
            async with databases.fresh() as url:
                await appends_row(table, url, processes, callers, target)
        async with databases.fresh() as url:
            await reads_rows(table, url)
    console.print(table)
    console.print(machine, highlight=False)


async def appends_row(
    table: Table, url: str, processes: int, callers: int, target: float | None
) -> None:
    """Let bare INSERTs and the store take turns."""
    await make_bare_table(url)
    rates: dict[str, list[float]] = {"bare": [], "store": []}
    async with children(url, processes, callers) as running:
        for kind in rates:
            await ask_all(running, Round(kind, callers, ROUND_SECONDS / 2), float)
        for _ in range(ROUNDS):
            for kind, of_kind in rates.items():
                answers = await ask_all(running, Round(kind, callers, ROUND_SECONDS), float)
                of_kind.append(sum(answers))
    ratios = [s / b for s, b in zip(rates["store"], rates["bare"], strict=True)]
    table.add_row(
        f"append, {callers} callers in each of {processes} processes",
        f"{statistics.median(rates['bare']):,.0f}",
        f"{statistics.median(rates['store']):,.0f}",
        f"{statistics.median(ratios):.2f}x",
        "" if target is None else f"{target}x",
        f"{min(ratios):.2f}x..{max(ratios):.2f}x",
    )


async def reads_rows(table: Table, url: str) -> None:
    """Read streams, then everything in a process of its own."""
    streams = await fill(url, STREAMS)
    rates = [
        await streams_per_second(url, streams, READ_SECONDS / 3) * STREAM_EVENTS for _ in range(3)
    ]
    table.add_row(
        f"events of streams of {STREAM_EVENTS}, 8 callers",
        "",
        f"{statistics.median(rates):,.0f}",
        "",
        f"{STREAMED_TARGET:,}",
        f"{min(rates):,.0f}..{max(rates):,.0f}",
    )
    async with children(url, 1, 0) as running:
        whole = [(await ask_all(running, Everything(), WholeLog))[0] for _ in range(3)]
    rates = [one.events / one.seconds for one in whole]
    table.add_row(
        f"events of the whole log of {whole[0].events:,}",
        "",
        f"{statistics.median(rates):,.0f}",
        "",
        f"{WHOLE_TARGET:,}",
        f"{min(rates):,.0f}..{max(rates):,.0f}; memory {whole[0].before_mb:.0f} MB before, "
        f"{whole[-1].peak_mb:.0f} MB at the peak",
    )


@asynccontextmanager
async def durable_databases() -> AsyncIterator[tuple[Databases, Path]]:
    """Run a PostgreSQL that waits for the disk, in a folder that is removed afterwards."""
    with data_folder(on_disk=True) as folder:
        # The other services are not needed: their URLs are set, so nobody starts them.
        settings = settings_in(
            folder, NATS_URL="nats://127.0.0.1:1", REDIS_URL="redis://127.0.0.1:1"
        )
        async with (
            embedded_services(settings, durable=True) as services,
            migrated_databases(services.database_url) as databases,
        ):
            yield databases, folder


if __name__ == "__main__":
    sys.exit(uvloop.run(main()))
