"""A thousand exports by workers that are killed at seeded moments."""

from pathlib import Path

import pytest

from domain.job import JobStatus
from tests.faults.exporting_workers import check, survive
from tests.support.exporting import a_place


@pytest.mark.timeout(1200)
async def test_a_thousand_exports(database_url: str, tmp_path: Path) -> None:
    """Each ends completed or failed, every ZIP verifies, and nothing else is left."""
    async with a_place(database_url, tmp_path) as place:
        jobs = []
        for number in range(1000):
            owner = await place.person()
            await place.post(owner, f"Post {number}")
            if number % 5 == 0:
                await place.file(owner, b"%d" % number * 20_000)
            jobs.append(await place.request(owner))
        deaths = await survive(database_url, place, jobs, chance=0.01, seed=2)
        ends = await check(place, jobs)

    assert deaths > 10
    assert sum(ends.values()) == len(jobs)
    assert ends[JobStatus.COMPLETED] >= len(jobs) * 0.95
