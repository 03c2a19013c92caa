"""Uploads of a blob beside its removal: in whatever order they come, no file loses its bytes.

The lock of the blob is held by the test, so that each order is made and none is left to luck.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from commands.file_store import UnusedBlob
from tests.support.log import connected
from tests.support.product import Api, running_api
from tests.support.uploading import NOTHING, a_png, kept, upload
from tests.support.waiting import eventually
from workers.blob_sweeper import sweep

LOCK_WAITERS = """
select count(*) from pg_locks
where locktype = 'advisory' and not granted
  and database = (select oid from pg_database where datname = current_database())
"""


@asynccontextmanager
async def locked(owner: asyncpg.Connection, digest: str) -> AsyncIterator[None]:
    """Hold the lock of a blob."""
    async with owner.transaction():
        await owner.execute("select lock_blob($1)", digest)
        yield


async def waiting(owner: asyncpg.Connection, count: int) -> None:
    """Wait until so many wait for a lock."""

    async def they_wait() -> bool:
        return bool(await owner.fetchval(LOCK_WAITERS) == count)

    assert await eventually(they_wait)


async def an_unused_blob(api: Api) -> UnusedBlob:
    """Upload a file and delete it; its blob is still there."""
    made = await upload(api.author)
    assert (await api.author.delete(made.headers["location"])).status_code == 204
    (blob,) = await api.stored.removal.unused(10)
    return blob


@pytest.mark.parametrize("removal_first", [True, False])
async def test_an_upload_beside_the_removal_of_the_same_bytes(
    database_url: str,
    removal_first: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """Whoever comes first to the lock: the new file has its bytes in the end."""
    async with running_api(database_url) as api, connected(database_url) as owner:
        blob = await an_unused_blob(api)
        async with locked(owner, blob.digest):
            if removal_first:
                removing = asyncio.ensure_future(api.stored.removal.settle(blob))
                await waiting(owner, 1)
            uploading = asyncio.ensure_future(upload(api.author))
            await waiting(owner, 1 + removal_first)
            if not removal_first:
                removing = asyncio.ensure_future(api.stored.removal.settle(blob))
                await waiting(owner, 2)
        removed, answer = await asyncio.gather(removing, uploading)

        assert removed is removal_first
        assert answer.status_code == 201
        after = await kept(api)
        assert (after.files, after.holds, after.blobs) == (1, 0, (blob.digest,))
        downloaded = await api.author.get(answer.headers["location"])
        assert (downloaded.status_code, downloaded.content) == (200, a_png())
        assert not await api.stored.removal.unused(10)


async def test_a_file_deleted_between_is_swept_later(database_url: str) -> None:
    """A removal that finds the bytes in use forgets only what it had seen: nothing leaks."""
    async with running_api(database_url) as api, connected(database_url) as owner:
        blob = await an_unused_blob(api)
        second = await upload(api.author)
        async with locked(owner, blob.digest):
            settling = asyncio.ensure_future(api.stored.removal.settle(blob))
            await waiting(owner, 1)
            await api.author.delete(second.headers["location"])
        await settling
        await sweep(api.stored.removal)

        assert await kept(api) == NOTHING


async def test_a_failed_upload_leaves_the_bytes_of_others(api: Api) -> None:
    """Its cleaning up removes nothing that a file has, nor what another upload holds."""
    made = await upload(api.author)
    async with (
        api.stored.uploads.begin(api.author.account_id) as first,
        api.stored.uploads.begin(api.author.account_id) as second,
    ):
        for one in (first, second):
            await one.write(a_png(9, 9))  # type: ignore[union-attr]  # there is room
            await one.finish()  # type: ignore[union-attr]  # as above
            assert await one.keep() is None  # type: ignore[union-attr]  # as above
        async with api.stored.uploads.begin(api.author.account_id) as third:
            await third.write(a_png())  # type: ignore[union-attr]  # as above
            await third.finish()  # type: ignore[union-attr]  # as above
            assert await third.keep() is None  # type: ignore[union-attr]  # as above
        during = await kept(api)
    after = await kept(api)

    assert (during.holds, len(during.blobs)) == (2, 2)
    assert (after.holds, len(after.blobs)) == (0, 1)
    assert (await api.author.get(made.headers["location"])).content == a_png()


async def test_the_last_of_two_files_takes_the_bytes_along(api: Api) -> None:
    """Deleting one of two files with the same bytes keeps them; deleting both does not."""
    first, second = await upload(api.author), await upload(api.second_author)
    await api.author.delete(first.headers["location"])
    await sweep(api.stored.removal)
    between = await kept(api)
    await api.second_author.delete(second.headers["location"])
    await sweep(api.stored.removal)

    assert (between.files, len(between.blobs)) == (1, 1)
    assert await kept(api) == NOTHING
