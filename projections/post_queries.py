"""The questions that reads ask of the posts' read model. Visibility is judged by the caller."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from projections.coalesce import Coalescer
from projections.database import Database, load_queries

QUERIES = load_queries(Path(__file__).with_name("posts.sql"))

PAGE_BYTES = 4 * 1024 * 1024
"""A page of a list ends early rather than grow past this."""


class PostHead(msgspec.Struct, frozen=True, gc=False):
    """All of a post's row that decides how a read is answered."""

    id: UUID
    version: int
    author_id: UUID
    status: str
    deleted: bool
    held_by: str | None
    slug: str
    updated_at: datetime


class PostFull(PostHead, frozen=True, gc=False):
    """The row with the JSON that clients get."""

    body: bytes


class ListedPost(msgspec.Struct, frozen=True, gc=False):
    """A post in a list; it comes after those with a greater (sort_at, id)."""

    id: UUID
    version: int
    updated_at: datetime
    sort_at: datetime
    body: bytes


class PostQueries:
    """Reads posts; those that ask for one at the same moment share a query."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._heads: Coalescer[UUID, PostHead] = Coalescer(self._fetch_heads)
        self._full: Coalescer[UUID, PostFull] = Coalescer(self._fetch_full)
        self._by_slug: Coalescer[str, PostFull] = Coalescer(self._fetch_by_slug)

    async def head(self, post_id: UUID) -> PostHead | None:
        """Find a post without its body, also a deleted one."""
        return await self._heads.get(post_id)

    async def full(self, post_id: UUID) -> PostFull | None:
        """Find a post with its body, also a deleted one."""
        return await self._full.get(post_id)

    async def full_by_slug(self, slug: str) -> PostFull | None:
        """Find the live post that has this slug."""
        return await self._by_slug.get(slug)

    async def moved_slug(self, slug: str) -> PostHead | None:
        """Find the live post that last left this slug for another."""
        rows = await self._database.fetch(QUERIES["moved_slug"], slug)
        return PostHead(*rows[0]) if rows else None

    async def published(self, before: tuple[datetime, UUID], limit: int) -> Sequence[ListedPost]:
        """List published posts, newest first, from a place in the order."""
        rows = await self._database.fetch(QUERIES["published"], *before, limit, PAGE_BYTES)
        return [ListedPost(*row) for row in rows]

    async def own(
        self, author_id: UUID, status: str, before: tuple[datetime, UUID], limit: int
    ) -> Sequence[ListedPost]:
        """List an author's posts of one status, newest first, from a place in the order."""
        rows = await self._database.fetch(
            QUERIES["own"], *before, limit, PAGE_BYTES, author_id, status
        )
        return [ListedPost(*row) for row in rows]

    async def due(self, now: datetime, limit: int) -> Sequence[UUID]:
        """List scheduled posts whose time has come, the longest due first."""
        rows = await self._database.fetch(QUERIES["due"], now, limit)
        return [row[0] for row in rows]

    async def _fetch_heads(self, ids: Sequence[UUID]) -> dict[UUID, PostHead]:
        rows: Sequence[Any] = await self._database.fetch(QUERIES["heads"], ids)
        return {row[0]: PostHead(*row) for row in rows}

    async def _fetch_full(self, ids: Sequence[UUID]) -> dict[UUID, PostFull]:
        rows: Sequence[Any] = await self._database.fetch(QUERIES["full"], ids)
        return {row[0]: PostFull(*row) for row in rows}

    async def _fetch_by_slug(self, slugs: Sequence[str]) -> dict[str, PostFull]:
        rows: Sequence[Any] = await self._database.fetch(QUERIES["full_by_slug"], slugs)
        return {row[6]: PostFull(*row) for row in rows}
