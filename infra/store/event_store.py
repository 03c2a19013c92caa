"""Appends to the log and reads streams: the store that commands use.

Appends that arrive while one statement runs are gathered and written by the next (group commit).
The path of one append: `append` queues it, `_next_group` picks it, `_write` sends it, and its
verdict comes back as a value. What is guaranteed, and how, is in docs/adr/0003-event-store.md.
"""

import asyncio
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from commands.ports import (
    Append,
    Appended,
    AppendResult,
    ClaimTaken,
    Conflict,
    KeyUsed,
    Recorded,
    SeenChanged,
    StoreUnavailableError,
)
from commands.tracing import Span, Tracer
from domain.stream import Stream
from infra.postgres import Database
from infra.store.append_figures import AppendFigures
from infra.store.append_spans import AppendSpans
from infra.store.codec import Codec
from infra.store.hints import Hints
from projections.coalesce import Coalescer
from projections.database import load_queries

QUERIES = load_queries(Path(__file__).with_name("event_log.sql"))

GROUP_APPENDS = 128
"""The largest group: past this a larger one gains nothing and delays its first member."""

APPEND_SECONDS = 0.9
"""How long a group may take before its callers are told that nobody knows."""

_CORE_PARAMETERS = 27


_Row = Sequence[Any]
"""Of `read_streams`: the number of the stream asked for, position, version, id, tag, data, time."""


class PostgresEventStore:
    """The event store on PostgreSQL. One for each process; it may be used by many tasks at once."""

    def __init__(
        self,
        database: Database,
        codec: Codec,
        hints: Hints,
        inline_tables: Iterable[str] = (),
        tracer: Tracer | None = None,
    ) -> None:
        self.figures = AppendFigures()
        self._spans = None if tracer is None else AppendSpans(tracer)
        self._writing = database.keep()
        self._reading = database.keep()
        self._hints = hints
        self._codec = codec
        self._tables = tuple(inline_tables)
        self._statement = append_statement(self._tables)
        self._queue: list[_Waiting] = []
        self._writer: asyncio.Task[None] | None = None
        self._encode_metadata = msgspec.json.Encoder().encode
        self._streams: Coalescer[tuple[Stream, int], Sequence[_Row]] = Coalescer(self._read_streams)

    async def append(self, append: Append) -> AppendResult:
        """Write the append with whichever others wait now. See `commands.ports.EventStore`."""
        waiting = self._prepare(append)
        if self._spans is not None:
            waiting.span = self._spans.begin(append)
        self._queue.append(waiting)
        if self._writer is None:
            self._writer = asyncio.create_task(self._write_all())
        if self._spans is None or waiting.span is None:
            return await waiting.result
        try:
            result = await waiting.result
        except BaseException as error:
            self._spans.end(waiting.span, error)
            raise
        self._spans.end(waiting.span, result)
        return result

    async def read_stream(self, stream: Stream, *, after: int = 0) -> Sequence[Recorded]:
        """Read a stream's events after a version; readers that come together share a query.

        Each decodes its own, so that an event which cannot be decoded fails nobody else.
        """
        rows = await self._streams.get((stream, after)) or ()
        decode = self._codec.decode
        return [
            Recorded(position, stream, version, event_id, decode(tag, data), at)
            for _, position, version, event_id, tag, data, at in rows
        ]

    async def _write_all(self) -> None:
        try:
            while True:
                # Let every task that is ready now join the group, also those just answered.
                await asyncio.sleep(0)
                if not self._queue:
                    break
                group, self._queue = next_group(self._queue)
                if group:
                    await self._write(group)
        finally:
            self._writer = None
            # Only when this task was cancelled: nobody may wait for a write that never comes.
            for waiting in self._queue:
                waiting.fail(StoreUnavailableError("the store is closing"))
            self._queue = []

    async def _write(self, group: "Sequence[_Waiting]") -> None:
        clock = asyncio.get_running_loop().time
        sent = clock()
        try:
            rows = await self._writing.fetch(
                self._statement, *self._arguments(group), seconds=APPEND_SECONDS
            )
        except StoreUnavailableError as error:
            # Who waited all this time behind a database that does not answer will not wait again.
            slow = clock() - sent > APPEND_SECONDS / 2
            gone, self._queue = (self._queue, []) if slow else ([], self._queue)
            self.figures.unavailable += len(group) + len(gone)
            for waiting in (*group, *gone):
                waiting.fail(StoreUnavailableError(str(error)))
            return
        except asyncio.CancelledError:
            for waiting in group:
                waiting.fail(StoreUnavailableError("the store is closing"))
            raise
        except Exception as error:  # noqa: BLE001 - a bug in one append; its caller raises it
            await self._write_apart(group, error)
            return
        verdicts, versions, position = rows[0][0], rows[0][1], rows[0][2]
        figures = self.figures
        took = clock() - sent
        figures.wrote(len(group), took)
        if self._spans is not None:
            members = [waiting.span for waiting in group if waiting.span is not None]
            self._spans.group(members, len(group), took)
        for waiting, verdict, version in zip(group, verdicts, versions, strict=True):
            count = len(waiting.append.events)
            figures.results[verdict] += 1
            if verdict == _APPENDED:
                figures.events += count
                position += count
                waiting.succeed(Appended(version + count, position))
            else:
                waiting.succeed(_refused(verdict, version))
        # From the loop, so that a hint that fails is logged and harms no append.
        asyncio.get_running_loop().call_soon(self._hints.appended)

    async def _write_apart(self, group: "Sequence[_Waiting]", error: Exception) -> None:
        """Write each alone after the database refused the group, so that one harms no other."""
        if len(group) == 1:
            group[0].fail(error)
            return
        try:
            for waiting in group:
                await self._write([waiting])
        finally:
            # Only when cancelled on the way: all others have their results by now.
            for waiting in group:
                waiting.fail(StoreUnavailableError("the store is closing"))

    def _prepare(self, append: Append) -> "_Waiting":
        """Encode an append in its caller's own task: what cannot be encoded fails there, alone."""
        touches: list[object] = [append.stream, *append.takes, *append.releases, *append.vacant]
        if append.first_answer is not None:
            touches.append((append.first_answer.key.account_id, append.first_answer.key.key))
        return _Waiting(
            append,
            asyncio.get_running_loop().create_future(),
            touches=frozenset(touches),
            metadata=self._encode_metadata(append.metadata).decode(),
            events=[
                (new.id, type(new.event).__struct_config__.tag, self._codec.encode(new.event))
                for new in append.events
            ],
        )

    def _arguments(self, group: "Sequence[_Waiting]") -> list[Any]:
        """Lay the group out as the parallel arrays that `append_events` takes."""
        appends = [waiting.append for waiting in group]
        numbered = list(enumerate(appends, start=1))
        events = [
            (number, place, *event)
            for number, waiting in enumerate(group, start=1)
            for place, event in enumerate(waiting.events, start=1)
        ]
        seen = [
            (number, *stream, version)
            for number, append in numbered
            for stream, version in append.seen
        ]
        taken = [(number, *claim) for number, append in numbered for claim in append.takes]
        freed = [(number, *claim) for number, append in numbered for claim in append.releases]
        vacant = [(number, scope) for number, append in numbered for scope in append.vacant]
        answers = [
            (number, first.key.account_id, first.key.key, first.key.fingerprint, first.answer)
            for number, append in numbered
            if (first := append.first_answer) is not None
        ]
        return [
            [append.stream.category for append in appends],
            [append.stream.id for append in appends],
            [append.expected for append in appends],
            [waiting.metadata for waiting in group],
            [append.at for append in appends],
            *_columns(events, 5),
            *_columns(seen, 4),
            *_columns(taken, 3),
            *_columns(freed, 3),
            *_columns(answers, 5),
            *_columns(vacant, 2),
            *self._rows(numbered),
        ]

    def _rows(self, numbered: Sequence[tuple[int, Append]]) -> Iterable[Any]:
        """Give, for each inline table, its rows and the append of each; null for none."""
        rows: dict[str, tuple[list[Any], list[int]]] = {}
        for number, append in numbered:
            for put in append.puts:
                of_table = rows.setdefault(put.table.name, ([], []))
                of_table[0].append(put.row)
                of_table[1].append(number)
        for table in self._tables:
            yield from rows.pop(table, (None, None))
        if rows:
            raise LookupError(f"not inline tables of this store: {sorted(rows)}")

    async def _read_streams(
        self, asked: Sequence[tuple[Stream, int]]
    ) -> dict[tuple[Stream, int], Sequence[_Row]]:
        # A stream may be asked for from two versions at once: read from the lower, then cut.
        lowest: dict[Stream, int] = {}
        for stream, after in asked:
            lowest[stream] = min(after, lowest.get(stream, after))
        rows = await self._reading.fetch(
            QUERIES["read_streams"],
            [stream.category for stream in lowest],
            [stream.id for stream in lowest],
            list(lowest.values()),
        )
        found: dict[Stream, list[_Row]] = {stream: [] for stream in lowest}
        streams = list(found.values())
        for row in rows:
            streams[row[0] - 1].append(row)
        return {
            (stream, after): found[stream]
            if after == lowest[stream]
            else [row for row in found[stream] if row[2] > after]
            for stream, after in asked
        }


class _Waiting:
    """An append and whoever waits for it; they may have gone away by the time it is done."""

    __slots__ = ("append", "events", "metadata", "result", "sees", "span", "touches")

    def __init__(
        self,
        append: Append,
        result: "asyncio.Future[AppendResult]",
        *,
        touches: frozenset[object],
        metadata: str,
        events: list[tuple[UUID, Any, str]],
    ) -> None:
        self.append = append
        self.result = result
        self.touches = touches
        """Everything that no other append of the same group may touch."""
        self.sees: frozenset[object] = frozenset(
            (
                *(stream for stream, _ in append.seen),
                *(claim.scope for claim in append.takes),
                *(claim.scope for claim in append.releases),
            )
        )
        """What others of the group may rest on as well, but nobody may touch."""
        self.metadata = metadata
        self.events = events
        """The id, tag and text of each."""
        self.span: Span | None = None
        """Of the append, where it is traced."""

    def succeed(self, result: AppendResult) -> None:
        if not self.result.done():
            self.result.set_result(result)

    def fail(self, error: Exception) -> None:
        if not self.result.done():
            self.result.set_exception(error)


def next_group(queue: "Sequence[_Waiting]") -> "tuple[list[_Waiting], list[_Waiting]]":
    """Pick the appends to write now, and those left for later, both in their order.

    No two of a group touch the same thing, nor does one touch what another's decision rests on, so
    none can decide another's fate; many may rest on the same. Whoever is left
    behind holds back all that come after it on the same stream, claim or key: order is kept.
    Appends whose callers went away before they were sent are dropped.
    """
    group: list[_Waiting] = []
    later: list[_Waiting] = []
    touched: set[object] = set()
    seen: set[object] = set()
    for waiting in queue:
        if waiting.result.done():
            continue
        alone = (
            touched.isdisjoint(waiting.touches)
            and touched.isdisjoint(waiting.sees)
            and seen.isdisjoint(waiting.touches)
        )
        if alone and len(group) < GROUP_APPENDS:
            group.append(waiting)
        else:
            later.append(waiting)
        touched |= waiting.touches
        seen |= waiting.sees
    return group, later


def append_statement(inline_tables: Iterable[str]) -> str:
    """Compose the one statement: the append, then the rows of each inline read model."""
    core = ", ".join(f"${n}" for n in range(1, _CORE_PARAMETERS + 1))
    applies = "".join(
        f", apply_{table}(${n}::{table}[], ${n + 1}::int[], appended.verdicts)"
        for n, table in zip(
            range(_CORE_PARAMETERS + 1, _CORE_PARAMETERS + 1000, 2), inline_tables, strict=False
        )
    )
    return (
        f"with appended as materialized (select * from append_events({core}))"  # noqa: S608 - names of our tables
        f" select appended.verdicts, appended.versions, appended.head{applies} from appended"
    )


_APPENDED, _CONFLICT, _CLAIM_TAKEN, _KEY_USED = range(4)


def _refused(verdict: int, version: int) -> AppendResult:
    match verdict:
        case 1:
            return Conflict(version)
        case 2:
            return ClaimTaken()
        case 3:
            return KeyUsed()
        case 4:
            return SeenChanged()
        case _:
            raise ValueError(f"append_events gave an unknown verdict: {verdict}")


def _columns(rows: Sequence[tuple[Any, ...]], width: int) -> Iterable[list[Any] | None]:
    """Turn rows into columns; null for none of them, which costs the least to send."""
    return map(list, zip(*rows, strict=True)) if rows else (None for _ in range(width))
