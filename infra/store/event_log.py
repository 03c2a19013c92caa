"""Reads the log in bounded memory: everything, a category, a stream, whatever an auditor filters.

Positions are dense and in the order of commit, so a reader keeps one number and never looks back.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

from commands.ports import EVERYTHING, LogEntry, LogFilter, Recorded
from domain.stream import Stream
from infra.postgres import Database
from infra.store.codec import Codec
from infra.store.event_store import QUERIES
from infra.store.hints import Hints

PAGE_ROWS = 500
PAGE_BYTES = 1024 * 1024
"""A page ends at whichever comes first; a single event may be larger."""

POLL_SECONDS = 0.25
"""How long a live tail waits for a hint before it looks at the head by itself."""

SCAN_SECONDS = 30.0
"""A page with a rare filter may have to pass over much of the log."""

_COLUMNS = "position, category, stream_id, version, event_id, type, data, recorded_at"
_WITH_METADATA = f"{_COLUMNS}, metadata"


class PostgresEventLog:
    """The whole log, for those who replay it."""

    def __init__(self, database: Database, codec: Codec, hints: Hints) -> None:
        self._database = database
        self._codec = codec
        self._hints = hints

    async def head(self) -> int:
        """Tell the last position, 0 when the log is empty."""
        rows = await self._database.fetch(QUERIES["head"])
        head: int = rows[0][0]
        return head

    async def entries(
        self,
        which: LogFilter = EVERYTHING,
        *,
        after: int = 0,
        before: int | None = None,
        backwards: bool = False,
        limit: int | None = None,
    ) -> AsyncIterator[LogEntry]:
        """Go through the entries with `after < position < before`, in order or from the newest."""
        query = page_query(which, _WITH_METADATA, backwards=backwards)
        async for rows in self._pages(query, after, before, backwards=backwards, limit=limit):
            for row in rows:
                yield _entry(row)

    async def recorded(
        self, which: LogFilter = EVERYTHING, *, after: int = 0
    ) -> AsyncIterator[Sequence[Recorded]]:
        """Go through the decoded events after a position, oldest first, a page at a time."""
        decode = self._codec.decode
        query = page_query(which, _COLUMNS, backwards=False)
        async for rows in self._pages(query, after, None):
            yield [
                Recorded(position, Stream(category, id_), version, event_id, decode(tag, data), at)
                for position, category, id_, version, event_id, tag, data, at in rows
            ]

    async def tail(
        self, which: LogFilter = EVERYTHING, *, after: int = 0
    ) -> AsyncIterator[LogEntry]:
        """Go through the entries after a position and go on with new ones as they come."""
        with self._hints.listen() as hint:
            while True:
                # All up to this head is seen below, matching or not, so `after` may move past it.
                head = await self.head()
                async for entry in self.entries(which, after=after, before=head + 1):
                    yield entry
                after = max(after, head)
                await hint.wait(POLL_SECONDS)

    async def _pages(
        self,
        page: tuple[str, list[Any]],
        after: int,
        before: int | None,
        *,
        backwards: bool = False,
        limit: int | None = None,
    ) -> AsyncIterator[Sequence[Any]]:
        """Fetch page after page, each while the one before it is being used."""
        query, filters = page
        left = limit

        def fetch(low: int, high: int | None) -> asyncio.Future[Sequence[Any]]:
            size = PAGE_ROWS if left is None else min(PAGE_ROWS, left)
            return asyncio.ensure_future(
                self._database.fetch(
                    query, low, high, size, PAGE_BYTES, *filters, seconds=SCAN_SECONDS
                )
            )

        upcoming = fetch(after, before)
        try:
            while rows := await upcoming:
                last: int = rows[-1][0]
                after, before = (after, last) if backwards else (last, before)
                if left is not None:
                    left -= len(rows)
                    if left == 0:
                        yield rows
                        return
                upcoming = fetch(after, before)
                await turns_of_the_loop()
                yield rows
        finally:
            upcoming.cancel()


async def turns_of_the_loop() -> None:
    """Let a fetch get as far as to send its query (pool, time limit, query): decoding blocks."""
    for _ in range(3):
        await asyncio.sleep(0)


def page_query(which: LogFilter, columns: str, *, backwards: bool) -> tuple[str, list[Any]]:
    """Compose the query of a page and the values of its filters.

    $1 and $2 are the positions between which to read ($2 null: no end), $3 and $4 the most rows
    and bytes. A condition stands in it only where it is asked for, so that each has a good plan.
    """
    conditions: list[tuple[str, Any]] = []
    if which.category == "post":
        conditions.append(("category = {}", which.category))
    elif which.category is not None:  # said twice, for the index of all that is not a post's
        conditions.append(("category <> 'post' and category = {}", which.category))
    if which.stream is not None:
        conditions.append(("category = {}", which.stream.category))
        conditions.append(("stream_id = {}", which.stream.id))
    if which.after_version is not None:
        conditions.append(("version > {}", which.after_version))
    if which.type is not None:
        conditions.append(("type = {}", which.type))
    if which.actor is not None:
        # As text, exactly as encoded: `->>` fails on metadata with an escaped NUL in any member.
        actor = f'"actor":"{which.actor}"'
        conditions.append(("strpos(metadata::text, {}::text) > 0", actor))
    if which.since is not None:
        conditions.append(("recorded_at >= {}", which.since))
    if which.until is not None:
        conditions.append(("recorded_at < {}", which.until))
    wheres = "".join(
        " and " + condition.format(f"${number}")
        for number, (condition, _) in enumerate(conditions, start=5)
    )
    order = "position desc" if backwards else "position"
    query = (
        f"select {columns} from ("  # noqa: S608 - made of the constants of this file
        f" select *, sum(octet_length(data::text)) over (order by {order} rows unbounded preceding)"
        " - octet_length(data::text) as bytes_before"
        " from (select * from events"
        f" where position > $1 and ($2::bigint is null or position < $2){wheres}"
        f" order by {order} limit $3) as page"
        f") as measured where bytes_before < $4 order by {order}"
    )
    return query, [value for _, value in conditions]


def _entry(row: Sequence[Any]) -> LogEntry:
    position, category, stream_id, version, event_id, tag, data, at, metadata = row
    stream = Stream(category, stream_id)
    return LogEntry(position, stream, version, event_id, tag, data, metadata, at)
