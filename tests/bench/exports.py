"""Measures exports beside a plain script that reads, zips and writes the same bytes.

Run as `python -m tests.bench.exports`. The worker is the process that operators run, and nothing
else is in it. Both take turns, and the median of the rounds' ratios is taken: read the ratio, not
the seconds. What the plain script leaves out is said in `tests/bench/plain_export.py`.
"""

import asyncio
import os
import random
import statistics
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple
from uuid import UUID

import msgspec
import uvloop
from rich.console import Console
from rich.table import Table

from commands.exports import end_export
from domain.job import JobStatus
from infra.bootstrap import open_product
from infra.exports.verifying import verify_export
from infra.identity.passwords import CHEAP
from infra.keys import Keys, load_keys
from infra.settings import Settings
from tests.bench.http import peak_memory
from tests.bench.machine import describe
from tests.bench.plain_export import Plain, PlainDone
from tests.bench.store import durable_databases
from tests.support.exporting import Place, caller
from tests.support.services import settings_in
from tests.support.stored_files import some_bytes
from tests.support.waiting import eventually

ROUNDS = 7
POSTS = 5000
POST_BYTES = 2048
FILES = 200
FILE_BYTES = 1024 * 1024
TARGET = 0.6
MEMORY_TARGET = "200 MB"
_AT_ONCE = 50


class Made(NamedTuple):
    """An export: seconds from its beginning, and from the request, to its completion."""

    seconds: float
    with_waiting: float
    size: int


async def main() -> None:
    """Measure, and print one table."""
    ours: list[Made] = []
    plain: list[PlainDone] = []
    async with durable_databases() as (databases, folder), databases.fresh() as url:
        settings = settings_in(folder / "exports")
        keys = load_keys(settings)
        assert isinstance(keys, Keys)
        async with open_product(url, keys, hashing=CHEAP) as product:
            place = Place(product, settings)
            owner_id = await fill(place)
            machine = await describe(url, folder)
            async with worker_process(url, settings) as worker:
                idle = peak_memory(worker)
                data = settings.data_dir
                asked = Plain(url, owner_id, str(data / "files"), str(data / "plain.zip"))
                for number in range(ROUNDS + 1):
                    of_plain, made = await plainly(asked), await export(place, owner_id)
                    if number:  # in the first everything is read for the first time
                        plain.append(of_plain)
                        ours.append(made)
                peak = peak_memory(worker)
    ratios = [p.seconds / o.seconds for p, o in zip(plain, ours, strict=True)]
    table = Table("measured", "export", "plain script", "ratio", "target", "lowest..highest")
    table.add_row(
        f"{POSTS:,} posts of {POST_BYTES // 1024} KB, {FILES} files of {FILE_BYTES >> 20} MB",
        f"{statistics.median(o.seconds for o in ours):.2f} s",
        f"{statistics.median(p.seconds for p in plain):.2f} s",
        f"{statistics.median(ratios):.2f}x",
        f"{TARGET}x",
        f"{min(ratios):.2f}x..{max(ratios):.2f}x",
    )
    table.add_row("  size of the ZIP", f"{ours[0].size >> 20} MiB", f"{plain[0].size >> 20} MiB")
    waited = statistics.median(o.with_waiting for o in ours)
    table.add_row("  from the request on, without a broker", f"{waited:.2f} s")
    table.add_row("  peak memory of the worker", f"{peak}, {idle} idle", "", "", MEMORY_TARGET)
    console = Console(width=120)
    console.print(table)
    console.print(machine, highlight=False)


async def fill(place: Place) -> UUID:
    """Make somebody with posts of words and files of random bytes."""
    chances = random.Random(1)  # noqa: S311 - repeatable
    words = ["".join(chances.choices("etaoinshrdlu", k=chances.randint(2, 9))) for _ in range(5000)]
    owner_id = await place.person()
    for first in range(0, POSTS, _AT_ONCE):
        texts = [" ".join(chances.choices(words, k=POST_BYTES // 4)) for _ in range(_AT_ONCE)]
        await asyncio.gather(
            *(
                place.post(owner_id, f"Post {first + number}", text[:POST_BYTES])
                for number, text in enumerate(texts)
            )
        )
    for number in range(FILES):
        await place.file(owner_id, some_bytes(FILE_BYTES, number), f"{number}.pdf")
    return owner_id


async def plainly(asked: Plain) -> PlainDone:
    """Run the plain script."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.plain_export", stdin=PIPE, stdout=PIPE
    )
    output, _ = await process.communicate(msgspec.json.encode(asked) + b"\n")
    return msgspec.json.decode(output, type=PlainDone)


async def export(place: Place, owner_id: UUID) -> Made:
    """Have one made by the worker; check it, and remove it."""
    begun = time.perf_counter()
    job_id = await place.request(owner_id)
    queries, database = place.product.job_queries, place.product.database

    async def over() -> bool:
        row = await queries.by_id(job_id)
        return row is not None and not row.open

    assert await eventually(over, within=120)
    waited = time.perf_counter() - begun
    row = await queries.by_id(job_id)
    assert row is not None
    assert row.status is JobStatus.COMPLETED
    assert row.result is not None
    [(seconds,)] = await database.fetch(
        "select extract(epoch from max(recorded_at) - max(recorded_at) filter (where version = $2))"
        "::float from events where category = 'job' and stream_id = $1",
        job_id,
        row.token,
    )
    verified = await asyncio.to_thread(verify_export, place.folder / str(row.result["file"]))
    assert verified.mismatches == []
    await end_export(place.exports, caller(), job_id, owner_id)
    return Made(seconds, waited, int(row.result["size"]))


@asynccontextmanager
async def worker_process(url: str, settings: Settings) -> AsyncIterator[Process]:
    """Run a worker as operators do, until the end of the block."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "infra.cli", "worker"),
        env={
            "PATH": os.environ["PATH"],
            "LEDGERPRESS_DATABASE_URL": url,
            "LEDGERPRESS_DATA_DIR": str(settings.data_dir),
        },
        stderr=PIPE,
    )
    assert process.stderr is not None
    while line := await process.stderr.readline():
        if line == b"working\n":
            break
    assert line, "the worker could not start"
    logged = asyncio.create_task(process.stderr.read())
    try:
        yield process
    finally:
        process.terminate()
        await logged
        await process.wait()


if __name__ == "__main__":
    sys.exit(uvloop.run(main()))
