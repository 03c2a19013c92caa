"""Following the log as one of several processes: who leads, what stops it, outliving outages.

A follower (a projection, or the relay) has a checkpoint in the log. One process leads it, by a
lease that a dead process cannot hold for long; what a paused one still tries to write when it wakes
is refused (see `infra/projections/projector_store.py`). An event that it cannot take stops it, for
operators to see; nothing is ever left out without being told to. What is done with the events is
each follower's own: `workers/projector.py`, `workers/relay.py`.
"""

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, Protocol
from uuid import UUID

import msgspec
import structlog

from commands.ports import StoreUnavailableError
from projections.following import BrokerUnavailableError, Followed, Halted, Lease, LeaseStore

EVERY_SECONDS = 0.5
"""How long a follower waits for a hint before it looks at the log by itself."""

BEAT_SECONDS = 1.0
"""How often a leader that has nothing to do says that it is alive."""

_REASON_CHARACTERS = 200

_log = structlog.stdlib.get_logger("ledgerpress.projector")


class Hint(Protocol):
    """Wakes whoever waits, when the log has grown."""

    async def wait(self, seconds: float) -> None:
        """Wait for a hint, no longer than this."""
        ...


Listen = Callable[[], AbstractContextManager[Hint]]


class Met(Protocol):
    """An event that was met in the log."""

    @property
    def position(self) -> int:
        """Where it stands."""
        ...

    @property
    def type(self) -> str:
        """Its tag."""
        ...

    @property
    def category(self) -> str:
        """Of its stream."""
        ...

    @property
    def stream_id(self) -> UUID:
        """Of its stream."""
        ...


async def follow(leader: "Leader", listen: Listen, stop: asyncio.Event) -> None:
    """Go round until `stop` is set. Outages are logged once, bugs each time; both are outlived."""
    name = leader.followed.name
    reachable = True
    stopping = asyncio.create_task(stop.wait())
    with listen() as hint, _cancelled_after(stopping):
        while not stop.is_set():
            try:
                await leader.catch_up(stop)
            except (StoreUnavailableError, BrokerUnavailableError) as error:
                if reachable:
                    what = "database" if isinstance(error, StoreUnavailableError) else "broker"
                    _log.warning(f"the {what} is out of reach", projection=name, error=str(error))
                reachable = False
            except Exception:  # noqa: BLE001 - a bug in one round must not end the process
                _log.exception("a round failed", projection=name)
            else:
                reachable = True
            waiting = asyncio.create_task(hint.wait(EVERY_SECONDS))
            await asyncio.wait({waiting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
    await leader.give_up()


@contextlib.contextmanager
def _cancelled_after(task: asyncio.Task[Any]) -> Iterator[None]:
    try:
        yield
    finally:
        task.cancel()


class Leader(ABC):
    """A follower of the log as one process sees it: leading it, or waiting to."""

    def __init__(self, followed: Followed, leases: LeaseStore, leader: UUID) -> None:
        self.followed = followed
        self._leases = leases
        self._leader = leader
        self._lease: Lease | None = None
        self._next_beat = 0.0

    @property
    def leads(self) -> bool:
        """Whether it last found itself the leader."""
        return self._lease is not None

    async def catch_up(self, stop: asyncio.Event) -> None:
        """Do what there is to do, if this is or can become the leader."""
        try:
            if self._lease is None and not await self._take():
                return
            while not stop.is_set() and await self._advance():
                pass
        except BaseException:
            # Nobody knows whether the last write took place: taking the lease anew tells.
            self._lease = None
            raise

    async def give_up(self) -> None:
        """Let another process lead at once."""
        if self._lease is not None:
            lease, self._lease = self._lease, None
            with contextlib.suppress(StoreUnavailableError):  # then the lease runs out by itself
                await self._leases.give_up(self.followed, lease)

    @abstractmethod
    async def _begin_anew(self) -> None:
        """Forget what was remembered, and read which events operators want left out."""

    @abstractmethod
    async def _advance(self) -> bool:
        """Do a piece of the work; tell whether there may be more to do at once."""

    async def _take(self) -> bool:
        name = self.followed.name
        self._lease = await self._leases.take(self.followed, self._leader)
        if self._lease is None:
            return False
        await self._begin_anew()
        if self._lease.taken_over:
            _log.warning("taken over from a projector that is silent", projection=name)
        if self._lease.halted is not None and self._lease.halted.type is not None:
            # This may be a program that can fold it. If it cannot, it halts there again.
            self._lease = msgspec.structs.replace(self._lease, halted=None)
        return True

    def _moved(self, lease: Lease, position: int) -> None:
        """Take note that the checkpoint is at a position, which was written under this lease."""
        self._lease = msgspec.structs.replace(lease, position=position, halted=None)
        self._next_beat = asyncio.get_running_loop().time() + BEAT_SECONDS

    async def _rest(self, lease: Lease) -> bool:
        """Say that the leader lives, where it is time to; there is nothing else to do."""
        if asyncio.get_running_loop().time() >= self._next_beat:
            return await self._beat(lease)
        return False

    async def _beat(self, lease: Lease) -> bool:
        """Say that the leader lives, and see what others did; go on at once if that was much."""
        beat = await self._leases.beat(self.followed, lease)
        self._next_beat = asyncio.get_running_loop().time() + BEAT_SECONDS
        if beat is None or beat.position != lease.position:
            self._lost()
            return False
        if lease.halted is not None and beat.halted is None:
            await self._begin_anew()
            self._lease = msgspec.structs.replace(lease, halted=None)
            _log.info("going on", projection=self.followed.name, position=lease.position)
            return True
        if lease.halted is None and beat.head < lease.position:
            reason = (
                f"the checkpoint {lease.position} is past the end of the log, {beat.head}: was an "
                "older log restored? `ledgerpress projections repair` mends it"
            )
            await self._stand_still(lease, Halted(lease.position + 1, None, None, reason))
        return False

    def _lost(self) -> None:
        # Nothing is wrong: it was rebuilt or undone, or another leads, which then says so.
        self._lease = None
        _log.info("leads no more", projection=self.followed.name)

    async def _halt(self, lease: Lease, entry: Met, error: Exception) -> bool:
        """Stop at an event, loudly."""
        name = self.followed.name
        _log.error("an event cannot be folded", projection=name, exc_info=error)
        reason = f"{type(error).__name__}: {error}"[:_REASON_CHARACTERS]
        stream = f"{entry.category}/{entry.stream_id}"
        await self._stand_still(lease, Halted(entry.position, entry.type, stream, reason))
        return False

    async def _stand_still(self, lease: Lease, halted: Halted) -> None:
        if not await self._leases.halt(self.followed, lease, halted):
            self._lost()
            return
        self._lease = msgspec.structs.replace(lease, halted=halted)
        _log.error(
            "the projection is halted",
            projection=self.followed.name,
            position=halted.position,
            reason=halted.reason,
        )
