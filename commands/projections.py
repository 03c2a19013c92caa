"""What operators do to projections, as events of the log."""

from typing import cast
from uuid import UUID

from commands.handle import Caller
from commands.ports import Append, Conflict, EventStore, Metadata, NewEvent
from domain.projection import Projection, ProjectionEvent, evolve, skip, stream

_ATTEMPTS = 5


async def skip_event(
    store: EventStore, event_id: UUID, caller: Caller, name: str, position: int, reason: str
) -> bool:
    """Record that an event is left out of a projection; False when it already is.

    Raises `RuntimeError` when others keep changing the same projection all the time.
    """
    for _ in range(_ATTEMPTS):
        history = await store.read_stream(stream(name))
        state: Projection | None = None
        for recorded in history:
            # A stream holds the events of its own category and no others.
            event = cast("ProjectionEvent", recorded.event)
            state = evolve(state, event, version=recorded.version)
        decided = skip(state, name, position, reason)
        if not decided:
            return False
        result = await store.append(
            Append(
                stream=stream(name),
                expected=len(history),
                events=[NewEvent(event_id, event) for event in decided],
                metadata=Metadata(command=caller.command, request_id=caller.request_id),
                at=max([caller.at, *(recorded.at for recorded in history[-1:])]),
            )
        )
        if not isinstance(result, Conflict):
            return True
    raise RuntimeError(f"the history of projection {name} changes all the time")
