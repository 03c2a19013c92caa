"""The bodies that no struct of their own is encoded to or decoded from, for the OpenAPI document.

Pages are put together from bytes that are JSON already, and a form is a list of pairs; these
structs say what comes out and goes in. The tests' client holds all that it sees against them.
"""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from api.post_history import VersionEntry
from api.post_requests import Content, Title
from domain.post import Category
from projections.posts import PostBody
from projections.search import Highlights


class ListedPost(PostBody, frozen=True, rename="camel"):
    """A post in a list; where the list is a search, with what was found in it."""

    highlights: Highlights | UnsetType | None = UNSET


class CreatePostForm(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A new post as a browser's form sends it; an optional field that is empty counts as absent."""

    title: Title
    content: Content
    category: Category
    slug: str = ""
    publish_at: Annotated[str, Meta(description="RFC 3339, with an offset.")] = ""
    cover_image: Annotated[str, Meta(description="The id of a file that was uploaded.")] = ""


class PostPage(Struct, frozen=True, rename="camel"):
    """A page of posts, newest first. It can be shorter than asked for."""

    items: list[ListedPost]
    next_cursor: str | None
    """Where the next page begins; null on the last one."""


class VersionPage(Struct, frozen=True, rename="camel"):
    """A page of a post's history, oldest first."""

    items: list[VersionEntry]
    next_after: Annotated[
        int | None, Meta(description="The version after which the next page begins.")
    ]


class LogEntry(Struct, frozen=True, rename="camel"):
    """An event as the log holds it. `data` and `metadata` are the stored bytes."""

    position: Annotated[int, Meta(ge=1)]
    stream: Annotated[str, Meta(description="Category and id: `post/0190c6a8-...`.")]
    version: Annotated[int, Meta(ge=1)]
    event_id: UUID
    type: Annotated[str, Meta(description="The event's name: `post.edited.v1`.")]
    recorded_at: datetime
    data: dict[str, Any]
    metadata: dict[str, Any]


class LogPage(Struct, frozen=True, rename="camel"):
    """A page of the log, oldest first. It can be shorter than asked for."""

    items: list[LogEntry]
    next_after: Annotated[
        int | None, Meta(description="The position after which the next page begins.")
    ]


class Problem(Struct, frozen=True, rename="camel"):
    """Problem details (RFC 9457): the body of every 4xx and 5xx."""

    type: Annotated[str, Meta(extra_json_schema={"format": "uri"})]
    title: str
    status: Annotated[int, Meta(ge=400, le=599)]
    detail: str
    instance: Annotated[str, Meta(description="The path of the request.")]
    error: Annotated[str, Meta(description="The stable code of the error.")]
    request_id: UUID
    member: str | UnsetType = UNSET
    collides_with: str | UnsetType = UNSET
    current_tag: str | UnsetType = UNSET
    accepts: list[str] | UnsetType = UNSET
    allowed: Annotated[
        list[str] | UnsetType, Meta(description="The types of files that are taken.")
    ] = UNSET
    available: list[str] | UnsetType = UNSET
    max_bytes: int | UnsetType = UNSET
    size: Annotated[int | UnsetType, Meta(description="How many bytes there are.")] = UNSET
    problems: list[str] | UnsetType = UNSET
    attempts: Annotated[int | UnsetType, Meta(description="How often a job was tried.")] = UNSET
    reason: Annotated[str | UnsetType, Meta(description="Why a job failed, as a code.")] = UNSET


class Alive(Struct, frozen=True):
    """The process answers."""

    status: Literal["ok"]


class Ready(Struct, frozen=True):
    """The process should get requests; if it should not, the answer is a problem."""

    status: Literal["ok"]
    problems: list[str]
    warnings: Annotated[
        list[str], Meta(description="What operators should see to: a projection that stands still.")
    ]
