"""What a post may do next: its commands, and `decide`, which answers each with events or a refusal.

The rules of the life cycle live here and nowhere else. To add a command: its class and its place in
`PostCommand`, and its row in `decide`; to add a refusal, its code also needs a row in the problem
catalogue of the API. The specification is the table in `tests/domain/test_post_life_cycle.py`.

Whoever calls has already checked what is well formed (lengths, slug syntax, times with an offset
of UTC), that the post exists for the caller, and that the caller may do this to it.
"""

import unicodedata
from datetime import datetime
from typing import TypeVar, assert_never
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from domain import post_files
from domain.post import (
    NO_FILES,
    Archived,
    Category,
    Created,
    Deleted,
    Edited,
    LegalHold,
    LegalHoldLifted,
    LegalHoldPlaced,
    Post,
    PostEvent,
    PostFiles,
    Published,
    Renamed,
    Restored,
    Reverted,
    Scheduled,
    Status,
    Unpublished,
    Unscheduled,
)
from domain.post_files import NOTHING_USABLE, Usable
from domain.refusal import Refusal, RejectedByState, RejectedByValue, UnderLegalHold
from domain.slug import slug_for


class Create(Struct, frozen=True):
    """Begin a post: a draft, or a scheduled one where a time is given."""

    post_id: UUID
    """The id that the post will have; its slug is made of it where the title gives none."""
    author_id: UUID
    title: str
    content: str
    category: Category
    slug: str | None = None
    publish_at: datetime | None = None
    files: PostFiles = NO_FILES
    usable: Usable = NOTHING_USABLE


class Edit(Struct, frozen=True):
    """Change the members that are set and leave the others alone."""

    title: str | UnsetType = UNSET
    content: str | UnsetType = UNSET
    category: Category | UnsetType = UNSET
    slug: str | UnsetType = UNSET
    publish_at: datetime | UnsetType | None = UNSET
    """A time schedules the post, None takes its time away."""
    cover_image: UUID | UnsetType | None = UNSET
    attachments: tuple[UUID, ...] | UnsetType = UNSET
    usable: Usable = NOTHING_USABLE


class Publish(Struct, frozen=True):
    """Make the post public now."""


class Unpublish(Struct, frozen=True):
    """Make the post a draft again."""


class Schedule(Struct, frozen=True):
    """Have the post published at a time to come."""

    publish_at: datetime


class Archive(Struct, frozen=True):
    """Put the post away."""


class Delete(Struct, frozen=True):
    """Delete the post, in a way that can be undone."""


class Restore(Struct, frozen=True):
    """Undo the deletion; files that were deleted meanwhile stay away."""

    usable: Usable = NOTHING_USABLE


class Revert(Struct, frozen=True):
    """Take title, content, category and what is left of the files from an earlier version."""

    to_version: int
    snapshot: Post | None
    """The post as it stood at that version; None where there is no such version."""
    usable: Usable = NOTHING_USABLE


class PlaceHold(Struct, frozen=True):
    """Block the post on a legal demand, or correct the words of a block."""

    reason: str
    blocked_by: str
    """URI of whoever implements the block."""


class LiftHold(Struct, frozen=True):
    """End the block."""


class DropFiles(Struct, frozen=True):
    """Show these files no more, whatever the post's state, as their owner is erased."""

    file_ids: frozenset[UUID]


class PublishDue(Struct, frozen=True):
    """Publish the post if its time has come, for the scheduler; otherwise nothing happens."""


PostCommand = (
    Create
    | Edit
    | Publish
    | Unpublish
    | Schedule
    | Archive
    | Delete
    | Restore
    | Revert
    | PlaceHold
    | LiftHold
    | DropFiles
    | PublishDue
)

T = TypeVar("T")

_INVISIBLE = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf"})

Decision = tuple[PostEvent, ...] | Refusal


def decide(state: Post | None, command: PostCommand, *, now: datetime) -> Decision:
    """Answer a command with the events that it causes, or with why it is refused.

    No events means that the post already is as asked. A value that no state would accept is refused
    before a collision with the present state is looked at, as 422 comes before 409.
    """
    if isinstance(command, Create):
        return _create(state, command, now)
    if state is None:
        return _collision("There is no such post.", "absent")
    blocked = _blocked(state, command)
    if blocked is not None:
        return blocked
    match command:
        case Edit():
            return _edit(state, command, now)
        case Publish():
            return _publish(state)
        case PublishDue():
            return _publish_due(state, now)
        case Unpublish():
            return _unpublish(state)
        case Schedule():
            return _schedule(state, command.publish_at, now)
        case Archive():
            return () if state.status is Status.ARCHIVED else (Archived(),)
        case Delete():
            return () if state.deleted else (Deleted(),)
        case Restore():
            return _restore(state, command)
        case Revert():
            return _revert(state, command)
        case PlaceHold():
            return _place_hold(state, command)
        case LiftHold():
            return () if state.hold is None else (LegalHoldLifted(),)
        case DropFiles():
            return post_files.without(state.files, command.file_ids)
        case _:
            assert_never(command)


def _create(state: Post | None, command: Create, now: datetime) -> Decision:
    if _is_blank(command.title):
        return _title_blank()
    if command.publish_at is not None and command.publish_at <= now:
        return _publish_at_in_past(command.publish_at, now)
    files = post_files.changed(NO_FILES, command.files, command.usable)
    if not isinstance(files, tuple):
        return files
    if state is not None:
        return _collision("There is a post with this id already.", "present")
    slug = slug_for(command.title, command.post_id) if command.slug is None else command.slug
    created = Created(
        author_id=command.author_id,
        title=command.title,
        slug=slug,
        content=command.content,
        category=command.category,
    )
    timing = () if command.publish_at is None else (Scheduled(command.publish_at),)
    return (created, *files, *timing)


def _blocked(post: Post, command: PostCommand) -> Refusal | None:
    if post.hold is not None and not isinstance(command, PlaceHold | LiftHold | DropFiles):
        return UnderLegalHold(post.hold.blocked_by)
    if post.deleted and not isinstance(command, Delete | Restore | DropFiles | PublishDue):
        return _collision("A post that is deleted can only be restored.", "deleted")
    return None


def _edit(post: Post, command: Edit, now: datetime) -> Decision:
    if command.title is not UNSET and _is_blank(command.title):
        return _title_blank()
    timing = _retime(post, command.publish_at, now)
    if not isinstance(timing, tuple):
        return timing
    wanted = post_files.merged(post.files, command.cover_image, command.attachments)
    files = post_files.changed(post.files, wanted, command.usable)
    if not isinstance(files, tuple):
        return files
    if post.status is Status.ARCHIVED:
        return _not_allowed("edited", post.status)
    edited = Edited(
        title=_changed(post.title, command.title),
        content=_changed(post.content, command.content),
        category=_changed(post.category, command.category),
    )
    slug = _changed(post.slug, command.slug)
    text = () if edited == Edited() else (edited,)
    name = () if slug is UNSET else (Renamed(slug),)
    return (*text, *files, *name, *timing)


def _retime(post: Post, publish_at: datetime | UnsetType | None, now: datetime) -> Decision:
    if publish_at is UNSET:
        return ()
    if publish_at is None:
        return (Unscheduled(),) if post.status is Status.SCHEDULED else ()
    return _schedule(post, publish_at, now)


def _schedule(post: Post, publish_at: datetime, now: datetime) -> Decision:
    # Looked at first: the same time asked for again is no change, even when it has come meanwhile.
    if publish_at == post.publish_at:
        return ()
    if publish_at <= now:
        return _publish_at_in_past(publish_at, now)
    match post.status:
        case Status.DRAFT | Status.SCHEDULED:
            return (Scheduled(publish_at),)
        case Status.PUBLISHED | Status.ARCHIVED:
            return _not_allowed("scheduled", post.status)
        case _:
            assert_never(post.status)


def _publish(post: Post) -> Decision:
    match post.status:
        case Status.DRAFT | Status.SCHEDULED:
            return (Published(),)
        case Status.PUBLISHED:
            return ()
        case Status.ARCHIVED:
            return _not_allowed("published", post.status)
        case _:
            assert_never(post.status)


def _publish_due(post: Post, now: datetime) -> Decision:
    due = post.publish_at is not None and post.publish_at <= now
    return (Published(),) if due and not post.deleted else ()


def _unpublish(post: Post) -> Decision:
    match post.status:
        case Status.DRAFT:
            return ()
        case Status.SCHEDULED:
            return (Unscheduled(),)
        case Status.PUBLISHED | Status.ARCHIVED:
            return (Unpublished(),)
        case _:
            assert_never(post.status)


def _revert(post: Post, command: Revert) -> Decision:
    before = command.snapshot
    if before is None or command.to_version >= post.version:
        return RejectedByValue(
            error="version_unknown",
            detail=f"The post has no version {command.to_version} before its current one, "
            f"which is {post.version}.",
            member="version",
        )
    if post.status is Status.ARCHIVED:
        return _not_allowed("reverted", post.status)
    files = post_files.as_far_as_usable(post.files, before.files, command.usable)
    if (before.title, before.content, before.category) == (post.title, post.content, post.category):
        return files
    reverted = Reverted(command.to_version, before.title, before.content, before.category)
    return (reverted, *files)


def _restore(post: Post, command: Restore) -> Decision:
    if not post.deleted:
        return ()
    # Nobody keeps the files of a deleted post for it, so nothing but `usable` counts.
    gone = post.files.ids - command.usable.files
    return (Restored(), *post_files.without(post.files, gone))


def _place_hold(post: Post, command: PlaceHold) -> Decision:
    placed = LegalHold(command.reason, command.blocked_by)
    return () if placed == post.hold else (LegalHoldPlaced(placed.reason, placed.blocked_by),)


def _changed(old: T, new: T | UnsetType) -> T | UnsetType:
    return UNSET if new == old else new


def _is_blank(title: str) -> bool:
    """Tell whether there is nothing to see: white space, controls and zero-width characters."""
    return not title[:1].isalnum() and all(
        unicodedata.category(char) in _INVISIBLE for char in title
    )


def _title_blank() -> RejectedByValue:
    return RejectedByValue(
        error="title_blank", detail="The title has no visible character.", member="title"
    )


def _publish_at_in_past(publish_at: datetime, now: datetime) -> RejectedByValue:
    return RejectedByValue(
        error="publish_at_in_past",
        detail=f"publishAt must be in the future; {publish_at.isoformat()} is not after "
        f"{now.isoformat()}.",
        member="publishAt",
    )


def _not_allowed(done: str, status: Status) -> RejectedByState:
    return _collision(f"A post that is {status} cannot be {done}.", status)


def _collision(detail: str, present: str) -> RejectedByState:
    return RejectedByState(
        error="transition_not_allowed", detail=detail, collides_with=str(present)
    )
