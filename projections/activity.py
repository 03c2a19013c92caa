"""What was done to each author's posts, day by day: shape, fold, schema version and queries.

Run by the projector. A row belongs to one post and one day, so that posts can be folded apart;
an author's day is the sum over their posts. Days are those of UTC.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import assert_never
from uuid import UUID

import msgspec

from domain.post import (
    Archived,
    Created,
    Deleted,
    Edited,
    FilesChanged,
    LegalHoldLifted,
    LegalHoldPlaced,
    PostEvent,
    Published,
    Renamed,
    Restored,
    Reverted,
    Scheduled,
    Unpublished,
    Unscheduled,
)
from projections.database import Database, load_queries
from projections.write import Put, Table

SCHEMA_VERSION = 1

COUNTERS = (
    "created",
    "edited",
    "scheduled",
    "published",
    "unpublished",
    "archived",
    "deleted",
    "restored",
)
ACTIVITY = Table("activity", ("post_id", "day", "author_id", *COUNTERS), key_columns=2)
QUERIES = load_queries(Path(__file__).with_name("activity.sql"))

_NONE = (0,) * len(COUNTERS)


class PostDay(msgspec.Struct, frozen=True, gc=False):
    """What was done to one post on the day of its last event."""

    post_id: UUID
    author_id: UUID
    day: date
    counts: tuple[int, ...]
    """In the order of COUNTERS."""


def evolve(
    state: PostDay | None,
    event: PostEvent,
    *,
    id: UUID,  # noqa: A002 - spelled as in the state, and alike for every aggregate
    version: int,  # noqa: ARG001 - as every fold takes it
    at: datetime,
) -> PostDay:
    """Give the state after an event. A history that does not begin with `Created` is damaged."""
    if isinstance(event, Created):
        author_id = event.author_id
    elif state is not None:
        author_id = state.author_id
    else:
        raise ValueError(f"the history of post {id} does not begin with its creation")
    day = at.astimezone(UTC).date()
    counts = state.counts if state is not None and state.day == day else _NONE
    counted = counter(event)
    if counted is not None:
        place = COUNTERS.index(counted)
        counts = (*counts[:place], counts[place] + 1, *counts[place + 1 :])
    return PostDay(id, author_id, day, counts)


def counter(event: PostEvent) -> str | None:
    """Name the counter to which an event adds; a legal hold is not the author's activity."""
    match event:
        case Edited() | FilesChanged() | Renamed() | Reverted():
            return "edited"
        case Created():
            return "created"
        case Published():
            return "published"
        case Scheduled():
            return "scheduled"
        case Unpublished() | Unscheduled():
            return "unpublished"
        case Archived():
            return "archived"
        case Deleted():
            return "deleted"
        case Restored():
            return "restored"
        case LegalHoldPlaced() | LegalHoldLifted():
            return None
        case _:
            assert_never(event)


def leaves(_before: PostDay | None, event: PostEvent, after: PostDay) -> Iterable[Put]:
    """Say what an event leaves behind: the counts of its day so far."""
    if counter(event) is not None:
        yield Put(ACTIVITY, (after.post_id, after.day, after.author_id, *after.counts))


def shows(_state: PostDay) -> Iterable[Put]:
    """Say what a state asks for: nothing, as each day's row is left by the day's last event."""
    return ()


class ActivityDay(msgspec.Struct, frozen=True):
    """What was done to an author's posts on one day (UTC)."""

    day: date
    created: int
    edited: int
    scheduled: int
    published: int
    unpublished: int
    archived: int
    deleted: int
    restored: int


class ActivityQueries:
    """Reads activity."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def days(self, author_id: UUID, since: date) -> Sequence[ActivityDay]:
        """List the days from `since` on with any activity, the first one first."""
        rows = await self._database.fetch(QUERIES["days"], author_id, since)
        return [ActivityDay(*row) for row in rows]
