"""The projector when its process is killed or paused, or there are two, or the database goes."""

import asyncio
import random
import signal
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path

import pytest

from domain.post import Published
from domain.stream import Stream
from infra.projections.projector_store import LEASE_SECONDS
from projections.status import State
from tests.support.log import CREATED, Log, a_stream, append, connected, numbered, open_log, until
from tests.support.own_postgres import own_postgres
from tests.support.processes import Process, running
from tests.support.projecting import (
    ACTIVITY,
    BY_PROJECTOR,
    caught_up,
    expire_lease,
    folded,
    rows_of,
    status_of,
)

SEEDS = range(2)


def projector(url: str, folder: Path) -> AbstractAsyncContextManager[Process]:
    """Run a projector until the end of the block, or of itself."""
    settings = {"LEDGERPRESS_DATABASE_URL": url, "LEDGERPRESS_DATA_DIR": str(folder)}
    return running("infra.cli", "projector", says="projecting", settings=settings)


async def fill(log: Log, posts: int, edits: int = 3) -> list[Stream]:
    """Append histories of posts."""
    streams = [a_stream() for _ in range(posts)]
    for stream in streams:
        texts = [numbered(number, size=500) for number in range(edits)]
        await log.store.append(append(stream, CREATED, *texts, Published()))
    return streams


async def agree(log: Log) -> None:
    """Require of both projections that they are what the log gives."""
    for projection in BY_PROJECTOR:
        assert await rows_of(log, projection) == await folded(log, projection)


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_killed_one_leaves_rows_and_checkpoint_that_agree(
    log: Log, database_url: str, tmp_path: Path, seed: int
) -> None:
    """Whenever it is killed, and the next one goes on from there."""
    await fill(log, 300)
    seconds = random.Random(seed).uniform(0, 0.4)  # noqa: S311 - a moment, not a secret
    async with projector(database_url, tmp_path) as killed:
        await asyncio.sleep(seconds)  # the moment is what the test is about
        killed.send(signal.SIGKILL)
        await killed.ended()
    left = [
        (await rows_of(log, each), await folded(log, each, (await status_of(log, each)).position))
        for each in BY_PROJECTOR
    ]
    for projection in BY_PROJECTOR:
        await expire_lease(log, projection)
    async with projector(database_url, tmp_path):
        await caught_up(log)

    assert [rows for rows, _ in left] == [expected for _, expected in left]
    await agree(log)


async def test_a_dead_one_is_told_of_and_taken_over_from(
    log: Log, database_url: str, tmp_path: Path
) -> None:
    """It shows as stopped within five seconds; another leads as soon as the lease is over."""
    clock = asyncio.get_running_loop().time
    async with AsyncExitStack() as processes:
        first = await processes.enter_async_context(projector(database_url, tmp_path))
        await fill(log, 1)
        await caught_up(log)
        await processes.enter_async_context(projector(database_url, tmp_path))
        first.send(signal.SIGKILL)
        await first.ended()
        died = clock()
        await fill(log, 1)

        async def shows() -> bool:
            found = [await status_of(log, projection) for projection in BY_PROJECTOR]
            return all(each.state is State.STOPPED and each.lag_events for each in found)

        await until(shows, 5)
        await until(lambda: _level(log), 10)
        taken_over = clock() - died

    assert taken_over < 3 * LEASE_SECONDS
    await agree(log)


async def _level(log: Log) -> bool:
    return all([(await status_of(log, each)).state is State.CURRENT for each in BY_PROJECTOR])


async def test_a_paused_one_that_wakes_is_fenced_off(
    log: Log, database_url: str, tmp_path: Path
) -> None:
    """It holds up nobody while it sleeps, in whatever moment, and writes nothing afterwards."""
    async with projector(database_url, tmp_path) as paused:
        filling = asyncio.create_task(fill(log, 200))
        await asyncio.sleep(0.05)  # in the middle of its work
        paused.send(signal.SIGSTOP)
        await filling
        for projection in BY_PROJECTOR:
            await expire_lease(log, projection)
        async with projector(database_url, tmp_path) as successor:
            await caught_up(log)
            epochs = await log.database.fetch(
                "select name, epoch, leader from projections order by name"
            )
            paused.send(signal.SIGCONT)
            await fill(log, 50)
            await caught_up(log)
            await agree(log)
            later = await log.database.fetch(
                "select name, epoch, leader from projections order by name"
            )
            successor.send(signal.SIGTERM)
            code = await successor.ended()

    assert code == 0
    assert [tuple(row) for row in later] == [tuple(row) for row in epochs]


async def test_two_at_once_and_either_may_go(log: Log, database_url: str, tmp_path: Path) -> None:
    """One that is stopped in order hands over at once, without waiting for its lease."""
    async with (
        projector(database_url, tmp_path) as first,
        projector(database_url, tmp_path) as second,
    ):
        await fill(log, 20)
        await caught_up(log)
        first.send(signal.SIGTERM)
        assert await first.ended() == 0
        await fill(log, 20)
        begun = asyncio.get_running_loop().time()
        await caught_up(log)
        seconds = asyncio.get_running_loop().time() - begun
        second.send(signal.SIGTERM)
        assert await second.ended() == 0

    assert seconds < LEASE_SECONDS
    await agree(log)


async def test_a_long_transaction_elsewhere_stalls_nothing(
    log: Log, database_url: str, tmp_path: Path
) -> None:
    """Neither in this database, where it reads the same tables, nor in another."""
    async with connected(database_url) as idle, projector(database_url, tmp_path):
        await idle.execute("begin isolation level repeatable read")
        await idle.execute("select count(*) from post_search, activity, projections, events")
        await idle.execute("select txid_current()")
        await fill(log, 20)
        await caught_up(log)
        await idle.execute("rollback")

    assert (await status_of(log, ACTIVITY)).lag_events == 0
    await agree(log)


async def test_it_outlives_the_database(tmp_path: Path) -> None:
    """Restarted, killed or paused: it goes on by itself, and nothing is missing or twice."""
    async with (
        own_postgres() as postgres,
        open_log(postgres.url) as log,
        projector(postgres.url, tmp_path) as process,
    ):
        await fill(log, 30)
        await caught_up(log)
        await postgres.stop()
        await postgres.start()
        await until(lambda: _appended(log), 10)
        await caught_up(log)
        await postgres.kill()
        await postgres.start()
        await until(lambda: _appended(log), 10)
        await caught_up(log)
        postgres.pause()
        await asyncio.sleep(1.5)  # longer than any query of the projector may take
        postgres.resume()
        await until(lambda: _appended(log), 10)
        await until(lambda: _level(log), 10)

        await agree(log)
        process.send(signal.SIGTERM)
        assert await process.ended() == 0


async def _appended(log: Log) -> bool:
    """Append a post, if the database is back."""
    try:
        await fill(log, 1)
    except Exception:  # noqa: BLE001 - whatever an outage raises
        return False
    return True
