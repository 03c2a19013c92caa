"""The worker of jobs: each is done once, whatever happens to those who do it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from commands.handle import Caller
from commands.jobs import Requested, change_job, request_job
from domain.job import STREAM_CATEGORY, Job, JobStatus
from domain.job_decisions import Cancel, Request, Start
from domain.refusal import RejectedByState
from domain.stream import Stream
from infra.bootstrap import Product, open_product
from infra.identity.passwords import CHEAP
from infra.jobs.leases import PostgresJobLeases
from projections.jobs import JobRow
from tests.support.accounts import AT, random_keys
from tests.support.waiting import eventually
from workers.jobs import JobContext, Pace, Work, WorkDone, WorkFailed, run_jobs

OWNER = UUID("0190b8a5-7c1e-7d3a-9f10-5e2b6c7d8e9f")
QUICK = Pace(look=0.02, rest=0.001, beat=0.05, grace=0.05, progress=0.0)


@pytest.fixture
async def product(database_url: str) -> AsyncIterator[Product]:
    """Open the product on an empty log."""
    async with open_product(database_url, random_keys(), hashing=CHEAP) as product:
        yield product


def caller(command: str = "Test") -> Caller:
    """Speak for the product itself."""
    return Caller(None, AT, command)


async def requested(product: Product, kind: str = "test") -> UUID:
    """Ask for a job."""
    job_id = uuid7()
    wanted = await request_job(product.jobs, caller(), job_id, Request(kind, OWNER, "subject"))
    assert isinstance(wanted, Requested)
    assert wanted.new
    return job_id


async def row(product: Product, job_id: UUID) -> JobRow:
    """Read how a job stands."""
    found = await product.job_queries.by_id(job_id)
    assert found is not None
    return found


async def stands(product: Product, job_id: UUID, status: JobStatus) -> bool:
    """Wait until a job stands like this."""

    async def so() -> bool:
        return (await row(product, job_id)).status is status

    return await eventually(so)


async def tags(product: Product, job_id: UUID) -> list[str]:
    """List what the log says of a job."""
    recorded = await product.store.read_stream(Stream(STREAM_CATEGORY, job_id))
    return [str(each.event.__struct_config__.tag).split(".")[1] for each in recorded]


@asynccontextmanager
async def working(
    product: Product,
    kinds: Mapping[str, Work],
    *,
    pace: Pace = QUICK,
    lease_seconds: float = 30.0,
) -> AsyncIterator[asyncio.Event]:
    """Run a worker while inside; setting the event stops it."""
    stop = asyncio.Event()
    leases = PostgresJobLeases(product.database, lease_seconds)
    running = asyncio.create_task(
        run_jobs(product.jobs, leases, kinds, listen=product.hints.listen, stop=stop, pace=pace)
    )
    try:
        yield stop
    finally:
        stop.set()
        await running


async def done(_: JobContext) -> WorkDone:
    """Do a job at once."""
    return WorkDone({"made": "it"})


async def test_a_job_is_done(product: Product) -> None:
    """What came of it is in the log and in its row, and nobody holds it any more."""
    async with working(product, {"test": done}):
        job_id = await requested(product)

        assert await stands(product, job_id, JobStatus.COMPLETED)
    found = await row(product, job_id)
    assert await tags(product, job_id) == ["requested", "started", "completed"]
    assert (found.result, found.attempts, found.percent) == ({"made": "it"}, 1, 100)
    assert not await product.database.fetch("select * from job_leases")


async def test_a_request_with_the_same_id_is_the_same_job(product: Product) -> None:
    """Whoever repeats it finds what there is."""
    job_id = await requested(product)
    again = await request_job(product.jobs, caller(), job_id, Request("test", OWNER, "subject"))

    assert isinstance(again, Requested)
    assert not again.new
    assert again.job.id == job_id
    assert await tags(product, job_id) == ["requested"]


async def test_of_exports_an_owner_has_one_under_way(product: Product) -> None:
    """Of many requests at once one is taken."""
    ids = [uuid7() for _ in range(8)]
    asked = await asyncio.gather(
        *(request_job(product.jobs, caller(), each, Request("export", OWNER)) for each in ids)
    )

    taken = [each for each in asked if isinstance(each, Requested)]
    refused = [each for each in asked if isinstance(each, RejectedByState)]
    assert len(taken) == 1
    assert {each.error for each in refused} == {"job_under_way"}
    assert len(refused) == len(ids) - 1


async def test_every_job_is_done_once_by_several_workers(product: Product) -> None:
    """However many look for the same ones."""
    begun: list[UUID] = []

    async def work(context: JobContext) -> WorkDone:
        begun.append(context.job.id)
        await asyncio.sleep(0)
        return WorkDone({})

    ids = [await requested(product) for _ in range(30)]
    async with working(product, {"test": work}), working(product, {"test": work}):
        for job_id in ids:
            assert await stands(product, job_id, JobStatus.COMPLETED)

    assert sorted(begun) == sorted(ids)


async def test_no_more_than_so_many_are_done_at_once(product: Product) -> None:
    """The others wait their turn."""
    at_once = most = 0

    async def work(_: JobContext) -> WorkDone:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.01)
        at_once -= 1
        return WorkDone({})

    ids = [await requested(product) for _ in range(9)]
    pace = Pace(at_once=2, look=0.02, rest=0.001)
    async with working(product, {"test": work}, pace=pace):
        for job_id in ids:
            assert await stands(product, job_id, JobStatus.COMPLETED)

    assert most == 2


@pytest.fixture
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no time pass before another attempt."""
    monkeypatch.setattr("domain.job_decisions.FIRST_DELAY", timedelta(0))


@pytest.mark.usefixtures("quick_retries")
async def test_it_is_tried_three_times(product: Product) -> None:
    """Then it has failed, for a reason that is safe to say."""

    async def work(_: JobContext) -> WorkFailed:
        return WorkFailed("broken")

    job_id = await requested(product)
    async with working(product, {"test": work}):
        assert await stands(product, job_id, JobStatus.FAILED)

    assert (await row(product, job_id)).reason == "broken"
    attempts = ["started", "attempt-failed"] * 2
    assert await tags(product, job_id) == ["requested", *attempts, "started", "failed"]


async def test_there_is_a_pause_before_another_attempt(product: Product) -> None:
    """Nobody takes it before, also another worker."""

    async def work(_: JobContext) -> WorkFailed:
        return WorkFailed("broken")

    job_id = await requested(product)
    async with working(product, {"test": work}):

        async def failed_once() -> bool:
            return "attempt-failed" in await tags(product, job_id)

        assert await eventually(failed_once)
    leases = PostgresJobLeases(product.database)

    assert not await leases.take(["test"], 10, idle=True)
    pause = await product.database.fetch(
        "select run_after - clock_timestamp() < interval '5 s', run_after > clock_timestamp()"
        " from jobs"
    )
    assert tuple(pause[0]) == (True, True)


@pytest.mark.usefixtures("quick_retries")
async def test_what_goes_wrong_is_logged_and_not_told(product: Product) -> None:
    """A bug's text could hold anything, so only a code is in the log of events."""

    async def work(_: JobContext) -> WorkFailed:
        raise ValueError("secret")

    job_id = await requested(product)
    async with working(product, {"test": work}):
        assert await stands(product, job_id, JobStatus.FAILED)

    assert (await row(product, job_id)).reason == "internal_error"


async def test_what_cannot_succeed_is_not_tried_again(product: Product) -> None:
    """One attempt is enough."""

    async def work(_: JobContext) -> WorkFailed:
        return WorkFailed("impossible", again=False)

    job_id = await requested(product)
    async with working(product, {"test": work}):
        assert await stands(product, job_id, JobStatus.FAILED)

    assert await tags(product, job_id) == ["requested", "started", "failed"]


async def test_progress_is_told_in_steps(product: Product) -> None:
    """As each stays in the log for ever, what is hardly news is not told."""

    async def work(context: JobContext) -> WorkDone:
        for percent in range(101):
            await context.progress(percent)
        return WorkDone({})

    job_id = await requested(product)
    async with working(product, {"test": work}):
        assert await stands(product, job_id, JobStatus.COMPLETED)

    assert (await tags(product, job_id)).count("progressed") == 20


async def test_what_is_stopped_is_given_back(product: Product) -> None:
    """The attempt does not count, and another worker begins at once."""
    begun = asyncio.Event()

    async def for_ever(_: JobContext) -> WorkDone:
        begun.set()
        await asyncio.Event().wait()
        return WorkDone({})

    job_id = await requested(product)
    async with working(product, {"test": for_ever}) as stop:
        await begun.wait()
        stop.set()
    assert (await row(product, job_id)).attempts == 0
    async with working(product, {"test": done}):
        assert await stands(product, job_id, JobStatus.COMPLETED)

    ways = ["requested", "started", "given-back", "started", "completed"]
    assert await tags(product, job_id) == ways
    assert (await row(product, job_id)).attempts == 1


async def test_what_is_cancelled_is_left(product: Product) -> None:
    """Its worker notices, also one that tells of no progress."""
    left = asyncio.Event()

    async def for_ever(_: JobContext) -> WorkDone:
        try:
            await asyncio.Event().wait()
        finally:
            left.set()
        return WorkDone({})

    job_id = await requested(product)
    async with working(product, {"test": for_ever}):
        assert await stands(product, job_id, JobStatus.RUNNING)
        cancelled = await change_job(product.jobs, caller(), job_id, Cancel())
        assert isinstance(cancelled, Job)
        await asyncio.wait_for(left.wait(), 10)

    assert await tags(product, job_id) == ["requested", "started", "cancelled"]


async def test_who_was_overtaken_completes_nothing(product: Product) -> None:
    """What it made is removed, and the other's stays."""
    discarded: list[str] = []
    overtaken = asyncio.Event()
    begun = asyncio.Event()

    async def slow(_: JobContext) -> WorkDone:
        begun.set()
        await overtaken.wait()

        async def discard() -> None:
            discarded.append("slow")

        return WorkDone({"by": "slow"}, discard)

    async def fast(_: JobContext) -> WorkDone:
        return WorkDone({"by": "fast"})

    # It is alive, but for its heart: like one that is paused for longer than its lease.
    pace = Pace(at_once=1, look=0.02, rest=0.001, beat=1000)
    job_id = await requested(product)
    async with working(product, {"test": slow}, pace=pace, lease_seconds=0.05):
        await begun.wait()
        async with working(product, {"test": fast}):
            assert await stands(product, job_id, JobStatus.COMPLETED)
        overtaken.set()

        async def gone() -> bool:
            return bool(discarded)

        assert await eventually(gone)

    assert (await row(product, job_id)).result == {"by": "fast"}
    assert await tags(product, job_id) == ["requested", "started", "started", "completed"]


async def test_a_lease_is_kept_while_the_work_lasts(product: Product) -> None:
    """Nobody takes over from somebody who is alive, however long it takes."""
    begun: list[int] = []

    async def slow(context: JobContext) -> WorkDone:
        begun.append(context.job.attempts)
        await asyncio.sleep(2)  # longer than a lease
        return WorkDone({})

    job_id = await requested(product)
    async with (
        working(product, {"test": slow}, lease_seconds=1.5),
        working(product, {"test": slow}, lease_seconds=1.5),
    ):
        assert await stands(product, job_id, JobStatus.COMPLETED)

    assert begun == [1]


async def left_without_a_word(product: Product, job_id: UUID, attempts: int) -> None:
    """Begin a job so often, as workers do that end in the middle."""
    for _ in range(attempts):
        begun = await change_job(product.jobs, caller(), job_id, Start())
        assert isinstance(begun, Job)


async def test_a_job_that_ends_its_workers_fails(product: Product) -> None:
    """After three beginnings without an end nobody begins it again."""
    begun: list[UUID] = []

    async def work(context: JobContext) -> WorkDone:
        begun.append(context.job.id)
        return WorkDone({})

    job_id = await requested(product)
    await left_without_a_word(product, job_id, 3)
    async with working(product, {"test": work}):
        assert await stands(product, job_id, JobStatus.FAILED)

    assert (await row(product, job_id)).reason == "worker_lost"
    assert begun == []


async def test_the_last_attempt_of_a_suspect_is_made_alone(product: Product) -> None:
    """So that a job which ends its process takes no other one with it each time."""
    busy: set[UUID] = set()
    company: dict[UUID, int] = {}

    async def work(context: JobContext) -> WorkDone:
        busy.add(context.job.id)
        await asyncio.sleep(0.02)
        company[context.job.id] = len(busy)
        busy.discard(context.job.id)
        return WorkDone({})

    suspects = [await requested(product) for _ in range(2)]
    for each in suspects:
        await left_without_a_word(product, each, 2)
    others = [await requested(product) for _ in range(3)]
    async with working(product, {"test": work}):
        for each in (*suspects, *others):
            assert await stands(product, each, JobStatus.COMPLETED)

    assert [company[each] for each in suspects] == [1, 1]


async def test_jobs_of_unknown_kinds_wait(product: Product) -> None:
    """For a newer program, perhaps."""
    unknown = await requested(product, "unknown")
    known = await requested(product)
    async with working(product, {"test": done}):
        assert await stands(product, known, JobStatus.COMPLETED)

    assert (await row(product, unknown)).status is JobStatus.QUEUED
