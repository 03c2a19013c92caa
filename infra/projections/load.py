"""Fills a new generation by several processes, each a part of the streams after the other."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import pairwise
from uuid import UUID

import asyncpg
import msgspec

from infra.projections.generations import QUERIES
from infra.projections.load_worker import Filled, Part, Setup, loader
from projections.registry import Projection

PART_EVENTS = 20_000
MOST_PARTS = 1_000
_SAMPLED_EVENTS = 50_000
_END_SECONDS = 5.0
_FIRST = UUID(int=0)

Loaded = Callable[[int, int], None]
"""Told how many events are read, and about how many there are."""


Fill = Callable[[Part], Awaitable[Filled]]


class LoadError(Exception):
    """A process could not fill its part, or ended."""


async def load(
    connection: asyncpg.Connection,
    projection: Projection,
    setup: Setup,
    processes: int,
    loaded: Loaded,
) -> None:
    """Fill the tables with all events up to the set-up's head.

    By one process means by this one. Raises `LoadError` and `CannotFoldError`.
    """
    total = await _events(connection, projection, setup.head)
    parts = iter(await cut_into_parts(connection, projection, total))
    read = 0

    async def work(fill: Fill) -> None:
        nonlocal read
        for part in parts:
            filled = await fill(part)
            read += filled.events
            loaded(read, max(total, read))

    if processes == 1:
        async with loader(setup) as here:
            await work(here.fill)
        return

    async with _workers(setup, processes) as workers:
        tasks = [asyncio.create_task(work(worker.ask)) for worker in workers]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _events(connection: asyncpg.Connection, projection: Projection, head: int) -> int:
    rows = await connection.fetch(QUERIES["events_beside_posts"], head)
    beside = {row[0]: int(row[1]) for row in rows}
    if projection.category in beside:
        return beside[projection.category]
    return head - sum(beside.values()) if projection.category == "post" else 0


async def cut_into_parts(
    connection: asyncpg.Connection, projection: Projection, events: int
) -> Sequence[Part]:
    """Cut the streams into parts of about the same number of events."""
    count = min(MOST_PARTS, -(-events // PART_EVENTS))
    cuts: list[UUID] = []
    if count > 1:
        fractions = [number / count for number in range(1, count)]
        if projection.category == "post":
            percent = min(100.0, 100.0 * _SAMPLED_EVENTS / events)
            rows = await connection.fetch(
                QUERIES["cuts_of_sample"], projection.category, fractions, percent
            )
        else:
            rows = await connection.fetch(QUERIES["cuts_of_others"], projection.category, fractions)
        cuts = sorted({row[0] for row in rows if row[0] is not None})
    return [Part(low, high) for low, high in pairwise([_FIRST, *cuts, None]) if low is not None]


class _Worker:
    """A process of `infra/projections/load_worker.py`."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def ask(self, message: Setup | Part) -> Filled:
        assert self._process.stdin  # noqa: S101 - it was started with pipes
        assert self._process.stdout  # noqa: S101 - as above
        self._process.stdin.write(msgspec.json.encode(message) + b"\n")
        line = await self._process.stdout.readline()
        if not line:
            raise LoadError("a process of the rebuild has ended")
        filled = msgspec.json.decode(line, type=Filled)
        if filled.fault is not None:
            raise LoadError(filled.fault)
        return filled


@asynccontextmanager
async def _workers(setup: Setup, count: int) -> AsyncIterator[list[_Worker]]:
    async with AsyncExitStack() as stack:
        workers = [await stack.enter_async_context(_worker()) for _ in range(count)]
        await asyncio.gather(*(worker.ask(setup) for worker in workers))
        yield workers


@asynccontextmanager
async def _worker() -> AsyncIterator[_Worker]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "infra.projections.load_worker",
        stdin=PIPE,
        stdout=PIPE,
        start_new_session=True,  # Ctrl-C is for this process to answer
    )
    try:
        yield _Worker(process)
    finally:
        assert process.stdin  # noqa: S101 - it was started with pipes
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), _END_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()
