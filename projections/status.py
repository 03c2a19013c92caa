"""How far each projection has come, and whether somebody sees to it.

Everything is judged from the database alone, so it is told alike by every process, and a projector
that is dead or stuck shows without its help.
"""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

from projections.database import Database, load_queries
from projections.following import Halted

QUERIES = load_queries(Path(__file__).with_name("status.sql"))

SILENT_SECONDS = 3.0
"""A projector says at least every second that it is alive; past this it counts as stopped."""

STALLED_SECONDS = 4.0
"""Past this a projector that is alive and does not get on counts as stalled."""


class State(StrEnum):
    """How a projection is. Operators need to look at all but the first two."""

    CURRENT = "current"
    """It has folded the whole log."""
    BEHIND = "behind"
    """It is folding what came last."""
    STALLED = "stalled"
    """Its projector is alive, and has folded nothing for a while though there is something to."""
    STOPPED = "stopped"
    """No projector runs it."""
    HALTED = "halted"
    """It met an event that it cannot fold, and waits for an operator."""
    AHEAD = "ahead"
    """It has folded events that the log does not have: an older log was restored."""


WELL = frozenset({State.CURRENT, State.BEHIND})


class ProjectionStatus(msgspec.Struct, frozen=True, rename="camel"):
    """A projection as operators see it."""

    name: str
    inline: bool
    """Whether it is written with the events themselves, so that it is never behind."""
    state: State
    position: int
    """Of the last event that it has folded."""
    head: int
    """The last position of the log."""
    lag_events: int
    lag_seconds: float
    """The age of the oldest event that it has not folded; 0 when there is none."""
    schema_version: int
    """Of its rows."""
    generation: int
    """Of its tables: each rebuild makes another."""
    halted: Halted | None
    seen_seconds_ago: float | None
    """When a projector last said that it runs this; null for an inline one, or if none ever did."""

    @property
    def warning(self) -> str | None:
        """Say what an operator should look at, if there is anything.

        Anybody may read it, so the reason is not here: it is of the inside.
        """
        if self.state in WELL:
            return None
        text = f"projection {self.name} is {self.state}"
        if self.halted is not None:
            return f"{text} at position {self.halted.position}"
        if self.state is State.AHEAD:
            return f"{text} of the log: position {self.position}, but the log ends at {self.head}"
        return f"{text}: {self.lag_events} events behind"


class ProjectionQueries:
    """Reads how the projections stand."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> Sequence[ProjectionStatus]:
        """Tell of every projection, by name."""
        rows = await self._database.fetch(QUERIES["standing"], None)
        return [status_of(row) for row in rows]

    async def one(self, name: str) -> ProjectionStatus | None:
        """Tell of one projection."""
        rows = await self._database.fetch(QUERIES["standing"], name)
        return status_of(rows[0]) if rows else None


def status_of(row: Sequence[Any]) -> ProjectionStatus:
    """Judge a row of `standing`."""
    name, inline, schema_version, generation, position, head, halted_text, lag, seen, moved = row
    halted = None if halted_text is None else msgspec.json.decode(halted_text, type=Halted)
    if halted is not None and halted.position <= position:
        halted = None  # it got past that in the meantime
    if inline:
        state = State.CURRENT
    elif position > head:
        state = State.AHEAD
    elif halted is not None:
        state = State.HALTED
    elif seen is None or seen > SILENT_SECONDS:
        state = State.STOPPED
    elif position == head:
        state = State.CURRENT
    elif lag > STALLED_SECONDS and (moved is None or moved > STALLED_SECONDS):
        state = State.STALLED
    else:
        state = State.BEHIND
    return ProjectionStatus(
        name=name,
        inline=inline,
        state=state,
        position=position,
        head=head,
        lag_events=max(head - position, 0),
        lag_seconds=round(lag or 0.0, 3),
        schema_version=schema_version,
        generation=generation,
        halted=halted,
        seen_seconds_ago=None if seen is None else round(seen, 3),
    )
