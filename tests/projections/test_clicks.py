"""Clicks: none is in two events or in none, whatever breaks on the way; and the fold of them."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from commands.clicks import ClickBatch, ClickCounter, Recording, record_clicks
from commands.ports import Append, AppendResult, StoreUnavailableError
from domain.clicks import OTHERS, Counted, TargetClicks, evolve
from infra.clicks import PostgresClicks, taken_row
from projections.clicks import ClickQueries
from projections.registry import PROJECTIONS
from tests.support.log import AT, Log, connected, open_log
from tests.support.projecting import caught_up, folded, follower, projecting, rows_of
from tests.support.rewind import Rewind
from tests.support.services import Databases

CLICKS = PROJECTIONS["clicks"]
DAY = date(2026, 3, 1)


class Frail:
    """A way to the database that breaks when it is told to, before or after the commit."""

    def __init__(self, log: Log) -> None:
        self._clicks = PostgresClicks(log.database, most_in_day=4)
        self._log = log
        self.breaks: bool | None = None

    async def add(self, batch: ClickBatch) -> None:
        """Add a batch, or break."""
        if self.breaks is False:
            raise StoreUnavailableError("before the commit")
        await self._clicks.add(batch)
        if self.breaks:
            raise StoreUnavailableError("after the commit")

    async def append(self, append: Append) -> AppendResult:
        """Append, or break."""
        if self.breaks is False:
            raise StoreUnavailableError("before the commit")
        done = await self._log.store.append(append)
        if self.breaks:
            raise StoreUnavailableError("after the commit")
        return done

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - all else as it is
        return getattr(self._clicks, name)


class Clicks(msgspec.Struct, frozen=True):
    """Somebody clicks, at one of two processes."""

    process: int
    target: int
    times: int


class Flushes(msgspec.Struct, frozen=True):
    """A process hands its counts over; it may break before or after the commit."""

    process: int
    breaks: bool | None


class Records(msgspec.Struct, frozen=True):
    """A worker records what waits."""

    breaks: bool | None
    minutes: int


class Killed(msgspec.Struct, frozen=True):
    """A process is killed; what it had counted in memory is lost."""

    process: int


class Passes(msgspec.Struct, frozen=True):
    """Time passes."""

    minutes: int


Step = Clicks | Flushes | Records | Killed | Passes
_BREAKS = st.sampled_from([None, None, None, False, True])
STEPS: st.SearchStrategy[Step] = st.one_of(
    st.builds(Clicks, st.integers(0, 1), st.integers(0, 6), st.integers(1, 3)),
    st.builds(Flushes, st.integers(0, 1), _BREAKS),
    st.builds(Records, _BREAKS, st.integers(0, 2)),
    st.builds(Killed, st.integers(0, 1)),
    st.builds(Passes, st.sampled_from([1, 30, 800])),
)


class Machine:
    """Two processes that count, a worker that records, and a book of what must come out."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._at = AT
        self._counters = [ClickCounter(uuid7), ClickCounter(uuid7)]
        self._in_memory: list[Counter[date]] = [Counter(), Counter()]
        self._unsure: list[Counter[date]] = [Counter(), Counter()]
        self.least: Counter[date] = Counter()
        self.most: Counter[date] = Counter()

    async def do(self, step: Step) -> None:
        """Let it happen."""
        frail: Any = Frail(self._log)
        match step:
            case Clicks(process, target, times):
                for _ in range(times):
                    self._counters[process].count(f"https://ok.example/{target}", self._at)
                self._in_memory[process][self._at.date()] += times
            case Flushes(process, breaks):
                frail.breaks = breaks
                await self._flush(process, frail)
            case Records(breaks, minutes):
                frail.breaks = breaks
                self._at += timedelta(minutes=minutes)
                recording = Recording(frail, frail, uuid7, taken_row)
                with contextlib.suppress(StoreUnavailableError):
                    await record_clicks(recording, self._at)
            case Killed(process):
                # Of a batch whose answer was lost nobody knows; the rest is lost for sure.
                self.most += self._unsure[process]
                self._in_memory[process], self._unsure[process] = Counter(), Counter()
                self._counters[process] = ClickCounter(uuid7)
            case Passes(minutes):
                self._at += timedelta(minutes=minutes)

    async def _flush(self, process: int, frail: Any) -> None:  # noqa: ANN401 - see Frail
        if not self._unsure[process]:
            self._unsure[process] = self._in_memory[process]
            self._in_memory[process] = Counter()
        try:
            await self._counters[process].flush(frail)
        except StoreUnavailableError:
            return
        self.least += self._unsure[process]
        self.most += self._unsure[process]
        self._unsure[process] = Counter()

    async def finish(self) -> None:
        """Hand over and record all that is left, and fold it."""
        for process in range(2):
            for _ in range(2):
                await self.do(Flushes(process, None))
        for _ in range(4):
            await self.do(Records(None, 2))
        await follower(self._log, CLICKS).catch_up(asyncio.Event())


@pytest.fixture(scope="module")
async def opened(databases: Databases) -> AsyncIterator[tuple[Log, Rewind]]:
    """Open a log once, and remember how empty it is."""
    async with databases.fresh() as url, connected(url) as owner, open_log(url) as log:
        yield log, await Rewind.remember(owner)


@given(steps=st.lists(STEPS, min_size=10, max_size=40))
@settings(
    max_examples=60,
    derandomize=True,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_each_click_is_in_one_event(opened: tuple[Log, Rewind], steps: list[Step]) -> None:
    """What was handed over is counted once; of what a kill left unsure, once or not at all."""
    log, database = opened
    await database.rewind()
    machine = Machine(log)
    for step in steps:
        await machine.do(step)
    await machine.finish()
    counted: Counter[date] = Counter()
    targets: dict[date, set[UUID]] = {}
    for row in (await rows_of(log, CLICKS)).values():
        counted[row[0]] += row[2]
        targets.setdefault(row[0], set()).add(row[1])

    assert machine.least <= counted <= machine.most
    assert await rows_of(log, CLICKS) == await folded(log, CLICKS)
    assert all(len(of_day - {OTHERS}) <= 4 for of_day in targets.values())
    assert not await PostgresClicks(log.database).days()


async def _add(log: Log, clicks: Sequence[tuple[str, int]], *, day: date = DAY, most: int) -> None:
    batch = ClickBatch(uuid7(), 1, [(day, uuid7(), address, many) for address, many in clicks])
    await PostgresClicks(log.database, most).add(batch)


async def test_a_day_has_so_many_targets(opened: tuple[Log, Rewind]) -> None:
    """Those with the most clicks get room first; known ones keep theirs; the rest is one number."""
    log, database = opened
    await database.rewind()
    await _add(log, [("a", 1), ("b", 5), ("c", 3)], most=2)
    await _add(log, [("a", 2), ("b", 1), ("d", 9)], most=2)
    await _add(log, [("a", 4)], day=date(2026, 3, 2), most=2)
    recording = Recording(log.store, PostgresClicks(log.database), uuid7, taken_row)
    await record_clicks(recording, AT)
    await follower(log, CLICKS).catch_up(asyncio.Event())
    page = await ClickQueries(log.database).page(10)
    counts = {(row.day.day, row.address): row.clicks for row in page}

    assert counts == {(1, "b"): 6, (1, "c"): 3, (1, None): 12, (2, "a"): 4}
    assert [row.target for row in page if row.address is None] == [OTHERS]


async def test_a_redirect_always_has_room(opened: tuple[Log, Rewind]) -> None:
    """Operators chose them, so there are only so many."""
    log, database = opened
    await database.rewind()
    await _add(log, [("a", 1)], most=1)
    redirect = uuid7()
    await PostgresClicks(log.database, 1).add(ClickBatch(uuid7(), 1, [(DAY, redirect, None, 2)]))
    waiting = await PostgresClicks(log.database).waiting(DAY, 10)

    assert TargetClicks(redirect, 2) in waiting.counts


async def test_an_event_once_a_minute_and_no_larger_than_so(opened: tuple[Log, Rewind]) -> None:
    """However many clicks come, a day's stream grows no faster; what has no room waits."""
    log, database = opened
    await database.rewind()
    await _add(log, [(f"{number}", 1) for number in range(250)], most=1000)
    recording = Recording(log.store, PostgresClicks(log.database), uuid7, taken_row)
    appended = [
        await record_clicks(recording, AT + timedelta(seconds=20 * round_)) for round_ in range(10)
    ]
    sizes = [
        len(recorded.event.counts)
        async for page in log.log.recorded()
        for recorded in page
        if isinstance(recorded.event, Counted)
    ]

    assert appended == [1, 0, 0, 1, 0, 0, 1, 0, 0, 0]
    assert sizes == [100, 100, 50]


async def test_two_workers_record_what_waits_once(opened: tuple[Log, Rewind]) -> None:
    """Whoever reads the same state appends to the same version, and one of them is refused."""
    log, database = opened
    await database.rewind()
    await _add(log, [("a", 7)], most=10)

    class Slow(PostgresClicks):
        async def waiting(self, day: date, most: int) -> Any:  # noqa: ANN401 - as it is
            seen = await super().waiting(day, most)
            await record_clicks(fast, AT)
            return seen

    fast = Recording(log.store, PostgresClicks(log.database), uuid7, taken_row)
    slow = Recording(log.store, Slow(log.database), uuid7, taken_row)

    assert await record_clicks(slow, AT) == 0
    assert await log.log.head() == 1
    assert not await PostgresClicks(log.database).days()


async def test_what_comes_while_it_is_recorded_waits(opened: tuple[Log, Rewind]) -> None:
    """The event takes off what it counts, and no more."""
    log, database = opened
    await database.rewind()
    await _add(log, [("a", 7)], most=10)

    class Busy(PostgresClicks):
        async def waiting(self, day: date, most: int) -> Any:  # noqa: ANN401 - as it is
            seen = await super().waiting(day, most)
            await _add(log, [("a", 2)], most=10)
            return seen

    busy = Recording(log.store, Busy(log.database), uuid7, taken_row)
    plain = PostgresClicks(log.database)

    assert await record_clicks(busy, AT) == 1
    assert [count.clicks for count in (await plain.waiting(DAY, 10)).counts] == [2]


async def test_what_nobody_needs_is_forgotten(opened: tuple[Log, Rewind]) -> None:
    """Rows without clicks after two days, addresses after 400; the counts of both stay."""
    log, database = opened
    await database.rewind()
    clicks = PostgresClicks(log.database)
    await _add(log, [("a", 1), ("b", 2)], most=10)
    await record_clicks(Recording(log.store, clicks, uuid7, taken_row), AT)
    async with projecting(log, [CLICKS]):
        await caught_up(log, [CLICKS])
    start = datetime(2026, 3, 1, tzinfo=UTC)
    queries = ClickQueries(log.database)
    waiting = [await clicks.forget(start + timedelta(days=days), 100) for days in (2, 3)]
    await clicks.forget(start + timedelta(days=400), 100)
    kept = await queries.page(10)
    await clicks.forget(start + timedelta(days=401), 100)
    left = await queries.page(10)

    assert waiting == [0, 2]
    assert sorted((row.clicks, row.address) for row in kept) == [(1, "a"), (2, "b")]
    assert sorted((row.clicks, row.address) for row in left) == [(1, None), (2, None)]


async def test_memory_is_bounded() -> None:
    """Past so many targets a process counts one number more, and no click is lost."""
    counter = ClickCounter(uuid7, most=3)
    for number in range(10):
        counter.count(f"https://ok.example/{number}", AT)
    kept: list[ClickBatch] = []

    class Store:
        async def add(self, batch: ClickBatch) -> None:
            kept.append(batch)

    await counter.flush(Store())
    await counter.flush(Store())

    assert len(kept) == 1
    assert [(address, many) for _, _, address, many in kept[0].clicks] == [
        ("https://ok.example/0", 1),
        ("https://ok.example/1", 1),
        ("https://ok.example/2", 1),
        (None, 7),
    ]
    assert kept[0].clicks[3][1] == OTHERS


def test_sums_go_on() -> None:
    """Each event adds to what its day had."""
    target = uuid7()
    first = Counted(DAY, (TargetClicks(target, 2), TargetClicks(OTHERS, 1)))
    state = evolve(None, first, id=target, version=1, at=AT)
    state = evolve(state, Counted(DAY, (TargetClicks(target, 5),)), id=target, version=2, at=AT)

    assert dict(state.clicks) == {target: 7, OTHERS: 1}
