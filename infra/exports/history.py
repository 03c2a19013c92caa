"""What the log holds of a person: see `commands.exports.PersonalHistory`."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from commands.exports import Extent
from commands.ports import LogEntry
from domain import file, job, post
from domain.stream import Stream
from infra.postgres import Database
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
_NOBODY = UUID(int=0)


class PostgresPersonalHistory:
    """Reads no more than a page at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def extent(self, owner_id: UUID, category: str, until: int) -> Extent:
        """Find a person's streams of a category, in the order of their ids."""
        rows = await self._database.fetch(
            QUERIES[_EXTENTS[category]], owner_id, until, seconds=_SECONDS
        )
        return Extent([UUID(int=row[0].int) for row in rows], sum(row[1] for row in rows))

    async def pages(
        self, category: str, ids: Sequence[UUID], until: int
    ) -> AsyncIterator[Sequence[LogEntry]]:
        """Go through streams one after the other, each from its beginning."""
        ordered = sorted(ids)
        for first in range(0, len(ordered), STREAMS_AT_ONCE):
            some = ordered[first : first + STREAMS_AT_ONCE]
            at: tuple[UUID, int] = (_NOBODY, 0)
            more = True
            while more:
                rows = await self._database.fetch(
                    QUERIES["page"],
                    category,
                    some,
                    until,
                    *at,
                    PAGE_ROWS,
                    PAGE_BYTES,
                    seconds=_SECONDS,
                )
                if not rows:
                    break
                page = [_entry(category, row) for row in rows]
                yield page
                last = page[-1]
                more = (
                    len(page) == PAGE_ROWS or rows[-1][-1] + len(last.data.encode()) >= PAGE_BYTES
                )
                at = (last.stream.id, last.version)
                some = [each for each in some if each >= at[0]]


def _entry(category: str, row: Sequence[Any]) -> LogEntry:
    position, stream_id, version, event_id, tag, data, at, metadata, _ = row
    # The driver's own kind of UUID is slower to print.
    stream = Stream(category, UUID(int=stream_id.int))
    return LogEntry(position, stream, version, event_id, tag, data, metadata, at)
