"""The live tail: what is there, then what comes, once each and in order."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from commands.ports import EVERYTHING, LogFilter
from infra.store import event_log
from tests.support.log import ARCHIVED, Log, a_stream, append, open_log, until


class Follower:
    """Reads a tail in a task and keeps the positions it saw."""

    def __init__(self, log: Log, which: LogFilter = EVERYTHING, after: int = 0) -> None:
        self.seen: list[int] = []
        self._task = asyncio.create_task(self._follow(log, which, after))

    async def sees(self, *expected: int) -> None:
        """Wait until it saw this, and nothing else."""

        async def enough() -> bool:
            assert not self._task.done(), self._task.exception()
            return len(self.seen) >= len(expected)

        await until(enough)
        assert self.seen == list(expected)

    async def stop(self) -> None:
        """End the tail."""
        self._task.cancel()
        await asyncio.wait([self._task])
        assert self._task.cancelled()

    async def _follow(self, log: Log, which: LogFilter, after: int) -> None:
        async for entry in log.log.tail(which, after=after):
            self.seen.append(entry.position)


@pytest.fixture
async def log(database_url: str) -> AsyncIterator[Log]:
    """Open a log of two events."""
    async with open_log(database_url) as log:
        await log.store.append(append(a_stream(), ARCHIVED, ARCHIVED))
        yield log


async def test_it_goes_on_where_the_log_ends(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """Woken by a hint alone, it gives every event once: the old after a position, then the new."""
    monkeypatch.setattr(event_log, "POLL_SECONDS", 3600)
    everything, new = Follower(log), Follower(log, after=2)
    await everything.sees(1, 2)

    for position in range(3, 8):
        await log.store.append(append(a_stream()))
        await everything.sees(*range(1, position + 1))
        await new.sees(*range(3, position + 1))

    await everything.stop()
    await new.stop()


async def test_it_sees_what_other_processes_append(log: Log, database_url: str) -> None:
    """Without any hint it finds out by itself at its next poll."""
    follower = Follower(log)
    await follower.sees(1, 2)
    async with open_log(database_url) as other:
        await other.store.append(append(a_stream()))
        await follower.sees(1, 2, 3)

    await follower.stop()


async def test_a_hint_from_another_process_wakes_it(
    log: Log, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hint that is passed on is as good as one's own."""
    monkeypatch.setattr(event_log, "POLL_SECONDS", 3600)
    follower = Follower(log)
    await follower.sees(1, 2)
    async with open_log(database_url) as other:
        other.hints.to_others(log.hints.wake_all)
        await other.store.append(append(a_stream()))
        await follower.sees(1, 2, 3)

    await follower.stop()


async def test_it_can_be_filtered(log: Log) -> None:
    """Events that do not match are passed over, before and after it caught up."""
    follower = Follower(log, LogFilter(category="account"))
    for _ in range(3):
        await log.store.append(append(a_stream()))
        await log.store.append(append(a_stream("account")))

    await follower.sees(4, 6, 8)
    await follower.stop()
