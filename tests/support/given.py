"""Given events, when a command, then events: specifications of deciders without any I/O.

`given = Specification(evolve, decide).given` makes the sentences of one aggregate:
`given(created).when(Publish()).then(Published())`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from domain.refusal import Refusal

ID = UUID("0190b8a5-7c1e-7d3a-9f10-5e2b6c7d8e9f")
START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
"""The time of a history's first event; each later one comes a minute after the one before it."""
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
"""The time at which commands are decided."""

S = TypeVar("S")
E = TypeVar("E")
C = TypeVar("C")
S_contra = TypeVar("S_contra", contravariant=True)
E_co = TypeVar("E_co", covariant=True)
E_contra = TypeVar("E_contra", contravariant=True)
C_contra = TypeVar("C_contra", contravariant=True)


class Evolve(Protocol[S, E_contra]):
    """An aggregate's fold step."""

    def __call__(
        self,
        state: S | None,
        event: E_contra,
        *,
        id: UUID,  # noqa: A002 - as in the aggregates
        version: int,
        at: datetime,
    ) -> S:
        """Give the state after the event."""


class Decide(Protocol[S_contra, E_co, C_contra]):
    """An aggregate's decision."""

    def __call__(
        self, state: S_contra | None, command: C_contra, *, now: datetime
    ) -> tuple[E_co, ...] | Refusal:
        """Give the events or the refusal."""


@dataclass(frozen=True)
class Outcome(Generic[E]):
    """What was decided, ready to be compared with what should have been."""

    decision: tuple[E, ...] | Refusal

    def then(self, *events: E) -> None:
        """Require exactly these events; none for "unchanged"."""
        assert self.decision == events

    def then_refused(self, kind: type[Refusal], **members: str) -> None:
        """Require a refusal of this kind with these members; its detail is free text."""
        assert isinstance(self.decision, kind), self.decision
        assert {name: getattr(self.decision, name) for name in members} == members


@dataclass(frozen=True)
class Scenario(Generic[S, E, C]):
    """A history, folded."""

    state: S | None
    decide: Decide[S, E, C]

    def when(self, command: C, *, now: datetime = NOW) -> Outcome[E]:
        """Decide the command in this state."""
        return Outcome(self.decide(self.state, command, now=now))


@dataclass(frozen=True)
class Specification(Generic[S, E, C]):
    """The two functions of one aggregate."""

    evolve: Evolve[S, E]
    decide: Decide[S, E, C]

    def given(self, *events: E) -> Scenario[S, E, C]:
        """Fold a history, with versions from 1 and a minute between two events."""
        state: S | None = None
        for version, event in enumerate(events, start=1):
            at = START + timedelta(minutes=version - 1)
            state = self.evolve(state, event, id=ID, version=version, at=at)
        return Scenario(state, self.decide)
