"""A post's history: its stream, its events, its state, and how the events make the state.

What a post may do next is decided in `domain/post_decisions.py`. To add an event: its class and its
place in `PostEvent` here, its row in `evolve`, the decision that emits it, and a golden file. The
stored names are a format (see `domain/stored_event.py`).
"""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import assert_never
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from domain import file_use
from domain.claim import Claim
from domain.stored_event import StoredEvent
from domain.stream import Stream

STREAM_CATEGORY = "post"
SLUG_SCOPE = "post.slug"


def stream(post_id: UUID) -> Stream:
    """Name the stream of one post."""
    return Stream(STREAM_CATEGORY, post_id)


class Category(StrEnum):
    """What a post is about. The values are stored."""

    TECH = "tech"
    BUSINESS = "business"
    SECURITY = "security"


class Status(StrEnum):
    """Where a post is in its life. Being deleted or under a legal hold comes on top of it."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    PUBLISHED = "published"
    ARCHIVED = "archived"


class Created(StoredEvent, frozen=True, tag="post.created.v1"):
    """A draft came to be."""

    author_id: UUID
    title: str
    slug: str
    content: str
    category: Category


class Edited(StoredEvent, frozen=True, tag="post.edited.v1"):
    """The text changed; only what changed is set."""

    title: str | UnsetType = UNSET
    content: str | UnsetType = UNSET
    category: Category | UnsetType = UNSET


class FilesChanged(StoredEvent, frozen=True, tag="post.files-changed.v1"):
    """The post shows these files from now on, and no others."""

    cover_image: UUID | None
    attachments: tuple[UUID, ...]


class Renamed(StoredEvent, frozen=True, tag="post.renamed.v1"):
    """The post has another slug; the old one answers with a redirect."""

    slug: str


class Scheduled(StoredEvent, frozen=True, tag="post.scheduled.v1"):
    """The post is to be published at a time, which replaces any time set before."""

    publish_at: datetime


class Unscheduled(StoredEvent, frozen=True, tag="post.unscheduled.v1"):
    """The post is a draft again, as its time was taken away."""


class Published(StoredEvent, frozen=True, tag="post.published.v1"):
    """The post became public."""


class Unpublished(StoredEvent, frozen=True, tag="post.unpublished.v1"):
    """The post is a draft again, after being published or archived."""


class Archived(StoredEvent, frozen=True, tag="post.archived.v1"):
    """The post was put away; it cannot change until it is a draft again."""


class Deleted(StoredEvent, frozen=True, tag="post.deleted.v1"):
    """The post was deleted and its slug is free; its history stays."""


class Restored(StoredEvent, frozen=True, tag="post.restored.v1"):
    """The post is back, with the status that it had."""


class Reverted(StoredEvent, frozen=True, tag="post.reverted.v1"):
    """The text is again what it was at an earlier version. Slug and status stay as they are.

    Where its files are others as well, `FilesChanged` says which.
    """

    to_version: int
    title: str
    content: str
    category: Category


class LegalHoldPlaced(StoredEvent, frozen=True, tag="post.legal-hold-placed.v1"):
    """A legal demand blocks the post for readers and against changes."""

    reason: str
    blocked_by: str


class LegalHoldLifted(StoredEvent, frozen=True, tag="post.legal-hold-lifted.v1"):
    """The legal demand no longer stands."""


PostEvent = (
    Created
    | Edited
    | FilesChanged
    | Renamed
    | Scheduled
    | Unscheduled
    | Published
    | Unpublished
    | Archived
    | Deleted
    | Restored
    | Reverted
    | LegalHoldPlaced
    | LegalHoldLifted
)


class LegalHold(Struct, frozen=True, gc=False):
    """Why a post is blocked, and the URI of whoever implements the block (RFC 7725)."""

    reason: str
    blocked_by: str


class PostFiles(Struct, frozen=True, gc=False):
    """The files that a post shows, by their ids."""

    cover_image: UUID | None = None
    attachments: tuple[UUID, ...] = ()

    @property
    def ids(self) -> frozenset[UUID]:
        """All of them, each once."""
        cover = () if self.cover_image is None else (self.cover_image,)
        return frozenset((*cover, *self.attachments))


NO_FILES = PostFiles()


class Post(Struct, frozen=True, gc=False):
    """A post as it stands at one version of its stream."""

    id: UUID
    author_id: UUID
    title: str
    slug: str
    content: str
    category: Category
    status: Status
    publish_at: datetime | None
    """When it is to be published; set while, and only while, the status is scheduled."""
    published_at: datetime | None
    """When it was last published; set while, and only while, the status is published."""
    created_at: datetime
    updated_at: datetime
    """The time of the last event, of any kind."""
    version: int
    """The version of the last event: 1 for the first."""
    deleted: bool
    hold: LegalHold | None
    files: PostFiles = NO_FILES


def evolve(
    state: Post | None,
    event: PostEvent,
    *,
    id: UUID,  # noqa: A002 - spelled as in the state, and alike for every aggregate
    version: int,
    at: datetime,
) -> Post:
    """Give the state after an event that was recorded at a version and a time.

    Never rejects what happened: any event follows any other. The one requirement is the log's own,
    that a history begins with `Created`; one that does not is damaged, hence a ValueError.
    """
    if state is None:
        if isinstance(event, Created):
            return _created(event, id, version, at)
        raise ValueError(f"the history of post {id} does not begin with its creation")
    post = replace(state, version=version, updated_at=at)
    # The frequent events come first: every row that does not match costs as much as the change.
    match event:
        case Edited():
            return replace(
                post,
                title=post.title if event.title is UNSET else event.title,
                content=post.content if event.content is UNSET else event.content,
                category=post.category if event.category is UNSET else event.category,
            )
        case Published():
            return replace(post, status=Status.PUBLISHED, publish_at=None, published_at=at)
        case Renamed():
            return replace(post, slug=event.slug)
        case FilesChanged():
            return replace(post, files=PostFiles(event.cover_image, event.attachments))
        case Scheduled():
            return replace(
                post, status=Status.SCHEDULED, publish_at=event.publish_at, published_at=None
            )
        case Unscheduled() | Unpublished():
            return replace(post, status=Status.DRAFT, publish_at=None, published_at=None)
        case Archived():
            return replace(post, status=Status.ARCHIVED, publish_at=None, published_at=None)
        case Deleted():
            return replace(post, deleted=True)
        case Restored():
            return replace(post, deleted=False)
        case Reverted():
            return replace(post, title=event.title, content=event.content, category=event.category)
        case LegalHoldPlaced():
            return replace(post, hold=LegalHold(event.reason, event.blocked_by))
        case LegalHoldLifted():
            return replace(post, hold=None)
        case Created():
            return _created(event, id, version, at)
        case _:
            assert_never(event)


def _created(event: Created, post_id: UUID, version: int, at: datetime) -> Post:
    return Post(
        id=post_id,
        author_id=event.author_id,
        title=event.title,
        slug=event.slug,
        content=event.content,
        category=event.category,
        status=Status.DRAFT,
        publish_at=None,
        published_at=None,
        created_at=at,
        updated_at=at,
        version=version,
        deleted=False,
        hold=None,
    )


def fold(
    history: Iterable[tuple[PostEvent, int, datetime]],
    id: UUID,  # noqa: A002 - as in evolve
) -> Post | None:
    """Give the state after a history of (event, version, recorded time), None after none."""
    state = None
    for event, version, at in history:
        state = evolve(state, event, id=id, version=version, at=at)
    return state


def claims(state: Post | None) -> frozenset[Claim]:
    """Give what the post holds: a live post holds its slug, and a use of each of its files."""
    if state is None or state.deleted:
        return frozenset()
    slug = Claim(SLUG_SCOPE, state.slug)
    if state.files == NO_FILES:
        return frozenset((slug,))
    return frozenset((slug, *(file_use.claim(file_id, state.id) for file_id in state.files.ids)))
