"""Measures rebuilds of the posts' read models, alone and while the API is written and read.

Run as `python -m tests.bench.projections [EVENTS]`. The baselines read and decode the same events
and write nothing. All take turns; read the ratios, not the rates.
"""

import asyncio
import os
import random
import statistics
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import uvloop
from rich.console import Console
from rich.table import Table

from infra.bootstrap import open_product
from infra.generate import generate
from infra.identity.passwords import CHEAP
from infra.projections.connection import rebuild_connection
from infra.projections.generations import QUERIES
from infra.projections.load import cut_into_parts
from infra.projections.load_worker import Part, Setup
from projections.registry import PROJECTIONS
from tests.bench.api_process import Api
from tests.bench.api_process import Setup as ApiSetup
from tests.bench.child import Everything
from tests.bench.children import ask_all, children
from tests.bench.http import api_process, create
from tests.bench.load import request
from tests.bench.machine import describe
from tests.bench.paced import paced
from tests.bench.reads import WholeLog
from tests.bench.store import durable_databases
from tests.bench.witness import Seen, Witness, witnessed
from tests.support.accounts import random_keys

EVENTS = 1_000_000
ROUNDS = 3
PROCESSES = 2
WITNESSES = 20
WRITES = 200
READS = 800
"""A second; the witnesses read as often as they write, which makes 1,000."""

POSTS = PROJECTIONS["posts"]


class Run(msgspec.Struct, frozen=True):
    """A rebuild, as the command line told it."""

    seconds: float
    memory_mb: float
    """Of its processes together, at the most."""
    result: dict[str, Any]


async def main(events: int = EVENTS) -> None:
    """Measure at half of the events and at all of them, then under load, and print a table."""
    table = Table("measured", "result", "target")
    async with durable_databases() as (databases, folder), databases.fresh() as url:
        machine = await describe(url, folder)
        halved = await at_size(table, url, folder, events // 2)
        whole = await at_size(table, url, folder, events)
        table.add_row("twice the events take", f"{whole / halved:.2f}x the time", "2x")
        await under_load(table, url, folder)
    console = Console(width=110)
    console.print(table)
    console.print(machine, highlight=False)


async def at_size(table: Table, url: str, folder: Path, events: int) -> float:
    """Grow the log to so many events; measure rebuilds beside the baseline; give their seconds."""
    async with open_product(url, random_keys(), hashing=CHEAP) as product:
        before, begun = await product.log.head(), time.perf_counter()
        await generate(product, events, datetime.now(UTC), lambda *_: None)
        head = await product.log.head()
        made = (head - before) / (time.perf_counter() - begun)
        await product.database.fetch("select count(*) from events", seconds=300)
    runs: list[Run] = []
    ratios: dict[str, list[float]] = {"one process": [], f"{PROCESSES} processes": []}
    for _ in range(ROUNDS):
        read = await read_by_one(url), await read_by_several(url)
        runs.append(await rebuilt(url, folder))
        assert runs[-1].result["differing"] == 0, runs[-1].result
        for of_kind, rate in zip(ratios.values(), read, strict=True):
            of_kind.append(head / runs[-1].seconds / rate)
    seconds = statistics.median(run.seconds for run in runs)
    rate = head / seconds
    table.add_row(f"generating, up to {head:,} events", f"{made:,.0f} events/s", "20,000")
    table.add_row(f"rebuild of {head:,} events", f"{rate:,.0f} events/s", "60,000")
    for kind, of_kind in ratios.items():
        table.add_row(
            f"  of reading and decoding alone, by {kind}",
            f"{statistics.median(of_kind):.2f}x ({min(of_kind):.2f}x..{max(of_kind):.2f}x)",
            "0.5x",
        )
    table.add_row(
        "  memory of all its processes", f"{max(r.memory_mb for r in runs):.0f} MB", "300 MB"
    )
    return seconds


async def under_load(table: Table, url: str, folder: Path) -> None:
    """Rebuild, and go back, while the API is written and read at a pace."""
    seen, stop = Seen(), asyncio.Event()
    async with api_process(ApiSetup(url)) as (_, api):
        token = {"authorization": f"Bearer {api.token}"}
        async with httpx.AsyncClient(base_url=api.address, headers=token, timeout=10) as client:
            made = [await create(client, f"Witnessed {uuid4()}") for _ in range(WITNESSES)]
        interval = WITNESSES / WRITES
        witnesses = [Witness(api.address, token, *post, interval, seen) for post in made]
        writing = asyncio.create_task(witnessed(api.address, witnesses, stop))
        reading = asyncio.create_task(read_all_the_time(api, await some_posts(url), stop))
        begun = time.perf_counter()
        run = await rebuilt(url, folder)
        back = await command(url, folder, "undo", "posts", "--json")
        took = time.perf_counter() - begun
        stop.set()
        await writing
        times = await reading
    assert set(seen.statuses) == {"200"}, seen.statuses
    assert not seen.stale
    table.add_row(
        f"rebuild with {seen.writes / took:,.0f} writes/s and "
        f"{(len(times) + seen.writes) / took:,.0f} reads/s",
        f"{run.seconds:.1f} s; 0 failed, 0 stale, {run.result['differing']} rows differ",
        "200 and 1,000",
    )
    held = [run.result["appendsHeldMs"], back[-1]["appendsHeldMs"]]
    table.add_row(
        "  appends held by the cut-over", f"{held[0]:.0f} ms, undo {held[1]:.0f} ms", "100 ms"
    )
    table.add_row(
        "  slowest write; read, 99th of 100 and slowest",
        f"{seen.slowest_write * 1000:.0f} ms; {times[len(times) * 99 // 100] * 1000:.0f} ms, "
        f"{times[-1] * 1000:.0f} ms",
        "",
    )


async def read_all_the_time(api: Api, paths: list[str], stop: asyncio.Event) -> list[float]:
    """Read published posts at a pace until `stop` is set; give the sorted times."""
    chance = random.Random(1)  # noqa: S311 - which post is read next
    requests = [request(api.address, "GET", path, {}) for path in paths]
    times: list[float] = []
    while not stop.is_set():
        times += await paced(
            api.address,
            lambda: chance.choice(requests),
            connections=16,
            per_second=READS,
            seconds=1.0,
        )
    return sorted(times)


async def some_posts(url: str) -> list[str]:
    """Give the paths of a few thousand published posts."""
    async with rebuild_connection(url) as connection:
        rows = await connection.fetch(
            "select id from posts where status = 'published' and not deleted limit 5000"
        )
    return [f"/posts/{row[0]}" for row in rows]


async def rebuilt(url: str, folder: Path) -> Run:
    """Rebuild the posts' read models as an operator does."""
    begun, most = time.perf_counter(), 0.0
    process = await started(url, folder, "rebuild", "posts", "--json", "--processes", "2")
    communicating = asyncio.create_task(process.communicate())
    while not communicating.done():
        most = max(most, memory_mb(process.pid))
        await asyncio.wait({communicating}, timeout=0.1)
    seconds = time.perf_counter() - begun
    said, _ = await communicating
    assert process.returncode == 0
    return Run(seconds, most, msgspec.json.decode(said.splitlines()[-1]))


async def command(url: str, folder: Path, *arguments: str) -> list[dict[str, Any]]:
    """Run a command to its end and give its lines."""
    process = await started(url, folder, *arguments)
    said, _ = await process.communicate()
    assert process.returncode == 0
    return [msgspec.json.decode(line) for line in said.splitlines()]


async def started(url: str, folder: Path, *arguments: str) -> Process:
    """Start a command of `ledgerpress projections`."""
    variables = {"LEDGERPRESS_DATABASE_URL": url, "LEDGERPRESS_DATA_DIR": str(folder / "data")}
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "infra.cli", "projections", *arguments),
        env={**os.environ, **variables},
        stdout=PIPE,
    )


def memory_mb(pid: int) -> float:
    """Tell the memory that a process and its children have resident, shared pages in each."""
    pids, kibibytes = [pid], 0
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            pids += map(int, (task / "children").read_text(encoding="ascii").split())
        for each in pids:
            status = Path(f"/proc/{each}/status").read_text(encoding="utf-8")
            kibibytes += sum(
                int(line.split()[1]) for line in status.splitlines() if "VmRSS" in line
            )
    except OSError:
        return 0.0  # one of them has just ended
    return kibibytes / 1024


async def read_by_one(url: str) -> float:
    """Read and decode all events as the log's followers do; give how many a second."""
    async with children(url, 1, 0) as running:
        whole = (await ask_all(running, Everything(), WholeLog))[0]
    return whole.events / whole.seconds


async def read_by_several(url: str) -> float:
    """Read and decode all events as a rebuild does; give how many a second."""
    async with rebuild_connection(url) as connection:
        head: int = await connection.fetchval(QUERIES["head"])
        parts = iter(await cut_into_parts(connection, POSTS, head))
    async with AsyncExitStack() as stack:
        setup = Setup(url, POSTS.name, 0, head, [])
        readers = [await stack.enter_async_context(reader(setup)) for _ in range(PROCESSES)]
        begun = time.perf_counter()
        counts = await asyncio.gather(*(read_parts(each, parts) for each in readers))
        return sum(counts) / (time.perf_counter() - begun)


async def read_parts(process: Process, parts: Iterator[Part]) -> int:
    """Let a process read one part after the other."""
    return sum([int(await ask(process, part)) for part in parts])


@asynccontextmanager
async def reader(setup: Setup) -> AsyncIterator[Process]:
    """Run a process that is ready to read."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.projection_child", stdin=PIPE, stdout=PIPE
    )
    try:
        await ask(process, setup)
        yield process
    finally:
        assert process.stdin
        process.stdin.close()
        await process.wait()


async def ask(process: Process, message: Setup | Part) -> bytes:
    """Send a line and wait for the answer."""
    assert process.stdin
    assert process.stdout
    process.stdin.write(msgspec.json.encode(message) + b"\n")
    return await process.stdout.readline()


if __name__ == "__main__":
    uvloop.run(main(*map(int, sys.argv[1:2])))
