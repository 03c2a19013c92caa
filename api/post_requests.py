"""The bodies of requests about posts: their shapes, which are also those in the OpenAPI document.

What is wrong with structure, type, length or syntax is 400 `invalid_body`; rules about what is well
formed belong to the domain, but for one that only a merge patch knows (`refuse_removal`).
"""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import force_setattr

from api.patterns import SLUG, WEB_ADDRESS
from domain import slug as slugs
from domain.post import Category
from domain.post_files import MOST_ATTACHMENTS
from domain.refusal import RejectedByValue

Title = Annotated[str, Meta(min_length=1, max_length=200)]
Content = Annotated[str, Meta(min_length=1, max_length=200_000)]
Slug = Annotated[
    str,
    Meta(min_length=1, max_length=slugs.MAX_LENGTH, pattern=SLUG),
]
Moment = Annotated[datetime, Meta(tz=True, description="RFC 3339, with an offset.")]
FileId = Annotated[UUID, Meta(description="Of a file that was uploaded.")]
Attachments = Annotated[tuple[FileId, ...], Meta(max_length=MOST_ATTACHMENTS)]
Version = Annotated[int, Meta(ge=1, le=2**63 - 1)]
Reason = Annotated[str, Meta(min_length=1, max_length=1_000)]
WebAddress = Annotated[
    str,
    Meta(
        max_length=2_048,
        pattern=WEB_ADDRESS,
        extra_json_schema={"format": "uri"},
    ),
]


class CreatePost(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A new post. Without `slug` one is made of the title; with `publishAt` it is scheduled."""

    title: Title
    content: Content
    category: Category
    slug: Slug | None = None
    publish_at: Moment | None = None
    cover_image: FileId | None = None
    attachments: Attachments | None = None

    def __post_init__(self) -> None:
        if self.publish_at is not None:
            force_setattr(self, "publish_at", _in_utc(self.publish_at))


class PatchPost(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A merge patch (RFC 7396): what is absent stays, and null removes.

    Null is well formed for any member, but only `publishAt`, `coverImage` and all `attachments`
    can be removed: see `refuse_removal`.
    """

    title: Title | UnsetType | None = UNSET
    content: Content | UnsetType | None = UNSET
    category: Category | UnsetType | None = UNSET
    slug: Slug | UnsetType | None = UNSET
    publish_at: Moment | UnsetType | None = UNSET
    cover_image: FileId | UnsetType | None = UNSET
    attachments: Attachments | UnsetType | None = UNSET

    def __post_init__(self) -> None:
        if isinstance(self.publish_at, datetime):
            force_setattr(self, "publish_at", _in_utc(self.publish_at))


class SchedulePost(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """When to publish."""

    publish_at: Moment

    def __post_init__(self) -> None:
        force_setattr(self, "publish_at", _in_utc(self.publish_at))


class RevertPost(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The version whose text the post shall have again."""

    version: Version


class PlaceLegalHold(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Why the post is blocked, and the web address of whoever implements the block."""

    reason: Reason
    blocked_by: WebAddress


def refuse_removal(patch: PatchPost) -> RejectedByValue | None:
    """Refuse a patch that removes a member which every post has."""
    for member in ("title", "content", "category", "slug"):
        if getattr(patch, member) is None:
            return RejectedByValue(
                "member_required", f"{member}: Every post has this member; null removes it.", member
            )
    return None


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        # msgspec makes a validation error of it; the name first tells which member is meant.
        raise ValueError("`publishAt` must lie in the years 1 to 9999") from None
