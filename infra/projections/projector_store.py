"""The projector's side of PostgreSQL: lease, checkpoint, pages of the log, rows.

Rows and checkpoint are one statement, so a process that is paused at any moment holds no lock that
others wait for, and one whose lease was taken over writes nothing: its epoch is an old one.
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from commands.ports import EVERYTHING, EventStore
from domain.projection import Projection as History
from domain.projection import ProjectionEvent, evolve, stream
from infra.postgres import Database
from infra.store.event_log import PAGE_BYTES, SCAN_SECONDS, page_query
from projections.database import load_queries
from projections.following import Beat, Entry, Followed, Halted, Lease, RowRefusedError
from projections.write import Drop, Put, Table, Write, last_of_each_key

QUERIES = load_queries(Path(__file__).with_name("projector_store.sql"))

LEASE_SECONDS = 5.0
"""How long a leader that shows no sign of life goes on being the leader."""

WRITE_SECONDS = 4.0
"""Less than the lease. The words of one post can take most of a second to find."""

_STREAMS_AT_ONCE = 32
_EVENTS_AT_ONCE = 8
_REFUSALS = frozenset({"22", "23", "54"})
"""Classes of SQLSTATE that say what is wrong with the rows: data, constraints, limits."""

_PAGE, _ = page_query(
    EVERYTHING, "position, category, stream_id, version, type, data, recorded_at", backwards=False
)
_encode = msgspec.json.Encoder().encode
_decode_halted = msgspec.json.Decoder(Halted).decode


class PostgresProjectorStore:
    """See `projections.following.ProjectorStore`."""

    def __init__(self, database: Database, store: EventStore) -> None:
        self._database = database
        self._store = store
        self._statements: dict[str, str] = {}

    async def take(self, followed: Followed, leader: UUID) -> Lease | None:
        """Become the leader, if there is none whose lease still runs."""
        rows = await self._database.fetch(
            QUERIES["take"], followed.name, leader, LEASE_SECONDS, followed.schema_version
        )
        if not rows:
            return None
        epoch, position, halted, taken_over = rows[0]
        return Lease(epoch, position, _halted(halted), taken_over)

    async def beat(self, followed: Followed, lease: Lease) -> Beat | None:
        """Say that the leader is alive."""
        rows = await self._database.fetch(
            QUERIES["beat"], followed.name, lease.epoch, LEASE_SECONDS
        )
        return Beat(rows[0][0], _halted(rows[0][1]), rows[0][2]) if rows else None

    async def give_up(self, followed: Followed, lease: Lease) -> None:
        """Let somebody else lead at once."""
        await self._database.fetch(QUERIES["give_up"], followed.name, lease.epoch)

    async def page(self, after: int, most: int) -> Sequence[Entry]:
        """Read the log after a position."""
        rows = await self._database.fetch(
            _PAGE, after, None, most, PAGE_BYTES, seconds=SCAN_SECONDS
        )
        return [Entry(*row) for row in rows]

    async def histories(
        self, category: str, until: Mapping[UUID, int]
    ) -> AsyncIterator[Sequence[Entry]]:
        """Read streams from their beginnings, a few events of a few of them at a time."""
        reached = dict.fromkeys(until, 0)
        waiting = list(until)
        while waiting:
            asked, waiting = waiting[:_STREAMS_AT_ONCE], waiting[_STREAMS_AT_ONCE:]
            rows = await self._database.fetch(
                QUERIES["histories"],
                category,
                asked,
                [reached[stream_id] for stream_id in asked],
                [until[stream_id] for stream_id in asked],
                _EVENTS_AT_ONCE,
                seconds=SCAN_SECONDS,
            )
            entries = [Entry(*row) for row in rows]
            found = Counter(entry.stream_id for entry in entries)
            reached |= {entry.stream_id: entry.version for entry in entries}
            waiting += [stream_id for stream_id in asked if found[stream_id] == _EVENTS_AT_ONCE]
            yield entries

    async def skipped(self, followed: Followed) -> frozenset[int]:
        """Give the positions that operators left out of a projection."""
        state: History | None = None
        for recorded in await self._store.read_stream(stream(followed.name)):
            event = recorded.event
            if isinstance(event, ProjectionEvent):
                state = evolve(state, event, version=recorded.version)
        return frozenset() if state is None else state.skipped

    async def write(
        self, followed: Followed, lease: Lease, writes: Sequence[Write], moved: tuple[int, int]
    ) -> bool:
        """Write rows and move the checkpoint, or neither."""
        statement = self._statements.get(followed.name)
        if statement is None:
            statement = self._statements[followed.name] = write_statement(followed.tables)
        last = last_of_each_key(writes)
        rows = (text for table in followed.tables for text in _rows_of(table, last))
        try:
            found = await self._database.fetch(
                statement,
                followed.name,
                lease.epoch,
                *moved,
                LEASE_SECONDS,
                *rows,
                seconds=WRITE_SECONDS,
            )
        except asyncpg.PostgresError as error:
            if (error.sqlstate or "")[:2] in _REFUSALS:
                # Not the message: it shows values.
                raise RowRefusedError(f"SQLSTATE {error.sqlstate}") from None
            raise
        return bool(found)

    async def halt(self, followed: Followed, lease: Lease, halted: Halted) -> bool:
        """Record that the projection stands still."""
        text = _encode(halted).decode()
        rows = await self._database.fetch(
            QUERIES["halt"], followed.name, lease.epoch, lease.position, text
        )
        return bool(rows)

    async def go_on(self, name: str, position: int) -> None:
        """Let a projection go on that is halted at an event which is skipped by now."""
        await self._database.fetch(QUERIES["go_on"], name, position)


def write_statement(tables: Iterable[Table]) -> str:
    """Compose the one statement that moves the checkpoint and writes the rows.

    $1 to $5 are name, epoch, position before and after, and the seconds of the lease; then, for
    each table, the rows to put and the keys to drop, as JSON.
    """
    statement = (
        "with moved as materialized ("
        "update projections set position = $4, moved_at = clock_timestamp(),"
        " heartbeat_at = clock_timestamp(),"
        " lease_until = clock_timestamp() + make_interval(secs => $5)"
        " where name = $1 and epoch = $2 and position = $3 returning true as done)"
    )
    number = 6
    for table in tables:
        name, columns = table.name, ", ".join(table.columns)
        keys, others = table.columns[: table.key_columns], table.columns[table.key_columns :]
        same = " and ".join(f"kept.{key} = gone.{key}" for key in keys)
        replaced = ", ".join(f"{column} = excluded.{column}" for column in others)
        statement += (
            f", put_{name} as (insert into {name} ({columns})"  # noqa: S608 - names of our tables
            f" select {columns} from json_populate_recordset(null::{name}, ${number}::text::json)"
            f" where (select done from moved)"
            f" on conflict ({', '.join(keys)}) do update set {replaced})"
        )
        statement += (
            f", drop_{name} as (delete from {name} kept"  # noqa: S608 - names of our tables
            f" using json_populate_recordset(null::{name}, ${number + 1}::text::json) as gone"
            f" where (select done from moved) and {same})"
        )
        number += 2
    return f"{statement} select done from moved"  # noqa: S608 - made of the constants above


def _rows_of(table: Table, writes: Sequence[Write]) -> Iterable[str]:
    """Give the rows to put into a table, and the keys to drop from it."""
    of_table = [write for write in writes if write.table.name == table.name]
    puts: list[dict[str, Any]] = [
        dict(zip(table.columns, write.row, strict=True))
        for write in of_table
        if isinstance(write, Put)
    ]
    drops: list[dict[str, Any]] = [
        dict(zip(table.columns, write.key, strict=False))
        for write in of_table
        if isinstance(write, Drop)
    ]
    yield _encode(puts).decode()
    yield _encode(drops).decode()


def _halted(text: str | None) -> Halted | None:
    return None if text is None else _decode_halted(text)
