"""What followers of the log and workers ask about traces: which event was part of which."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol
from uuid import UUID


class TracedEvent(NamedTuple):
    """An event that was recorded as part of something."""

    position: int
    type: str
    trace_parent: str
    """Of whatever wrote it."""


class EventTraces(Protocol):
    """Finds what events were part of. Nothing here raises: a trace may have gaps."""

    async def between(self, category: str, after: int, until: int) -> Sequence[TracedEvent]:
        """Give the events of a category, `after < position <= until`, that were part of a trace."""
        ...

    async def beginning(self, category: str, stream_id: UUID) -> str | None:
        """Give the `traceparent` of a stream's first event, if it has one."""
        ...
