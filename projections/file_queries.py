"""The questions that reads ask of the files' read model. Visibility is judged by the caller."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from projections.coalesce import Coalescer
from projections.database import Database, load_queries
from projections.files import FileRow

QUERIES = load_queries(Path(__file__).with_name("files.sql"))


class FileHead(FileRow, frozen=True, gc=False):
    """A file's row, and what posts make of it."""

    shown: bool
    """Whether a published post shows it that no legal hold blocks: then everybody may see it."""
    held_by: str | None
    """Who implements a legal hold on a published post that shows it, null without one."""


class FilePlace(NamedTuple):
    """A place in the order of a list: newest first, those of the same time by id."""

    created_at: datetime
    id: UUID


class FileQueries:
    """Reads files; those that ask for one at the same moment share a query."""

    def __init__(self, database: Database, heads: Database) -> None:
        """Read through `database`, and heads, one query at a time, through `heads`."""
        self._database = database
        self._of_heads = heads
        self._heads: Coalescer[UUID, FileHead] = Coalescer(self._fetch_heads)

    async def head(self, file_id: UUID) -> FileHead | None:
        """Find a file, also a deleted one."""
        return await self._heads.get(file_id)

    async def heads(self, file_ids: Sequence[UUID]) -> Mapping[UUID, FileHead]:
        """Find files, also deleted ones, by their ids."""
        rows = await self._database.fetch(QUERIES["heads"], file_ids)
        return {row[0]: FileHead(*row) for row in rows}

    async def shown_by(self, file_id: UUID) -> UUID | None:
        """Name a post that is not deleted and shows the file, whoever may see it."""
        rows = await self._database.fetch(QUERIES["shown_by"], file_id)
        return rows[0][0] if rows else None

    async def posts_with(self, file_ids: Sequence[UUID]) -> Sequence[UUID]:
        """Name the posts that have any of these files, also deleted ones."""
        return [row[0] for row in await self._database.fetch(QUERIES["posts_with"], file_ids)]

    async def unused(self, before: datetime, limit: int) -> Sequence[UUID]:
        """Name files that belonged to posts which were all deleted before a time."""
        return [row[0] for row in await self._database.fetch(QUERIES["unused"], before, limit)]

    async def of_erased(self, limit: int) -> Sequence[UUID]:
        """Name files that are still there though their owner is erased."""
        return [row[0] for row in await self._database.fetch(QUERIES["of_erased"], limit)]

    async def without_previews(self, limit: int) -> Sequence[UUID]:
        """Name images that have no previews and no job of their own, the oldest first."""
        return [row[0] for row in await self._database.fetch(QUERIES["without_previews"], limit)]

    async def own(self, owner_id: UUID, after: FilePlace, limit: int) -> Sequence[FileRow]:
        """List an account's files that are not deleted, the newest first, from after a place."""
        rows = await self._database.fetch(QUERIES["own"], owner_id, *after, limit)
        return [FileRow(*row) for row in rows]

    async def of_owner(self, owner_id: UUID, limit: int) -> Sequence[UUID]:
        """Name some of an account's files that are not deleted."""
        return [row[0] for row in await self._database.fetch(QUERIES["of_owner"], owner_id, limit)]

    async def _fetch_heads(self, ids: Sequence[UUID]) -> dict[UUID, FileHead]:
        rows: Sequence[Any] = await self._of_heads.fetch(QUERIES["heads"], ids)
        return {row[0]: FileHead(*row) for row in rows}
