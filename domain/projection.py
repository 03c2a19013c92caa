"""A projection's history: what operators did to it. What it shows is in no event of its own.

To add an event: its class and its place in `ProjectionEvent`, its row in `evolve`, and a golden
file. The stored names are a format (see `domain/stored_event.py`).
"""

from typing import assert_never
from uuid import NAMESPACE_URL, uuid5

from msgspec import Struct
from msgspec.structs import replace

from domain.stored_event import StoredEvent
from domain.stream import Stream

STREAM_CATEGORY = "projection"
_NAMES = uuid5(NAMESPACE_URL, "urn:ledgerpress:projection")


def stream(name: str) -> Stream:
    """Name the stream of one projection: its id is made of its name, and always the same."""
    return Stream(STREAM_CATEGORY, uuid5(_NAMES, name))


class Rebuilt(StoredEvent, frozen=True, tag="projection.rebuilt.v1"):
    """Its tables were made anew from the log, and are served since."""

    name: str
    generation: int
    position: int
    """Of the log, at which old and new were compared and changed places."""
    rows: int
    differing: int
    """How many rows were not the same in the old tables and the new."""


class Undone(StoredEvent, frozen=True, tag="projection.undone.v1"):
    """The tables that were kept at the last rebuild are served again."""

    name: str
    generation: int
    position: int


class Skipped(StoredEvent, frozen=True, tag="projection.event-skipped.v1"):
    """An event that the projection cannot take is left out of it for good."""

    name: str
    position: int
    reason: str


ProjectionEvent = Rebuilt | Undone | Skipped


class Projection(Struct, frozen=True, gc=False):
    """What was done to a projection, as it stands at one version of its stream."""

    name: str
    generation: int | None
    """Of the tables that the last rebuild or undoing put in place; None before any."""
    skipped: frozenset[int]
    """The positions of the events that are left out."""
    version: int


def evolve(state: Projection | None, event: ProjectionEvent, *, version: int) -> Projection:
    """Give the state after an event that was recorded at a version."""
    known = state or Projection(event.name, None, frozenset(), version)
    after = replace(known, version=version)
    match event:
        case Rebuilt() | Undone():
            return replace(after, generation=event.generation)
        case Skipped():
            return replace(after, skipped=after.skipped | {event.position})
        case _:
            assert_never(event)


def skip(state: Projection | None, name: str, position: int, reason: str) -> tuple[Skipped, ...]:
    """Decide to leave an event out; once it is, there is nothing more to do."""
    if state is not None and position in state.skipped:
        return ()
    return (Skipped(name, position, reason),)
