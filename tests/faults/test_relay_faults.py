"""The relay when its process is killed or paused, or NATS is killed, paused, restarted or wiped."""

import asyncio
import random
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from infra.relay.relay_store import PAGE_ROWS
from projections.status import State
from tests.support.log import CREATED, Log, a_stream, append, numbered, until
from tests.support.own_nats import OwnNats, own_nats
from tests.support.processes import ROOT, Process, running
from tests.support.relaying import (
    all_positions,
    positions_published,
    relay_status,
    relayed,
    relaying,
)

SEEDS = range(2)


def relay(url: str, nats_url: str, folder: Path) -> AbstractAsyncContextManager[Process]:
    """Run a relay until the end of the block, or of itself."""
    settings = {
        "LEDGERPRESS_DATABASE_URL": url,
        "LEDGERPRESS_NATS_URL": nats_url,
        "LEDGERPRESS_DATA_DIR": str(folder),
    }
    return running("infra.cli", "relay", says="relaying", settings=settings)


async def fill(log: Log, posts: int, edits: int = 3) -> None:
    """Append histories of posts."""
    for _ in range(posts):
        texts = [numbered(number, size=300) for number in range(edits)]
        await log.store.append(append(a_stream(), CREATED, *texts))


async def expire_lease(log: Log) -> None:
    """Let the time of the leader's lease be over."""
    await log.database.fetch(
        "update projections set lease_until = clock_timestamp() - interval '1 second'"
        " where name = 'relay'"
    )


async def agree(log: Log, nats_url: str) -> None:
    """Require that exactly the events of the log are published, in its order."""
    assert await positions_published(nats_url) == await all_positions(log)


@pytest.fixture
async def nats() -> AsyncIterator[OwnNats]:
    """Run a NATS of the test's own."""
    async with own_nats() as nats:
        yield nats


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_killed_one_is_gone_on_from(
    log: Log, database_url: str, nats_url: str, tmp_path: Path, seed: int
) -> None:
    """Whenever it is killed: nothing is lost, nothing comes twice, nothing out of order."""
    await fill(log, 700)
    seconds = random.Random(seed).uniform(0, 0.15)  # noqa: S311 - a moment, not a secret
    async with relay(database_url, nats_url, tmp_path) as killed:
        await asyncio.sleep(seconds)  # the moment is what the test is about
        killed.send(signal.SIGKILL)
        await killed.ended()
    await expire_lease(log)
    async with relay(database_url, nats_url, tmp_path) as second:
        await fill(log, 20)
        await relayed(log)
        second.send(signal.SIGTERM)
        assert await second.ended() == 0

    await agree(log, nats_url)


async def test_one_that_dies_before_it_says_what_it_published(
    log: Log, database_url: str, nats_url: str
) -> None:
    """Killed between acknowledgement and checkpoint: what it published is not published again."""
    await fill(log, PAGE_ROWS // 2)  # two pages
    dying = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.faults.relay_until_killed", database_url, nats_url, "1"),
        cwd=ROOT,
    )
    async with asyncio.timeout(30):
        code = await dying.wait()
    checkpoint = (await relay_status(log)).position
    published = len(await positions_published(nats_url))
    await expire_lease(log)
    async with relaying(log, nats_url):
        await relayed(log)

    assert code == -signal.SIGKILL
    assert published > checkpoint == PAGE_ROWS
    await agree(log, nats_url)


async def test_a_paused_one_that_wakes_is_fenced_off(
    log: Log, database_url: str, nats_url: str, tmp_path: Path
) -> None:
    """Another leads while it sleeps; what it still has in hand goes nowhere."""
    async with relay(database_url, nats_url, tmp_path) as paused:
        filling = asyncio.create_task(fill(log, 400))
        await asyncio.sleep(0.05)  # in the middle of its work
        paused.send(signal.SIGSTOP)
        await filling
        await expire_lease(log)
        async with relaying(log, nats_url):
            await relayed(log)
            paused.send(signal.SIGCONT)
            await fill(log, 50)
            await relayed(log)
    await agree(log, nats_url)


async def test_nats_killed_restarted_and_paused(log: Log, nats: OwnNats) -> None:
    """The relay waits and goes on by itself, and it shows meanwhile."""
    async with relaying(log, nats.url):
        await fill(log, 50)
        await relayed(log)
        filling = asyncio.create_task(fill(log, 100))
        await nats.kill()
        await filling
        await nats.start()
        await relayed(log)
        await agree(log, nats.url)
        await nats.stop()
        await nats.start()
        await fill(log, 20)
        await relayed(log)
        nats.pause()
        await fill(log, 50)

        async def stalled() -> bool:
            return (await relay_status(log)).state is State.STALLED

        await until(stalled, 15)
        nats.resume()
        await relayed(log)

    await agree(log, nats.url)


async def test_a_wiped_nats(log: Log, nats: OwnNats) -> None:
    """The stream is made again without being asked for, and goes on after what it had before."""
    async with relaying(log, nats.url):
        await fill(log, 50)
        await relayed(log)
        await nats.kill()
        nats.wipe()
        await fill(log, 20)
        await nats.start()
        await relayed(log)
        await fill(log, 20)
        await relayed(log)

    assert await positions_published(nats.url) == (await all_positions(log))[200:]
