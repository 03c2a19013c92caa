"""Projection == fold(events), for what the projector writes, whatever befalls it on the way."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from commands.ports import StoreUnavailableError
from domain.post import PostEvent
from domain.stream import Stream
from infra.projections.projector_store import PostgresProjectorStore
from projections.following import Entry, Lease
from projections.registry import Projection
from projections.write import Write
from tests.domain.test_post_properties import BEGINNINGS, EVENTS
from tests.support.log import AT, Log, append, connected, open_log
from tests.support.projecting import (
    BY_PROJECTOR,
    expire_lease,
    folded,
    follower,
    projector_store,
    rows_of,
)
from tests.support.rewind import Rewind
from tests.support.services import Databases
from workers.projector import Follower

STREAMS = 3
PROCESSES = 2


class Appends(msgspec.Struct, frozen=True):
    """Events are appended to one of the streams."""

    stream: int
    beginning: PostEvent
    events: Sequence[PostEvent]
    minutes: int


class Runs(msgspec.Struct, frozen=True):
    """A process goes round once, and reads so many events at a time."""

    process: int
    page: int


class Dies(msgspec.Struct, frozen=True):
    """A process is killed and another begins, before or after its next write is committed."""

    process: int
    committed: bool


class Overslept(msgspec.Struct, frozen=True):
    """The time of the lease is over, whatever the leader believes."""


Step = Appends | Runs | Dies | Overslept

STEPS: st.SearchStrategy[Step] = st.one_of(
    st.builds(
        Appends,
        st.integers(0, STREAMS - 1),
        BEGINNINGS,
        st.lists(EVENTS, min_size=1, max_size=4),
        st.integers(0, 900),
    ),
    st.builds(Runs, st.integers(0, PROCESSES - 1), st.integers(1, 5)),
    st.builds(Dies, st.integers(0, PROCESSES - 1), st.booleans()),
    st.just(Overslept()),
)


class Frail:
    """A projector's way to the database, which breaks when it is told to."""

    def __init__(self, store: PostgresProjectorStore) -> None:
        self._store = store
        self.rows = 5
        self.breaks: bool | None = None
        """Whether the next write is committed before the connection breaks; None: it holds."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - all else as it is
        return getattr(self._store, name)

    async def page(self, after: int, most: int) -> Sequence[Entry]:
        """Read no more than the test wants."""
        return await self._store.page(after, min(self.rows, most))

    async def write(
        self, projection: Projection, lease: Lease, writes: Sequence[Write], moved: tuple[int, int]
    ) -> bool:
        """Write, or break before or after the commit."""
        if self.breaks is False:
            raise StoreUnavailableError("the connection broke")
        done = await self._store.write(projection, lease, writes, moved)
        if self.breaks:
            raise StoreUnavailableError("the connection broke")
        return done


class Machine:
    """Several processes that run one projection, and the log that they follow."""

    def __init__(self, log: Log, projection: Projection) -> None:
        self._log = log
        self._projection = projection
        self._streams = [Stream("post", uuid7()) for _ in range(STREAMS)]
        self._versions = [0] * STREAMS
        self._at = AT
        self._stop = asyncio.Event()
        self._processes = [self._process() for _ in range(PROCESSES)]

    def _process(self) -> tuple[Follower, Frail]:
        frail: Any = Frail(projector_store(self._log))
        return follower(self._log, self._projection, frail), frail

    async def do(self, step: Step) -> None:
        """Let it happen."""
        match step:
            case Appends(number, beginning, rest, minutes):
                version = self._versions[number]
                events = [beginning, *rest] if version == 0 else rest
                self._at += timedelta(minutes=minutes)
                self._versions[number] += len(events)
                await self._log.store.append(
                    append(self._streams[number], *events, expected=version, at=self._at)
                )
            case Runs(number, page):
                one, frail = self._processes[number]
                frail.rows = page
                await one.catch_up(self._stop)
            case Dies(number, committed):
                one, frail = self._processes[number]
                frail.breaks = committed
                with contextlib.suppress(StoreUnavailableError):
                    await one.catch_up(self._stop)
                self._processes[number] = self._process()
            case Overslept():
                await expire_lease(self._log, self._projection)

    async def finish(self) -> None:
        """Let a new process fold what is left."""
        await expire_lease(self._log, self._projection)
        one, _ = self._process()
        await one.catch_up(self._stop)


@pytest.fixture(scope="module")
async def opened(databases: Databases) -> AsyncIterator[tuple[Log, Rewind]]:
    """Open a log once, and remember how empty it is."""
    async with databases.fresh() as url, connected(url) as owner, open_log(url) as log:
        yield log, await Rewind.remember(owner)


@pytest.mark.parametrize("projection", BY_PROJECTOR, ids=lambda each: each.name)
@given(steps=st.lists(STEPS, min_size=10, max_size=40))
@settings(
    max_examples=60,
    derandomize=True,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_what_is_projected_is_what_the_log_gives(
    opened: tuple[Log, Rewind], projection: Projection, steps: list[Step]
) -> None:
    """After any interleaving of appends, rounds, crashes and take-overs rows equal the fold."""
    log, database = opened
    await database.rewind()
    machine = Machine(log, projection)
    for step in steps:
        await machine.do(step)
    await machine.finish()

    assert await rows_of(log, projection) == await folded(log, projection)
