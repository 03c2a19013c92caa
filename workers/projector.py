"""The projector: brings the projections that are not inline up to the head of the log.

Several may run. Of each projection one is the leader, by a lease that a dead process cannot hold
for long; what a paused one still tries to write when it wakes is refused (see
`infra/projections/projector_store.py`). An event that cannot be folded stops its own projection,
for operators to see; nothing is ever left out without being told to.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol
from uuid import UUID

import msgspec
import structlog

from commands.ports import StoreUnavailableError
from projections.following import Entry, Halted, Lease, ProjectorStore, RowRefusedError
from projections.registry import Projection
from projections.write import Write
from workers.page_folder import Decode, PageFolder

PAGE_ROWS = 500
EVERY_SECONDS = 0.5
"""How long a projection waits for a hint before it looks at the log by itself."""

BEAT_SECONDS = 1.0
"""How often a leader that has nothing to do says that it is alive."""

_REASON_CHARACTERS = 200

_log = structlog.stdlib.get_logger("ledgerpress.projector")


class Hint(Protocol):
    """Wakes whoever waits, when the log has grown."""

    async def wait(self, seconds: float) -> None:
        """Wait for a hint, no longer than this."""
        ...


async def run_projector(
    projections: Iterable[Projection],
    store: ProjectorStore,
    *,
    decode: Decode,
    leader: UUID,
    listen: Callable[[], AbstractContextManager[Hint]],
    stop: asyncio.Event,
) -> None:
    """Keep projections up to date until `stop` is set; each goes on whatever befalls the others."""
    async with asyncio.TaskGroup() as tasks:
        for projection in projections:
            follower = Follower(projection, store, decode=decode, leader=leader)
            tasks.create_task(_follow(follower, listen, stop))


async def _follow(
    follower: "Follower", listen: Callable[[], AbstractContextManager[Hint]], stop: asyncio.Event
) -> None:
    """Go round until `stop` is set. Outages are logged once, bugs each time; both are outlived."""
    name = follower.projection.name
    reachable = True
    stopping = asyncio.create_task(stop.wait())
    with listen() as hint, _cancelled_after(stopping):
        while not stop.is_set():
            try:
                await follower.catch_up(stop)
            except StoreUnavailableError as error:
                if reachable:
                    _log.warning("the database is out of reach", projection=name, error=str(error))
                reachable = False
            except Exception:  # noqa: BLE001 - a bug in one round must not end the projector
                _log.exception("a round failed", projection=name)
            else:
                reachable = True
            waiting = asyncio.create_task(hint.wait(EVERY_SECONDS))
            await asyncio.wait({waiting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
    await follower.give_up()


@contextlib.contextmanager
def _cancelled_after(task: asyncio.Task[Any]) -> Iterator[None]:
    try:
        yield
    finally:
        task.cancel()


class Follower:
    """One projection as one process sees it: leading it, or waiting to."""

    def __init__(
        self, projection: Projection, store: ProjectorStore, *, decode: Decode, leader: UUID
    ) -> None:
        self.projection = projection
        self._store = store
        self._decode = decode
        self._leader = leader
        self._lease: Lease | None = None
        self._folder = self._new_folder(frozenset())
        self._careful_until = 0
        """Up to this position each event is a batch of its own: together they were too much, or one
        of them was refused."""
        self._next_beat = 0.0

    @property
    def leads(self) -> bool:
        """Whether it last found itself the leader."""
        return self._lease is not None

    async def catch_up(self, stop: asyncio.Event) -> None:
        """Fold what there is to fold, if this is or can become the leader."""
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
                await self._store.give_up(self.projection, lease)

    async def _take(self) -> bool:
        name = self.projection.name
        self._lease = await self._store.take(self.projection, self._leader)
        if self._lease is None:
            return False
        await self._begin_anew()
        if self._lease.taken_over:
            _log.warning("taken over from a projector that is silent", projection=name)
        if self._lease.halted is not None and self._lease.halted.type is not None:
            # This may be a program that can fold it. If it cannot, it halts there again.
            self._lease = msgspec.structs.replace(self._lease, halted=None)
        return True

    async def _begin_anew(self) -> None:
        """Forget the states, and read which events operators want left out."""
        self._folder = self._new_folder(await self._store.skipped(self.projection))

    def _new_folder(self, skipped: frozenset[int]) -> PageFolder:
        return PageFolder(self.projection, self._store, decode=self._decode, skipped=skipped)

    async def _advance(self) -> bool:
        """Fold one page; tell whether there may be more to do at once."""
        lease = self._lease
        if lease is None:
            return False
        if lease.halted is not None and lease.halted.position > lease.position:
            return await self._beat(lease)
        careful = lease.position < self._careful_until
        page = await self._store.page(lease.position, 1 if careful else PAGE_ROWS)
        if not page:
            if asyncio.get_running_loop().time() >= self._next_beat:
                return await self._beat(lease)
            return False
        writes, position, poison = await self._folder.fold(page, lease.position)
        if position > lease.position:
            try:
                moved = await self._write(lease, writes, position)
            except StoreUnavailableError:
                # Perhaps it was too much for the time that a write may take.
                self._careful_until = page[-1].position
                raise
            except RowRefusedError as error:
                await self._begin_anew()
                if len(page) > 1:
                    self._careful_until = page[-1].position
                    return True
                return await self._halt(lease, page[0], error)
            if not moved:
                return False
        if poison is not None and self._lease is not None:
            return await self._halt(self._lease, *poison)
        return True

    async def _write(self, lease: Lease, writes: Sequence[Write], position: int) -> bool:
        moved = await self._store.write(self.projection, lease, writes, (lease.position, position))
        if not moved:
            self._lost()
            return False
        self._lease = msgspec.structs.replace(lease, position=position, halted=None)
        self._next_beat = asyncio.get_running_loop().time() + BEAT_SECONDS
        return True

    async def _beat(self, lease: Lease) -> bool:
        """Say that the leader lives, and see what others did; go on at once if that was much."""
        beat = await self._store.beat(self.projection, lease)
        self._next_beat = asyncio.get_running_loop().time() + BEAT_SECONDS
        if beat is None:
            self._lost()
            return False
        if beat.position != lease.position:
            self._lost()
            return False
        if lease.halted is not None and beat.halted is None:
            await self._begin_anew()
            self._lease = msgspec.structs.replace(lease, halted=None)
            _log.info("going on", projection=self.projection.name, position=lease.position)
            return True
        if lease.halted is None and beat.head < lease.position:
            reason = (
                f"the checkpoint {lease.position} is past the end of the log, {beat.head}: was an "
                "older log restored? `ledgerpress projections repair` mends it"
            )
            await self._stand_still(lease, Halted(lease.position + 1, None, None, reason))
        return False

    def _lost(self) -> None:
        self._lease = None
        _log.warning("the lease is lost", projection=self.projection.name)

    async def _halt(self, lease: Lease, entry: Entry, error: Exception) -> bool:
        """Stop at an event, loudly."""
        name = self.projection.name
        _log.error("an event cannot be folded", projection=name, exc_info=error)
        reason = f"{type(error).__name__}: {error}"[:_REASON_CHARACTERS]
        stream = f"{entry.category}/{entry.stream_id}"
        await self._stand_still(lease, Halted(entry.position, entry.type, stream, reason))
        return False

    async def _stand_still(self, lease: Lease, halted: Halted) -> None:
        if not await self._store.halt(self.projection, lease, halted):
            self._lost()
            return
        self._lease = msgspec.structs.replace(lease, halted=halted)
        _log.error(
            "the projection is halted",
            projection=self.projection.name,
            position=halted.position,
            reason=halted.reason,
        )
