"""The example in the docs, run as it is."""

import asyncio
import sqlite3
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from domain.post import Edited
from infra.embedded.nats import connected_once
from infra.relay.documents import FOLDER
from infra.relay.stream import STREAM
from tests.support.log import CREATED, Log, a_stream, append
from tests.support.relaying import relayed, relaying
from tests.support.waiting import eventually


@asynccontextmanager
async def subscriber(url: str, file: Path) -> AsyncIterator[None]:
    """Run the example; at the end it is killed, as it keeps nothing in memory."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(FOLDER / "subscriber.py"), url, str(file)
    )
    try:
        yield
        assert process.returncode is None
    finally:
        process.kill()
        await process.wait()


def kept(file: Path) -> Mapping[str, str]:
    """Read what it has made of the events."""
    try:
        with sqlite3.connect(file) as database:
            return dict(database.execute("select post, title from titles"))
    except sqlite3.OperationalError:  # it has not begun
        return {}


async def test_it_keeps_the_newest_title_of_each_post(
    log: Log, nats_url: str, tmp_path: Path
) -> None:
    """Killed and begun anew, with everything delivered twice, and after the stream was removed."""
    file = tmp_path / "titles.sqlite"
    expected: dict[str, str] = {}

    async def write(posts: int) -> None:
        for number in range(posts):
            stream, title = a_stream(), f"Title {number} of {posts}"
            await log.store.append(append(stream, CREATED, Edited(title=title)))
            expected[f"post/{stream.id}"] = title

    async def up_to_date() -> bool:
        return kept(file) == expected

    async with relaying(log, nats_url):
        await write(30)
        async with subscriber(nats_url, file):
            assert await eventually(up_to_date)
        await write(20)
        async with connected_once(nats_url, 5) as client:
            # Its consumer is made again, and begins with the first message.
            await client.jetstream().delete_consumer(STREAM, "titles")
        async with subscriber(nats_url, file):
            assert await eventually(up_to_date)
            async with connected_once(nats_url, 5) as client:
                await client.jetstream().delete_stream(STREAM)
            await write(10)
            await relayed(log)
            assert await eventually(up_to_date, within=20)

    with sqlite3.connect(file) as database:
        seen = database.execute("select count(*) from seen").fetchone()
    assert seen == (120,)
