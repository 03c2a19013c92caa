"""Rebuilds that operators ask for and a projector does: what is told of them, and both ends.

Whoever takes one shows that it is alive; of a worker that is silent it is taken again. From the
moment when the tables are about to change places it cannot be cancelled any more.
"""

from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from msgspec import Struct


class RebuildStatus(StrEnum):
    """How a rebuild stands. It stays as it is from the third on."""

    QUEUED = "queued"
    """It waits for a projector."""
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    """What was served before is served still."""
    CANCELLED = "cancelled"
    """As failed, because somebody wished it."""


UNDER_WAY = frozenset({RebuildStatus.QUEUED, RebuildStatus.RUNNING})


class RebuildProgress(Struct, frozen=True):
    """How much of the log is read, in events."""

    read: int
    total: int
    """About how many there are; 0 before that is known."""
    percent: int


class RebuildResult(Struct, frozen=True, rename="camel"):
    """What came of a rebuild."""

    generation: int
    """Which is served now."""
    position: int
    """Of the log, at which old and new tables changed places."""
    rows: int
    differing: int
    """How many rows were not the same in the old tables and the new."""
    held_seconds: float | None
    """How long writes waited; null where the worker ended before it could say."""


class RebuildState(Struct, frozen=True):
    """A rebuild as it stands."""

    id: UUID
    name: str
    status: RebuildStatus
    step: str | None
    """What it is at, or where it ended; null before it has begun and when it is completed."""
    read: int
    total: int
    result: RebuildResult | None
    reason: str | None
    requested_by: UUID
    requested_at: datetime

    @property
    def progress(self) -> RebuildProgress:
        """Tell how much is read."""
        percent = 100 * self.read // self.total if self.total else 0
        if self.status is RebuildStatus.COMPLETED:
            percent = 100
        return RebuildProgress(self.read, self.total, percent)


class RebuildRequests(Protocol):
    """The operators' end."""

    async def ask(self, rebuild_id: UUID, name: str, account_id: UUID) -> UUID:
        """Queue a rebuild, and give its id; or that of the one that is under way already."""
        ...

    async def one(self, rebuild_id: UUID) -> RebuildState | None:
        """Tell how a rebuild stands."""
        ...

    async def cancel(self, rebuild_id: UUID) -> bool:
        """Let a rebuild end without any effect; False where it is too late for that."""
        ...


class TakenRebuild(Struct, frozen=True):
    """A rebuild in the hands of a worker."""

    id: UUID
    name: str
    requested_by: UUID
    worker: UUID
    """Of this taking alone: whoever took it before can change nothing any more."""


class NotRebuilt(Struct, frozen=True):
    """It could not be done, and what was served before is served still."""

    reason: str
    again: bool = False
    """Whether another attempt may succeed."""


class RebuildQueue(Protocol):
    """The workers' end. All but `take` tell whether the rebuild is this worker's still."""

    async def take(self, worker: UUID) -> TakenRebuild | None:
        """Take the oldest that waits, or whose worker is silent; none where there is none."""
        ...

    async def beat(self, taken: TakenRebuild, step: str | None, read: int, total: int) -> bool:
        """Say that the worker is alive, and how far it has come."""
        ...

    async def complete(self, taken: TakenRebuild, result: RebuildResult) -> bool:
        """Say that it is done."""
        ...

    async def fail(self, taken: TakenRebuild, why: NotRebuilt) -> bool:
        """Say that it is not; it is tried again after a while where that is worth it."""
        ...

    async def give_back(self, taken: TakenRebuild) -> bool:
        """Let somebody else do it, from the beginning."""
        ...
