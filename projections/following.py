"""What followers of the log and their way to the database share: entries, leases, what stops them.

The projector itself is `workers/projector.py`, the relay `workers/relay.py`; PostgreSQL's side is
`infra/projections/`.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

import msgspec

from projections.write import Table, Write


class Followed(Protocol):
    """Something that follows the log with a checkpoint: a projection, or the relay."""

    @property
    def name(self) -> str:
        """By which its checkpoint is kept."""
        ...

    @property
    def schema_version(self) -> int:
        """Of what it writes: a program follows only what is of its own version."""
        ...

    @property
    def tables(self) -> tuple[Table, ...]:
        """What is written with its checkpoint; none for the relay."""
        ...


class Halted(msgspec.Struct, frozen=True):
    """Where a projection stands still, and why. Nothing of the event's content is here."""

    position: int
    type: str | None
    stream: str | None
    reason: str


class Entry(NamedTuple):
    """An event of the log, not decoded yet."""

    position: int
    category: str
    stream_id: UUID
    version: int
    type: str
    data: str
    at: datetime


class Lease(msgspec.Struct, frozen=True):
    """The right to write a projection, as long as nobody has a newer epoch."""

    epoch: int
    position: int
    """Of the last event that was folded."""
    halted: Halted | None
    taken_over: bool
    """Whether somebody else had it, who fell silent."""


class Beat(msgspec.Struct, frozen=True):
    """What a leader learns when it says that it is alive."""

    position: int
    halted: Halted | None
    head: int
    """The last position of the log."""


class RowRefusedError(Exception):
    """The database takes a row of a batch in no case, however often it is tried."""


class BrokerUnavailableError(Exception):
    """The message broker does not do in time what it is asked for. It may still do it later."""


class LeaseStore(Protocol):
    """Checkpoints, and the right to move them. All of it raises `StoreUnavailableError`."""

    async def take(self, followed: Followed, leader: UUID) -> Lease | None:
        """Become the leader, if there is none whose lease still runs. Fences off any before."""
        ...

    async def beat(self, followed: Followed, lease: Lease) -> Beat | None:
        """Say that the leader is alive; None when it leads no more."""
        ...

    async def give_up(self, followed: Followed, lease: Lease) -> None:
        """Let somebody else lead at once."""
        ...

    async def skipped(self, followed: Followed) -> frozenset[int]:
        """Give the positions that operators left out of it."""
        ...

    async def write(
        self, followed: Followed, lease: Lease, writes: Sequence[Write], moved: tuple[int, int]
    ) -> bool:
        """Write rows and move the checkpoint `moved` from one position to another, or neither.

        False when the lease is lost or the checkpoint is elsewhere. Raises `RowRefusedError`.
        """
        ...

    async def halt(self, followed: Followed, lease: Lease, halted: Halted) -> bool:
        """Record that it stands still; False when the lease is lost."""
        ...


class ProjectorStore(LeaseStore, Protocol):
    """What the projector needs besides: the log itself."""

    async def page(self, after: int, most: int) -> Sequence[Entry]:
        """Read the log after a position, in bounded pieces."""
        ...

    def histories(self, category: str, until: Mapping[UUID, int]) -> AsyncIterator[Sequence[Entry]]:
        """Read the streams of a category from their beginnings to before a version each.

        In bounded pieces, each of several streams; of one stream in the order of versions.
        """
        ...
