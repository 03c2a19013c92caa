"""What the command loop needs to know of an aggregate, gathered in one value.

An aggregate is made of pure functions of its domain module and of the view that shows it. To add
one, make its `Aggregate` beside its commands, as `commands/posts.py` does.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Generic, Protocol, TypeVar
from uuid import UUID

import msgspec

from commands.outcomes import Representation
from commands.ports import Write
from domain.claim import Claim
from domain.events import Event
from domain.refusal import Refusal, RejectedByState

S = TypeVar("S")
C = TypeVar("C")


class Step(msgspec.Struct, Generic[S], frozen=True):
    """An event and the states around it."""

    before: S | None
    event: Event
    after: S
    at: datetime


class Rendered(Protocol):
    """A state as its read model shows it, and the rows that make it so."""

    @property
    def body(self) -> bytes:
        """The representation that clients get."""
        ...

    @property
    def puts(self) -> Sequence[Write]:
        """The rows to write with the events."""
        ...


class View(Protocol[S]):
    """The read model that must be current as soon as a command has answered."""

    def location(self, stream_id: UUID) -> str:
        """Give the path of the resource."""
        ...

    def history(self, stream_id: UUID) -> str:
        """Give the path where its versions are listed."""
        ...

    def tag(self, version: int) -> str:
        """Give the opaque part of the entity tag of a version."""
        ...

    def render(self, state: S, steps: Sequence[Step[S]]) -> Rendered:
        """Show a state, and give the rows that its last steps (perhaps none) ask for."""
        ...


class Evolve(Protocol[S]):
    """A fold, one event at a time."""

    def __call__(
        self,
        state: S | None,
        event: Event,
        /,
        *,
        id: UUID,  # noqa: A002 - spelled as in the state
        version: int,
        at: datetime,
    ) -> S:
        """Give the state after the event."""
        ...


class Aggregate(msgspec.Struct, Generic[S, C], frozen=True):
    """An aggregate's name and its functions."""

    category: str
    evolve: Evolve[S]
    decide: Callable[[S | None, C, datetime], tuple[Event, ...] | Refusal]
    claims: Callable[[S | None], frozenset[Claim]]
    claim_taken: Callable[[Sequence[Claim]], RejectedByState]
    """What to say when one of the claims to take is held by another stream."""
    view: View[S]
    weigh: Callable[[S], int]
    """About how many bytes a state takes in memory."""
    vacates: Callable[[S], frozenset[str]] = lambda _: frozenset()
    """The scopes in which nobody may hold a claim when this state comes to be."""


class Loaded(msgspec.Struct, Generic[S], frozen=True):
    """A state folded from its stream, and where the stream stood."""

    state: S | None
    version: int
    at: datetime | None
    """The time of the last event."""


def resource(
    aggregate: Aggregate[S, C], stream_id: UUID, loaded: Loaded[S], body: bytes
) -> Representation:
    """Put together what an answer says of a resource."""
    assert loaded.at is not None  # noqa: S101 - a stream with a state has a last event
    return Representation(
        location=aggregate.view.location(stream_id),
        body=body,
        tag=aggregate.view.tag(loaded.version),
        modified=loaded.at,
    )
