"""The questions that reads ask of the posts' read model. Visibility is judged by the caller."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from projections.body_memory import BodyMemory, Edition
from projections.coalesce import Coalescer
from projections.database import Database, load_queries

QUERIES = load_queries(Path(__file__).with_name("posts.sql"))

PAGE_BYTES = 1024 * 1024
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
    generation: int
    """Of the rows, see `Edition`."""

    @property
    def edition(self) -> Edition:
        """Tell which body goes with it."""
        return Edition(self.generation, self.version)


class Place(NamedTuple):
    """A place in the order of a list: newest first, those of the same time by id."""

    sort_at: datetime
    id: UUID


class PostPage(msgspec.Struct, frozen=True, gc=False):
    """A page of a list of posts."""

    digest: bytes
    """Of the ids and versions on it, in order: equal when and only when the page is."""
    items: bytes
    """The posts as clients get them, with commas between."""
    following: Place | None
    """Where the next page begins; None when this one is the last."""


class Asked(NamedTuple):
    """Which page of which list; without an author it is that of all published posts."""

    after: Place
    limit: int
    author_id: UUID | None = None
    status: str | None = None


class PostQueries:
    """Reads posts; those that ask for the same at the same moment share a query."""

    def __init__(self, database: Database, heads: Database) -> None:
        """Read through `database`, and heads, one query at a time, through `heads`."""
        self._database = database
        self._of_heads = heads
        self._memory = BodyMemory()
        self._heads: Coalescer[UUID, PostHead] = Coalescer(self._fetch_heads)
        self._by_slug: Coalescer[str, PostHead] = Coalescer(self._fetch_by_slug)
        self._bodies: Coalescer[UUID, tuple[Edition, bytes]] = Coalescer(self._fetch_bodies)
        self._pages: Coalescer[Asked, PostPage] = Coalescer(self._fetch_page, group=1, in_flight=4)

    async def head(self, post_id: UUID) -> PostHead | None:
        """Find a post, also a deleted one."""
        return await self._heads.get(post_id)

    async def head_by_slug(self, slug: str) -> PostHead | None:
        """Find the live post that has this slug."""
        return await self._by_slug.get(slug)

    async def moved_slug(self, slug: str) -> PostHead | None:
        """Find the live post that last left this slug for another."""
        rows = await self._database.fetch(QUERIES["moved_slug"], slug)
        return PostHead(*rows[0]) if rows else None

    async def body(self, head: PostHead) -> bytes | None:
        """Give the body that goes with a head; None when the post has changed in the meantime."""
        kept = self._memory.get(head.id, head.edition)
        if kept is not None:
            return kept
        found = await self._bodies.get(head.id)
        return found[1] if found and found[0] == head.edition else None

    async def page(self, asked: Asked) -> PostPage:
        """Give a page of a list. It ends early rather than grow past PAGE_BYTES."""
        page = await self._pages.get(asked)
        assert page is not None  # noqa: S101 - every page can be fetched, also an empty one
        return page

    async def counts(self, author_id: UUID) -> Mapping[str, int]:
        """Count an author's posts that are not deleted, by status."""
        rows = await self._database.fetch(QUERIES["counts"], author_id)
        return {row[0]: row[1] for row in rows}

    async def due(self, now: datetime, limit: int) -> Sequence[UUID]:
        """List scheduled posts whose time has come, the longest due first."""
        rows = await self._database.fetch(QUERIES["due"], now, limit)
        return [row[0] for row in rows]

    async def _fetch_heads(self, ids: Sequence[UUID]) -> dict[UUID, PostHead]:
        rows: Sequence[Any] = await self._of_heads.fetch(QUERIES["heads"], ids)
        return {row[0]: PostHead(*row) for row in rows}

    async def _fetch_by_slug(self, slugs: Sequence[str]) -> dict[str, PostHead]:
        rows: Sequence[Any] = await self._database.fetch(QUERIES["heads_by_slug"], slugs)
        return {row[6]: PostHead(*row) for row in rows}

    async def _fetch_bodies(self, ids: Sequence[UUID]) -> dict[UUID, tuple[Edition, bytes]]:
        rows: Sequence[Any] = await self._database.fetch(QUERIES["bodies"], ids)
        found = {row[0]: (Edition(row[3], row[1]), row[2]) for row in rows}
        for post_id, (edition, body) in found.items():
            self._memory.keep(post_id, edition, body)
        return found

    async def _fetch_page(self, group: Sequence[Asked]) -> dict[Asked, PostPage]:
        return {asked: await self._page_of(asked) for asked in group}

    async def _page_of(self, asked: Asked) -> PostPage:
        while True:
            rows, following = cut(await self._list(asked), asked.limit)
            bodies = [self._memory.get(row[0], _edition(row)) for row in rows]
            missing = [row[0] for row, body in zip(rows, bodies, strict=True) if body is None]
            if missing:
                fetched = await self._fetch_bodies(missing)
                bodies = [
                    body if body is not None else _of_edition(fetched, row)
                    for row, body in zip(rows, bodies, strict=True)
                ]
            if None not in bodies:  # else one changed between the two queries: look again
                return PostPage(_digest(rows), b",".join(filter(None, bodies)), following)

    async def _list(self, asked: Asked) -> Sequence[Any]:
        """List one post more than asked for, which tells whether there is another page."""
        more = asked.limit + 1
        if asked.author_id is None:
            return await self._database.fetch(QUERIES["published"], *asked.after, more)
        return await self._database.fetch(
            QUERIES["own"], *asked.after, more, asked.author_id, asked.status
        )


def cut(rows: Sequence[Any], limit: int) -> tuple[Sequence[Any], Place | None]:
    """Cut rows of (id, version, sort_at, size, ...) to a page, and say where the next one begins.

    A page ends at the limit or at PAGE_BYTES, whichever comes first, and holds at least one post.
    """
    size = 0
    for count, row in enumerate(rows):
        size += row[3]
        if count == limit or (size > PAGE_BYTES and count > 0):
            last = rows[count - 1]
            return rows[:count], Place(last[2], last[0])
    return rows, None


def _digest(rows: Sequence[Any]) -> bytes:
    return blake2b(
        b"".join([row[0].bytes + row[1].to_bytes(4) for row in rows]), digest_size=16
    ).digest()


def _edition(row: Sequence[Any]) -> Edition:
    return Edition(row[4], row[1])


def _of_edition(fetched: Mapping[UUID, tuple[Edition, bytes]], row: Sequence[Any]) -> bytes | None:
    found = fetched.get(row[0])
    return found[1] if found and found[0] == _edition(row) else None
