"""The rebuilder: does the rebuilds that operators ask for, one at a time.

Several may run at once. Of each rebuild one is the worker, for as long as it shows that it is
alive. Whoever lost one, by a pause or because it was cancelled, is stopped before the tables change
places.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol, assert_never
from uuid import UUID

import structlog

from commands.ports import StoreUnavailableError
from projections.rebuild_requests import NotRebuilt, RebuildQueue, RebuildResult, TakenRebuild
from workers.periodic import repeat

EVERY_SECONDS = 0.5
BEAT_SECONDS = 0.5
"""How often a worker shows that it is alive and how far it has come, and sees whether to go on."""

_OUTAGE = "The database was out of reach, or somebody kept the tables in use for too long."
_BUG = "It failed in a way that nobody foresaw; the log of the projector has the details."

_log = structlog.stdlib.get_logger("ledgerpress.rebuilder")


class Watch(Protocol):
    """Is told how far a rebuild has come."""

    def step(self, step: str) -> None:
        """Take note that a step begins."""
        ...

    def loaded(self, read: int, total: int) -> None:
        """Take note of how many events are read, and about how many there are."""
        ...


class Rebuild(Protocol):
    """Rebuilds; the last argument is awaited before anything that is served changes."""

    def __call__(
        self, taken: TakenRebuild, watch: Watch, before_serving: Callable[[], Awaitable[None]], /
    ) -> Awaitable[RebuildResult | NotRebuilt]:
        """Do it. Raises `StoreUnavailableError`."""
        ...


class LostError(Exception):
    """The rebuild is this worker's no more: it was cancelled, or another has taken it."""


async def run_rebuilder(
    queue: RebuildQueue,
    rebuild: Rebuild,
    *,
    new_id: Callable[[], UUID],
    stop: asyncio.Event,
    every_seconds: float = EVERY_SECONDS,
    beat_seconds: float = BEAT_SECONDS,
) -> None:
    """Do what is asked for until `stop` is set; what is not done by then is given back."""

    async def tick() -> None:
        while not stop.is_set():
            taken = await queue.take(new_id())
            if taken is None:
                return
            await _Work(queue, taken, rebuild, beat_seconds).run(stop)

    await repeat(tick, name="rebuilder", every_seconds=every_seconds, stop=stop)


class _Work:
    """One rebuild in the hands of this worker, and the watch of it."""

    def __init__(
        self, queue: RebuildQueue, taken: TakenRebuild, rebuild: Rebuild, beat_seconds: float
    ) -> None:
        self._queue = queue
        self._taken = taken
        self._rebuild = rebuild
        self._beat_seconds = beat_seconds
        self._step: str | None = None
        self._read = self._total = 0
        # What was told last shall also be written last.
        self._telling = asyncio.Lock()

    def step(self, step: str) -> None:
        """Remember what it is at."""
        self._step = step

    def loaded(self, read: int, total: int) -> None:
        """Remember how much is read."""
        self._read, self._total = read, total

    async def run(self, stop: asyncio.Event) -> None:
        """Do it, and say what came of it."""
        rebuilding = asyncio.ensure_future(self._rebuild(self._taken, self, self._before_serving))
        losing = asyncio.create_task(self._beat_until_lost())
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({rebuilding, losing, stopping}, return_when=asyncio.FIRST_COMPLETED)
            # When it is done by now, that counts.
            rebuilding.cancel()
            [outcome] = await asyncio.gather(rebuilding, return_exceptions=True)
        finally:
            for task in (rebuilding, losing, stopping):
                task.cancel()
            await asyncio.gather(rebuilding, losing, stopping, return_exceptions=True)
        await self._settle(outcome)

    async def _settle(self, outcome: RebuildResult | NotRebuilt | BaseException) -> None:
        queue, taken = self._queue, self._taken
        known = {"projection": taken.name, "rebuild": str(taken.id)}
        match outcome:
            case RebuildResult():
                await queue.complete(taken, outcome)
                _log.info("rebuilt", **known, generation=outcome.generation)
            case NotRebuilt():
                await queue.fail(taken, outcome)
                _log.warning("not rebuilt", **known, why=outcome.reason, again=outcome.again)
            case asyncio.CancelledError() | LostError():
                given_back = await queue.give_back(taken)
                _log.info("given back" if given_back else "cancelled or lost", **known)
            case StoreUnavailableError():
                _log.warning("not rebuilt", **known, why=str(outcome), again=True)
                await queue.fail(taken, NotRebuilt(_OUTAGE, again=True))
            case BaseException():
                _log.error("a rebuild failed", **known, exc_info=outcome)
                await queue.fail(taken, NotRebuilt(_BUG))
            case _:
                assert_never(outcome)

    async def _beat_until_lost(self) -> None:
        """Return when the rebuild is not this worker's any more."""
        while True:
            try:
                if not await self._tell():
                    return
            except StoreUnavailableError:
                pass  # the rebuild will notice, or whoever takes it next
            await asyncio.sleep(self._beat_seconds)

    async def _before_serving(self) -> None:
        """Make sure that it is wanted still: from now on nobody can cancel it."""
        self.step("cut-over")
        if not await self._tell():
            raise LostError

    async def _tell(self) -> bool:
        async with self._telling:
            return await self._queue.beat(self._taken, self._step, self._read, self._total)
