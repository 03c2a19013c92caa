"""Rebuilds that are asked for: each is done once, whatever befalls those who do it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

import pytest
from structlog.testing import capture_logs
from uuid_utils.compat import uuid7

from commands.ports import StoreUnavailableError
from infra.clock import now
from infra.projections.rebuild import Unwatched
from infra.projections.rebuild_requests import (
    KEPT,
    MOST_ATTEMPTS,
    PostgresRebuildRequests,
    Rebuilder,
)
from projections.rebuild_requests import (
    NotRebuilt,
    RebuildResult,
    RebuildState,
    RebuildStatus,
    TakenRebuild,
)
from tests.infra.projections.rebuilding import Rebuilding
from tests.infra.projections.test_rebuild import FIRST_TABLES
from tests.support.waiting import eventually
from workers.rebuilder import Rebuild, Watch, run_rebuilder

OPERATOR = UUID(int=7)
RESULT = RebuildResult(generation=2, position=10, rows=3, differing=0, held_seconds=0.1)
SECOND = timedelta(seconds=1)
SOON = 0.05


class Held:
    """Rebuilds, but waits when all is ready: before it is made sure that it is wanted, or after."""

    def __init__(self, short: Rebuilding, *, late: bool = False) -> None:
        self._rebuild = Rebuilder(short.url, requests(short), now, processes=2)
        self._late = late
        self.ready = asyncio.Event()
        self.go_on = asyncio.Event()

    async def __call__(
        self, taken: TakenRebuild, watch: Watch, before_serving: Callable[[], Awaitable[None]]
    ) -> RebuildResult | NotRebuilt:
        """Do it."""

        async def wait() -> None:
            if self._late:
                await before_serving()
            self.ready.set()
            await self.go_on.wait()
            if not self._late:
                await before_serving()

        return await self._rebuild(taken, watch, wait)


def requests(short: Rebuilding, silent_seconds: float = 10.0) -> PostgresRebuildRequests:
    """Make a process' way to the table."""
    return PostgresRebuildRequests(short.written.product.database, silent_seconds)


async def asked(short: Rebuilding, name: str = "posts") -> UUID:
    """Ask for a rebuild."""
    return await requests(short).ask(uuid7(), name, OPERATOR)


async def state(short: Rebuilding, rebuild_id: UUID) -> RebuildState:
    """Tell how a rebuild stands."""
    found = await requests(short).one(rebuild_id)
    assert found is not None
    return found


async def is_(short: Rebuilding, rebuild_id: UUID, status: RebuildStatus) -> bool:
    """Wait until a rebuild has a status."""

    async def reached() -> bool:
        return (await state(short, rebuild_id)).status is status

    return await eventually(reached)


async def silent(short: Rebuilding) -> None:
    """Let the time pass in which a worker must show that it is alive."""
    await short.written.product.database.fetch(
        "update projection_rebuilds set heartbeat_at = heartbeat_at - interval '11 seconds'"
    )


async def taken_by(queue: PostgresRebuildRequests) -> TakenRebuild:
    """Take a rebuild that is there."""
    taken = await queue.take(uuid7())
    assert taken is not None
    return taken


@asynccontextmanager
async def working(
    short: Rebuilding, rebuild: Rebuild | None = None, beat_seconds: float = SOON
) -> AsyncIterator[None]:
    """Do what is asked for while inside."""
    stop = asyncio.Event()
    queue = requests(short)
    running = asyncio.create_task(
        run_rebuilder(
            queue,
            rebuild or Rebuilder(short.url, queue, now, processes=1),
            new_id=uuid7,
            stop=stop,
            every_seconds=SOON,
            beat_seconds=beat_seconds,
        )
    )
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(running, 20)


async def test_of_two_workers_one_takes_it(short: Rebuilding) -> None:
    """However many ask at once; the others find nothing to do."""
    rebuild_id = await asked(short)
    queue = requests(short)
    taken = await asyncio.gather(*(queue.take(uuid7()) for _ in range(8)))

    assert [each.id for each in taken if each is not None] == [rebuild_id]
    assert (await state(short, rebuild_id)).status is RebuildStatus.RUNNING


async def test_two_workers_do_all_that_is_asked(short: Rebuilding) -> None:
    """Each once."""
    ids = [await asked(short, name) for name in ("posts", "accounts", "search")]
    async with working(short), working(short):
        done = [await is_(short, each, RebuildStatus.COMPLETED) for each in ids]

    assert all(done)
    assert [await short.served(n) for n in ("posts", "accounts", "search")] == [2, 2, 2]
    assert await short.sound()


async def test_asking_twice_at_once(short: Rebuilding) -> None:
    """Is asking once."""
    ids = await asyncio.gather(*(asked(short) for _ in range(6)))

    assert len(set(ids)) == 1


async def test_of_a_silent_worker_it_is_taken_again(short: Rebuilding) -> None:
    """Not before, and then the silent one can change nothing any more."""
    rebuild_id = await asked(short)
    queue = requests(short)
    first = await taken_by(queue)
    early = await queue.take(uuid7())
    await silent(short)
    second = await taken_by(queue)
    woken = [
        await queue.beat(first, "load", 1, 2),
        await queue.complete(first, RESULT),
        await queue.fail(first, NotRebuilt("No.")),
        await queue.fail(first, NotRebuilt("No.", again=True)),
        await queue.give_back(first),
    ]

    assert early is None
    assert (first.id, second.id) == (rebuild_id, rebuild_id)
    assert woken == [False] * 5
    assert await queue.complete(second, RESULT)
    assert (await state(short, rebuild_id)).result == RESULT


async def test_only_so_often(short: Rebuilding) -> None:
    """What ends every worker is given up, and another can be asked for."""
    rebuild_id = await asked(short)
    queue = requests(short)
    for _ in range(MOST_ATTEMPTS):
        await taken_by(queue)
        await silent(short)
    over = await queue.take(uuid7())
    found = await state(short, rebuild_id)

    assert over is None
    assert found.status is RebuildStatus.FAILED
    assert found.reason == "Each projector that began it ended before it was done."
    assert await asked(short) != rebuild_id


async def test_an_outage_is_waited_for(short: Rebuilding) -> None:
    """It is tried again after a while, not at once; in the end its reason is told."""
    rebuild_id = await asked(short)

    async def fails(*_: object) -> RebuildResult | NotRebuilt:
        raise StoreUnavailableError("secrets of the inside")

    async with working(short, fails):

        async def put_off() -> bool:
            await silent(short)
            return (await state(short, rebuild_id)).status is RebuildStatus.FAILED

        ended = await eventually(put_off)

    assert ended
    found = await state(short, rebuild_id)
    assert found.reason is not None
    assert found.reason.startswith("The database was out of reach")


async def test_a_bug_is_logged_and_not_tried_again(short: Rebuilding) -> None:
    """Who asked is told no more than that; the next rebuild is done."""
    rebuild_id = await asked(short)

    async def fails(*_: object) -> RebuildResult | NotRebuilt:
        raise RuntimeError("secrets of the inside")

    with capture_logs() as logs:
        async with working(short, fails):
            assert await is_(short, rebuild_id, RebuildStatus.FAILED)

    assert "secrets" not in ((await state(short, rebuild_id)).reason or "")
    assert [each["event"] for each in logs if each["log_level"] == "error"] == ["a rebuild failed"]


async def test_cancelled_when_all_was_ready(short: Rebuilding) -> None:
    """What was served is served still, no table is left over, and the next one is done."""
    rebuild_id = await asked(short)
    held = Held(short)
    async with working(short, held):
        await asyncio.wait_for(held.ready.wait(), 10)
        made = await short.tables()
        cancelled = await requests(short).cancel(rebuild_id)

        async def as_before() -> bool:
            return await short.tables() == FIRST_TABLES

        dropped = await eventually(as_before)
    served = await short.served("posts")
    following = await asked(short)
    async with working(short):
        done = await is_(short, following, RebuildStatus.COMPLETED)

    assert cancelled
    assert len(made) == len(FIRST_TABLES) + 2
    assert (dropped, served, done) == (True, 1, True)
    assert (await state(short, rebuild_id)).status is RebuildStatus.CANCELLED
    assert await short.tables() == sorted([*FIRST_TABLES, "posts_g2", "former_slugs_g2"])
    assert await short.sound()


async def test_a_worker_that_did_not_see_it(short: Rebuilding) -> None:
    """It finds out before anything that is served changes."""
    rebuild_id = await asked(short)
    held = Held(short)
    async with working(short, held, beat_seconds=3600):
        await asyncio.wait_for(held.ready.wait(), 10)
        await requests(short).cancel(rebuild_id)
        held.go_on.set()

        async def as_before() -> bool:
            return await short.tables() == FIRST_TABLES

        dropped = await eventually(as_before)

    assert dropped
    assert (await state(short, rebuild_id)).status is RebuildStatus.CANCELLED
    assert await short.served("posts") == 1


async def test_too_late_to_cancel(short: Rebuilding) -> None:
    """From the moment on when the tables are about to change places it is done."""
    rebuild_id = await asked(short)
    held = Held(short, late=True)
    async with working(short, held):
        await asyncio.wait_for(held.ready.wait(), 10)
        cancelled = await requests(short).cancel(rebuild_id)
        held.go_on.set()
        done = await is_(short, rebuild_id, RebuildStatus.COMPLETED)

    assert (cancelled, done) == (False, True)
    assert await short.served("posts") == 2


async def test_stopped_in_the_middle(short: Rebuilding) -> None:
    """It waits for the next projector, however often that happens."""
    rebuild_id = await asked(short)
    for _ in range(MOST_ATTEMPTS + 1):
        held = Held(short)
        async with working(short, held):
            await asyncio.wait_for(held.ready.wait(), 10)
        assert (await state(short, rebuild_id)).status is RebuildStatus.QUEUED
    async with working(short):
        done = await is_(short, rebuild_id, RebuildStatus.COMPLETED)

    assert done
    assert await short.served("posts") == 2


async def test_done_but_not_said(short: Rebuilding) -> None:
    """Of a worker that died after the tables changed places it is not done once more."""
    rebuild_id = await asked(short)
    queue = requests(short)
    first = await taken_by(queue)

    async def wanted() -> None:
        """Go on."""

    await Rebuilder(short.url, queue, now, processes=1)(first, Unwatched(), wanted)
    await silent(short)
    async with working(short):
        done = await is_(short, rebuild_id, RebuildStatus.COMPLETED)

    assert done
    found = await state(short, rebuild_id)
    assert found.result == RebuildResult(2, 10, 4, 0, None)
    assert found.progress.percent == 100
    assert await short.served("posts") == 2


@pytest.mark.parametrize("over", [True, False])
async def test_it_is_kept_for_a_time(short: Rebuilding, *, over: bool) -> None:
    """What came of it can be read for long; what is under way is never forgotten."""
    rebuild_id = await asked(short)
    queue = requests(short)
    if over:
        await queue.cancel(rebuild_id)
    at = (await state(short, rebuild_id)).requested_at + KEPT
    early, late = await queue.forget(at - SECOND, 10), await queue.forget(at + SECOND, 10)

    assert (early, late) == (0, int(over))
    assert (await queue.one(rebuild_id) is None) == over
