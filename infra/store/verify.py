"""Holds the log against itself, and the tables that are made from it against the log.

All of it is read in one transaction that sees one moment, so writes may go on. Everything comes in
the order of the streams' ids, the tables beside the log, so memory does not grow with either.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from infra.postgres import Database
from infra.store.codec import Codec
from infra.store.event_store import QUERIES as LOG_QUERIES
from infra.store.replay import (
    PAGE_ROWS,
    PAGE_SECONDS,
    QUERIES,
    READ_MODELS,
    Fault,
    History,
    pages,
    replay,
)
from projections.write import Table

if TYPE_CHECKING:
    from infra.store.replay import Connection

SAMPLES = 5
"""How many faults of each check are named; all are counted."""

_POSITIONS = 5_000

Progress = Callable[[str, int, int], None]
"""Told what is being read, how much of it is done, and how much there is (events)."""

_CLAIMS = Table("claims", ("scope", "key", "owner_id"), key_columns=2, owner="owner_id")
_TABLES = (_CLAIMS, *READ_MODELS)

_HOLDS = {
    "positions": "every position from 1 to the last, once",
    "versions": "every version of a stream from 1 to its last, once, in the order of positions",
    "events": "every event can be decoded and folded",
    "tags": "every event is of its stream's category and of the type that it says",
    "times": "no event is recorded before the one before it in its stream",
    **{table.name: f"{table.name} equals what the events say" for table in _TABLES},
}


class Check(msgspec.Struct):
    """One thing that must hold, and whether it did."""

    name: str
    holds: str
    """What must hold, in words."""
    checked: int = 0
    """How many events, or rows of a table."""
    faults: int = 0
    samples: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Count a fault, and keep the first few."""
        self.faults += 1
        if len(self.samples) < SAMPLES:
            self.samples.append(fault)


class Report(msgspec.Struct):
    """What came of a verification."""

    sound: bool
    head: int
    """The last position."""
    events: int
    streams: int
    uncompared: int
    """Streams whose tables cannot be judged, as some of their events could not be folded."""
    checks: list[Check]


async def verify(database: Database, codec: Codec, progress: Progress) -> Report:
    """Check everything as it stands now. Raises `StoreUnavailableError` on an outage."""
    async with (
        database.connection() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        return await _Verification(connection, codec, progress).run()


class _Verification:
    """One run of all checks."""

    def __init__(self, connection: "Connection", codec: Codec, progress: Progress) -> None:
        self._connection = connection
        self._codec = codec
        self._progress = progress
        self._checks = {name: Check(name, holds) for name, holds in _HOLDS.items()}

    async def run(self) -> Report:
        head, events = await self._positions()
        streams, uncompared = await self._histories(events)
        for name in ("positions", "versions", "events", "tags", "times"):
            self._checks[name].checked = events
        checks = list(self._checks.values())
        sound = not any(check.faults for check in checks)
        return Report(sound, head, events, streams, uncompared, checks)

    async def _positions(self) -> tuple[int, int]:
        """Give the last position and how many events there are."""
        last = events = 0
        total = await self._connection.fetchval(LOG_QUERIES["head"], timeout=PAGE_SECONDS)
        async for page in pages(self._connection, QUERIES["positions"], _POSITIONS):
            for (position,) in page:
                if position != last + 1:
                    self._report(_gap(last, position))
                last = position
            events += len(page)
            self._progress("positions", events, total)
        return last, events

    async def _histories(self, events: int) -> tuple[int, int]:
        """Give how many streams there are, and how many of them could not be compared."""
        rows = await self._connection.fetch(QUERIES["served"], timeout=PAGE_SECONDS)
        served: dict[str, int] = {row[0]: row[1] for row in rows}
        tables = [_Beside(self._connection, table, served.get(table.name)) for table in _TABLES]
        streams = uncompared = done = 0
        async for histories in replay(self._connection, self._codec, self._report):
            streams += len(histories)
            broken = sum(history.broken for history in histories)
            uncompared += broken
            for table in tables:
                await self._compare(table, histories)
            done += sum(history.events for history in histories)
            self._progress("streams", done, events)
        for table in tables:
            async for row in table.through(None):
                self._stray(table, row)
        return streams, uncompared

    async def _compare(self, table: "_Beside", histories: Sequence[History]) -> None:
        """Compare the rows of one id, after those of ids that the log does not know."""
        id_ = histories[0].stream.id
        unknown = any(history.broken for history in histories)
        wanted = {} if unknown else _wanted(table.table, histories)
        async for row in table.through(id_):
            if row[table.owner] != id_:
                self._stray(table, row)
            elif not unknown:
                self._judge(table, row, wanted)
        for key in wanted:
            check = self._checks[table.table.name]
            says = "is missing"
            if table.table is _CLAIMS and check.faults < SAMPLES:
                holder = await self._connection.fetchval(
                    QUERIES["holder"], *key, timeout=PAGE_SECONDS
                )
                says = says if holder is None else f"is held by {holder} instead"
            check.add(_of_row(table.table, key, says, id_))

    def _judge(
        self, table: "_Beside", row: Sequence[Any], wanted: dict[tuple[Any, ...], tuple[Any, ...]]
    ) -> None:
        key = tuple(row[: table.table.key_columns])
        right = wanted.pop(key, None)
        if right is None:
            self._stray(table, row)
            return
        check = self._checks[table.table.name]
        check.checked += 1
        if tuple(row) != right:
            pairs = zip(table.table.columns, row, right, strict=True)
            wrong = ", ".join(column for column, is_, should_be in pairs if is_ != should_be)
            check.add(_of_row(table.table, key, f"is wrong in {wrong}", row[table.owner]))

    def _stray(self, table: "_Beside", row: Sequence[Any]) -> None:
        check = self._checks[table.table.name]
        check.checked += 1
        key = tuple(row[: table.table.key_columns])
        says = "is there, but the log does not say so"
        check.add(_of_row(table.table, key, says, row[table.owner]))

    def _report(self, fault: Fault) -> None:
        self._checks[fault.check].add(fault)


class _Beside:
    """A table's rows in the order of the streams that they belong to, read beside the log."""

    def __init__(self, connection: "Connection", table: Table, generation: int | None) -> None:
        """Read a read model's generation: its view may show another one before this is done."""
        self.table = table
        self.owner = table.columns.index(table.owner)
        name = table.name if generation is None else f"{table.name}_g{generation}"
        query = f"select {', '.join(table.columns)} from {name} order by {table.owner}"  # noqa: S608 - names of our tables
        self._pages = pages(connection, query, PAGE_ROWS)
        self._page: Sequence[Any] = ()
        self._next = 0

    async def through(self, id_: UUID | None) -> AsyncIterator[Sequence[Any]]:
        """Go through the rows up to those of a stream, or to the end."""
        while True:
            if self._next == len(self._page):
                page = await anext(self._pages, None)
                self._page, self._next = page or (), 0
                if not self._page:
                    return
            row = self._page[self._next]
            if id_ is not None and row[self.owner] > id_:
                return
            self._next += 1
            yield row


def _wanted(table: Table, histories: Sequence[History]) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """Give the rows that these streams should have in a table, by their keys."""
    if table is _CLAIMS:
        return {
            tuple(claim): (*claim, history.stream.id)
            for history in histories
            for claim in history.claims()
        }
    return {
        key: row
        for history in histories
        for (name, key), row in history.rows.items()
        if name == table.name
    }


def _gap(last: int, position: int) -> Fault:
    if position <= last:
        return Fault("positions", "comes twice", position)
    if position == last + 2:
        return Fault("positions", "is missing", last + 1)
    return Fault("positions", f"is missing, and so are all up to {position - 1}", last + 1)


def _of_row(table: Table, key: tuple[Any, ...], says: str, id_: UUID) -> Fault:
    return Fault(table.name, says, row=f"{table.name} {' '.join(map(str, key))}", stream=str(id_))
