"""What the log holds of a person: see `commands.exports.PersonalHistory`."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from commands.exports import Extent
from commands.ports import LogEntry
from domain import file, job, post
from domain.stream import Stream
from infra.postgres import Database
from infra.store.event_log import turns_of_the_loop
from projections.database import load_queries

QUERIES = load_queries(Path(__file__).with_name("history.sql"))

PAGE_ROWS = 500
PAGE_BYTES = 1024 * 1024
STREAMS_AT_ONCE = 400
"""Few, as each page looks for the rest of all of them."""
_SECONDS = 60.0

_EXTENTS = {
    post.STREAM_CATEGORY: "extent_of_posts",
    file.STREAM_CATEGORY: "extent_of_files",
    job.STREAM_CATEGORY: "extent_of_jobs",
}
_BEGINNING = UUID(int=0), 0


class PostgresPersonalHistory:
    """Reads no more than a page at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def extent(self, owner_id: UUID, category: str, until: int) -> Extent:
        """Find a person's streams of a category, in the order of their ids."""
        rows = await self._database.fetch(
            QUERIES[_EXTENTS[category]], owner_id, until, seconds=_SECONDS
        )
        return Extent(
            [UUID(int=row[0].int) for row in rows],
            events=sum(row[1] for row in rows),
            size=sum(row[2] for row in rows),
        )

    async def pages(
        self, category: str, ids: Sequence[UUID], until: int
    ) -> AsyncIterator[Sequence[LogEntry]]:
        """Go through streams one after the other, each from its beginning.

        Each page is fetched while the one before it is used.
        """
        ordered = sorted(ids)
        first = 0
        some, after = ordered[:STREAMS_AT_ONCE], _BEGINNING
        upcoming = self._page(category, some, until, after)
        try:
            while some:
                rows = await upcoming
                page = [_entry(category, row) for row in rows]
                if _is_full(rows):
                    after = page[-1].stream.id, page[-1].version
                    some = [each for each in some if each >= after[0]]
                else:
                    first += STREAMS_AT_ONCE
                    some, after = ordered[first : first + STREAMS_AT_ONCE], _BEGINNING
                upcoming = self._page(category, some, until, after)
                await turns_of_the_loop()
                if page:
                    yield page
        finally:
            upcoming.cancel()

    def _page(
        self, category: str, some: Sequence[UUID], until: int, after: tuple[UUID, int]
    ) -> asyncio.Future[Sequence[Any]]:
        """Begin to fetch what comes after a version of one of these streams; of none, nothing."""
        if not some:
            return asyncio.get_running_loop().create_future()
        limits = PAGE_ROWS, PAGE_BYTES
        return asyncio.ensure_future(
            self._database.fetch(
                QUERIES["page"], category, some, until, *after, *limits, seconds=_SECONDS
            )
        )


def _is_full(rows: Sequence[Any]) -> bool:
    """Tell whether a page ended at a limit, so that there may be more."""
    if not rows:
        return False
    *_, data, _, _, bytes_before = rows[-1]
    return len(rows) == PAGE_ROWS or bytes_before + len(data.encode()) >= PAGE_BYTES


def _entry(category: str, row: Sequence[Any]) -> LogEntry:
    position, stream_id, version, event_id, tag, data, at, metadata, _ = row
    # The driver's own kind of UUID is slower to print.
    stream = Stream(category, UUID(int=stream_id.int))
    return LogEntry(position, stream, version, event_id, tag, data, metadata, at)
