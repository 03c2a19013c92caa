"""Exports by workers that are killed, paused or alone: each ends, with one whole file or none."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from domain.job import JobStatus
from infra.store.nats_hints import shared_hints
from tests.faults.exporting_workers import begin_worker, check, end_worker, survive
from tests.support.exporting import Place, a_place
from tests.support.own_nats import own_nats
from tests.support.waiting import eventually
from tests.workers.test_jobs import QUICK, row, stands, tags, working


@pytest.fixture
async def place(database_url: str, tmp_path: Path) -> AsyncIterator[Place]:
    """Open the product on an empty log and an empty folder."""
    async with a_place(database_url, tmp_path) as place:
        yield place


@pytest.mark.parametrize("point", ["started", "writing", "written", "moved", "completed"])
async def test_killed(database_url: str, place: Place, point: str) -> None:
    """Whatever it was at, another worker does the job, and there is one file of it."""
    owner = await place.person()
    await place.post(owner)
    await place.file(owner, os.urandom(500_000))
    job_id = await place.request(owner)
    dead = await begin_worker(database_url, place, point)
    code = await asyncio.wait_for(dead.wait(), 30)
    async with working(place.product, {"export": place.work}):
        assert await stands(place.product, job_id, JobStatus.COMPLETED)

    assert code == -signal.SIGKILL
    assert await check(place, [job_id]) == {JobStatus.COMPLETED: 1}
    begun = (await tags(place.product, job_id)).count("started")
    assert begun == (1 if point == "completed" else 2)


async def test_paused_for_longer_than_its_lease(database_url: str, place: Place) -> None:
    """It wakes after another has finished: what it made is removed, and the other's stays."""
    owner = await place.person()
    job_id = await place.request(owner)
    paused = await begin_worker(database_url, place, "sleep")

    async def moved() -> bool:
        return any(name.endswith(".zip") for name in place.left())

    try:
        assert await eventually(moved)
        [slept] = place.left()
        async with working(place.product, {"export": place.work}):
            assert await stands(place.product, job_id, JobStatus.COMPLETED)
        found = await row(place.product, job_id)
        assert found.result is not None
        served = str(found.result["file"])
        assert served != slept
        # The next attempt has removed what was left; as if it had not, it is there again.
        (place.folder / slept).write_bytes(b"late")
    finally:
        paused.send_signal(signal.SIGCONT)

    async def alone() -> bool:
        return place.left() == [served]

    assert await eventually(alone)
    assert await end_worker(paused) == 0
    assert await check(place, [job_id]) == {JobStatus.COMPLETED: 1}
    assert (await tags(place.product, job_id)).count("completed") == 1


async def test_a_job_that_kills_its_worker_each_time(database_url: str, place: Place) -> None:
    """It has failed after three, and nothing is left of it."""
    owner = await place.person()
    job_id = await place.request(owner)
    codes = []
    for _ in range(3):
        worker = await begin_worker(database_url, place, "writing")
        codes.append(await asyncio.wait_for(worker.wait(), 30))
    async with working(place.product, {"export": place.work}, pace=QUICK):
        assert await stands(place.product, job_id, JobStatus.FAILED)

    assert codes == [-signal.SIGKILL] * 3
    assert await check(place, [job_id]) == {JobStatus.FAILED: 1}
    assert (await row(place.product, job_id)).reason == "worker_lost"


async def test_without_the_broker(database_url: str, place: Place, tmp_path: Path) -> None:
    """While it is down jobs are taken, and done by whoever polls."""
    owner = await place.person()
    async with own_nats() as nats, shared_hints(nats.url, place.product.hints):
        await nats.kill()
        job_id = await place.request(owner)
        async with (
            a_place(database_url, tmp_path) as other,
            working(other.product, {"export": other.work}),
        ):
            assert await stands(place.product, job_id, JobStatus.COMPLETED)
        await nats.start()

    assert await check(place, [job_id]) == {JobStatus.COMPLETED: 1}


async def test_many_exports_by_workers_that_die(database_url: str, place: Place) -> None:
    """At seeded moments; every job ends, every ZIP is whole, and nothing else is left."""
    jobs = []
    for _ in range(40):
        owner = await place.person()
        await place.post(owner)
        jobs.append(await place.request(owner))
    deaths = await survive(database_url, place, jobs, chance=0.02, seed=1)
    ends = await check(place, jobs)

    assert deaths > 0
    assert sum(ends.values()) == len(jobs)
    assert ends[JobStatus.COMPLETED] >= len(jobs) * 0.8
