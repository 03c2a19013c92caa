"""Worker processes that are lost and replaced, and what must hold once all is done."""

import asyncio
import random
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from uuid import UUID

from domain.job import JobStatus
from infra.exports.verifying import verify_export
from tests.support.exporting import Place
from workers.exports import sweep

MOST_WORKERS = 400
_DEADLINE = 30.0


async def begin_worker(
    url: str, place: Place, point: str, chance: float = 1.0, seed: int = 0
) -> Process:
    """Start a worker that is lost at a point, and wait until it looks for jobs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.faults.job_worker",
        point,
        str(chance),
        str(seed),
        stdin=PIPE,
        stdout=PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{url}\n{place.settings.data_dir}\n".encode())
    await process.stdin.drain()
    async with asyncio.timeout(_DEADLINE):
        while (line := await process.stdout.readline()) != b"working\n":
            assert line, "the worker could not start"
    return process


async def end_worker(process: Process) -> int:
    """Tell a worker to stop, if it is there still, and give its exit code."""
    if process.returncode is None:
        process.terminate()
    await process.communicate()
    assert process.returncode is not None
    return process.returncode


async def all_over(place: Place, jobs: Sequence[UUID]) -> bool:
    """Tell whether each job has ended."""
    rows = await place.product.database.fetch(
        "select count(*) from jobs where id = any($1) and status in ('queued', 'running')",
        list(jobs),
    )
    return bool(rows[0][0] == 0)


async def survive(url: str, place: Place, jobs: Sequence[UUID], *, chance: float, seed: int) -> int:
    """Have jobs done by workers that die at seeded moments; tell how many died."""
    chances = random.Random(seed)  # noqa: S311 - repeatable
    for deaths in range(MOST_WORKERS):
        worker = await begin_worker(url, place, "any", chance, chances.randrange(2**30))
        ended = asyncio.ensure_future(worker.communicate())
        while not ended.done() and not await all_over(place, jobs):
            await asyncio.wait({ended}, timeout=0.1)
        if not ended.done():
            worker.terminate()
        await ended
        if worker.returncode == 0:
            return deaths
    raise AssertionError("the workers die faster than they work")


async def check(place: Place, jobs: Sequence[UUID]) -> dict[JobStatus, int]:
    """Require of each ended job one whole file, or none, and nothing else; count the ends."""
    await sweep(place.exports.store, place.product.job_queries)
    ends: dict[JobStatus, int] = {}
    files = []
    for job_id in jobs:
        row = await place.product.job_queries.by_id(job_id)
        assert row is not None
        ends[row.status] = ends.get(row.status, 0) + 1
        if row.status is JobStatus.COMPLETED:
            assert row.result is not None
            name = str(row.result["file"])
            files.append(name)
            verified = await asyncio.to_thread(verify_export, place.folder / name)
            assert verified.mismatches == []
            assert verified.position == row.result["position"]
        else:
            assert (row.status, row.reason) == (JobStatus.FAILED, "worker_lost")
    assert place.left() == sorted(files)
    return ends
