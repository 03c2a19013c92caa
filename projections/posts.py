"""The posts that clients read: one row a post, always as new as its last event.

Shape, fold and schema version; the queries are in `projections/post_queries.py`. The rows are
written in the transaction of the events. A change to the body or to a column's meaning needs a new
SCHEMA_VERSION, which changes every entity tag.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID

import msgspec

from domain.post import Category, Post, PostEvent, Renamed, Status
from projections.write import Put, Rendered, Table, last_of_each_key

SCHEMA_VERSION = 1

POSTS = Table(
    "posts",
    (
        "id",
        "version",
        "author_id",
        "status",
        "deleted",
        "held_by",
        "slug",
        "sort_at",
        "publish_at",
        "updated_at",
        "body",
        "files",
    ),
    key_columns=1,
)
FORMER_SLUGS = Table("former_slugs", ("slug", "post_id", "left_at"), key_columns=2, owner="post_id")


class PostBody(msgspec.Struct, frozen=True, rename="camel"):
    """A post as clients get it. Times are RFC 3339 in UTC, ids are UUIDv7."""

    id: UUID
    slug: str
    title: str
    content: str
    category: Category
    status: Status
    publish_at: datetime | None
    published_at: datetime | None
    cover_image: UUID | None
    attachments: Sequence[UUID]
    author_id: UUID
    created_at: datetime
    updated_at: datetime
    version: int


_encode = msgspec.json.Encoder().encode


def tag(version: int) -> str:
    """Give the opaque part of the entity tag of a version."""
    return f"{SCHEMA_VERSION}.{version}"


def body(post: Post) -> bytes:
    """Give the JSON that clients get."""
    return _encode(
        PostBody(
            id=post.id,
            slug=post.slug,
            title=post.title,
            content=post.content,
            category=post.category,
            status=post.status,
            publish_at=_utc(post.publish_at),
            published_at=post.published_at,
            cover_image=post.files.cover_image,
            attachments=post.files.attachments,
            author_id=post.author_id,
            created_at=post.created_at,
            updated_at=post.updated_at,
            version=post.version,
        )
    )


def fold(before: Post | None, event: PostEvent, after: Post) -> Iterable[Put]:
    """Say what an event writes: the post's row, and the slug that it left."""
    yield from shows(after)
    yield from leaves(before, event, after)


def shows(post: Post) -> Iterable[Put]:
    """Give the post's row."""
    yield Put(POSTS, row(post, body(post)))


def leaves(before: Post | None, event: PostEvent, after: Post) -> Iterable[Put]:
    """Give the slug that a post left with this event, if it did."""
    if isinstance(event, Renamed) and before is not None and before.slug != after.slug:
        yield Put(FORMER_SLUGS, (before.slug, after.id, after.updated_at))


def row(post: Post, json: bytes) -> tuple[Any, ...]:
    """Lay a post out as its row, in the order of `POSTS.columns`."""
    return (
        post.id,
        post.version,
        post.author_id,
        post.status.value,
        post.deleted,
        post.hold.blocked_by if post.hold else None,
        post.slug,
        post.published_at or post.created_at,
        post.publish_at,
        post.updated_at,
        json,
        sorted(post.files.ids),
    )


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC)


class Step(Protocol):
    """An event of a post and the states around it."""

    @property
    def before(self) -> Post | None:
        """The state before, None for the first event."""
        ...

    @property
    def event(self) -> Any:  # noqa: ANN401 - a PostEvent; the loop that makes it knows any event
        """What happened."""
        ...

    @property
    def after(self) -> Post:
        """The state after."""
        ...


class PostView:
    """The posts' read model as the command loop uses it."""

    def location(self, stream_id: UUID) -> str:
        """Give the post's path."""
        return f"/posts/{stream_id}"

    def history(self, stream_id: UUID) -> str:
        """Give the path where the post's versions are listed."""
        return f"/posts/{stream_id}/versions"

    def tag(self, version: int) -> str:
        """Give the opaque part of the entity tag of a version."""
        return tag(version)

    def render(self, state: Post, steps: Sequence[Step]) -> Rendered:
        """Show the post, and give the rows that its last steps ask for.

        They are those of `fold`, but for the rows that the last step's would replace at once.
        """
        shown = body(state)
        if not steps:
            return Rendered(shown, [])
        slugs = [p for step in steps for p in leaves(step.before, step.event, step.after)]
        return Rendered(shown, [Put(POSTS, row(state, shown)), *last_of_each_key(slugs)])
