"""The bodies of answers that no struct of their own is encoded to, for the OpenAPI document.

Pages are put together from bytes that are JSON already; these structs say what comes out. Tests
hold real answers against them.
"""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from api.post_history import VersionEntry
from projections.posts import PostBody
from projections.search import Highlights


class ListedPost(PostBody, frozen=True, rename="camel"):
    """A post in a list; where the list is a search, with what was found in it."""

    highlights: Highlights | UnsetType | None = UNSET


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
    available: list[str] | UnsetType = UNSET
    max_bytes: int | UnsetType = UNSET
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
