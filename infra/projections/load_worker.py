"""A process that fills part after part of a new generation: events in, rows out in bulk.

Run as `python -m infra.projections.load_worker`. It takes one JSON line a message, a `Setup` first
and then `Part`s, and answers each with one line. It ends with its input, so with its parent too.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import uvloop

from commands.ports import StoreUnavailableError
from infra.projections.connection import rebuild_connection
from infra.projections.folding import CannotFoldError, Folder
from infra.projections.generations import QUERIES
from infra.projections.table_writes import copy
from infra.store.codec import Codec
from projections.registry import PROJECTIONS, Projection
from projections.write import Put, Write

PAGE_ROWS = 200
"""Few enough that also the largest events fit."""
COPIED_ROWS = 1_000

_NICE = 10
"""Whoever serves requests on the same machine goes first."""

# Or a small table would be sorted, and a large one read from one end to the other by each process.
_BY_INDEX = {"enable_sort": "off", "enable_seqscan": "off", "enable_bitmapscan": "off"}


class Setup(msgspec.Struct, frozen=True):
    """What to fill, from which database (its URL is a secret, hence no argument)."""

    url: str
    projection: str
    generation: int
    head: int
    """The last position to read."""
    skipped: list[int]


class Part(msgspec.Struct, frozen=True):
    """The streams from one id on, to before another or to the end."""

    low: UUID
    high: UUID | None


class Filled(msgspec.Struct, frozen=True):
    """What came of a part, or of the set-up."""

    events: int = 0
    rows: int = 0
    fault: str | None = None
    """Why it cannot be filled; nothing more comes after it."""


async def main() -> None:
    """Fill what is asked for until the input ends."""
    os.nice(_NICE)
    setup = msgspec.json.decode(await _line(), type=Setup)
    try:
        async with loader(setup) as opened:
            _say(Filled())
            while line := await _line():
                _say(await opened.fill(msgspec.json.decode(line, type=Part)))
    except (CannotFoldError, StoreUnavailableError) as error:
        _say(Filled(fault=str(error)))


@asynccontextmanager
async def loader(setup: Setup) -> AsyncIterator["Loader"]:
    """Open what fills the tables; nobody begins anew before all of them are closed."""
    async with (
        rebuild_connection(setup.url, **_BY_INDEX) as reading,
        rebuild_connection(setup.url) as writing,
    ):
        if not await writing.fetchval(QUERIES["share_loading"], setup.projection):
            raise StoreUnavailableError("another rebuild has begun")
        yield Loader(setup, reading, writing)


class Loader:
    """Fills the tables of one generation."""

    def __init__(
        self, setup: Setup, reading: asyncpg.Connection, writing: asyncpg.Connection
    ) -> None:
        self._setup = setup
        self._projection: Projection = PROJECTIONS[setup.projection]
        self._reading = reading
        self._writing = writing
        self._codec = Codec()

    async def fill(self, part: Part) -> Filled:
        """Fold the part's histories and add their rows."""
        folder = Folder(self._projection, self._codec, self._setup.skipped)
        events = rows = 0
        writes: list[Write] = []
        async for page in self.pages(part):
            folder.add(page)
            events += len(page)
            writes += folder.finished()
            if len(writes) >= COPIED_ROWS:
                rows += await self._copy(writes)
                writes = []
        rows += await self._copy(writes + folder.end())
        return Filled(events, rows)

    async def pages(self, part: Part) -> AsyncIterator[list[asyncpg.Record]]:
        """Read page after page, each while the one before it is being folded."""
        query, arguments = "histories_to_the_end", [self._projection.category, part.low]
        if part.high is not None:
            query = "histories_between"
            arguments.append(part.high)
        async with self._reading.transaction(readonly=True):
            cursor = await self._reading.cursor(QUERIES[query], *arguments, self._setup.head)
            upcoming = asyncio.ensure_future(cursor.fetch(PAGE_ROWS))
            while page := await upcoming:
                upcoming = asyncio.ensure_future(cursor.fetch(PAGE_ROWS))
                await asyncio.sleep(0)  # so that the request is sent before this process is busy
                yield page

    async def _copy(self, writes: Sequence[Write]) -> int:
        rows: dict[str, list[tuple[Any, ...]]] = {}
        for one in writes:
            if isinstance(one, Put):
                rows.setdefault(one.table.name, []).append(one.row)
        for table in self._projection.tables:
            of_table = rows.get(table.name)
            if of_table:
                await copy(self._writing, table, self._setup.generation, of_table)
        return sum(map(len, rows.values()))


async def _line() -> bytes:
    return await asyncio.to_thread(sys.stdin.buffer.readline)


def _say(answer: Filled) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    uvloop.run(main())
