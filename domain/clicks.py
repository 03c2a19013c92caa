"""Clicks as the log keeps them: how many each target got, gathered, in a stream for each day.

No text of a stranger's is in these events: a target is an id, and its address stands in a table
from which it can be removed. The stored names are a format (see `domain/stored_event.py`).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import assert_never
from uuid import NAMESPACE_URL, UUID, uuid5

from msgspec import Struct

from domain.stored_event import StoredEvent
from domain.stream import Stream

STREAM_CATEGORY = "clicks"
OTHERS = UUID(int=0)
"""The target that stands for all which had no room of their own on that day."""
_DAYS = uuid5(NAMESPACE_URL, "urn:ledgerpress:clicks")


def stream(day: date) -> Stream:
    """Name the stream of one day (UTC): its id is made of the day, and always the same."""
    return Stream(STREAM_CATEGORY, uuid5(_DAYS, day.isoformat()))


class TargetClicks(Struct, frozen=True, rename="camel", gc=False):
    """The clicks on one target."""

    target: UUID
    """Of a link or of a managed redirect; or OTHERS."""
    clicks: int


class Counted(StoredEvent, frozen=True, tag="clicks.counted.v1"):
    """So many clicks more were counted on a day."""

    day: date
    counts: tuple[TargetClicks, ...]


ClicksEvent = Counted


class ClickDay(Struct, frozen=True):
    """All clicks of one day, as they stand at one version of its stream."""

    day: date
    clicks: Mapping[UUID, int]


def evolve(
    state: ClickDay | None,
    event: ClicksEvent,
    *,
    id: UUID,  # noqa: A002, ARG001 - as every fold takes it
    version: int,  # noqa: ARG001 - likewise
    at: datetime,  # noqa: ARG001 - likewise
) -> ClickDay:
    """Give the state after an event."""
    match event:
        case Counted():
            clicks = Counter(None if state is None else dict(state.clicks))
            for count in event.counts:
                clicks[count.target] += count.clicks
            return ClickDay(event.day, clicks)
        case _:
            assert_never(event)


def gather(day: date, waiting: Sequence[TargetClicks]) -> tuple[Counted, ...]:
    """Decide what to record of the clicks that wait: one event with all, or nothing."""
    return (Counted(day, tuple(waiting)),) if waiting else ()
