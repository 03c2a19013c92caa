"""Exports in a bucket: written, downloaded by ranges, verified, expired and swept as in a folder.

The store by itself is specified in `test_export_stores.py`; this is the product on it.
"""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from commands.exports import file_name
from commands.file_store import BlobMissingError
from commands.jobs import change_job
from domain.job import JobStatus
from domain.job_decisions import Start
from infra.exports.verifying import Verified, verify_export
from tests.http.test_exports import link_of, ready
from tests.support.exporting import Place, a_place, caller
from tests.support.http import problem
from tests.support.own_bucket import BUCKET, Bucket, own_bucket
from tests.support.product import running_api
from tests.support.waiting import eventually
from tests.workers.test_jobs import row, stands, tags, working
from workers.exports import expire_due, sweep

PREFIX = "some/prefix"
URL = f"s3://{BUCKET}/{PREFIX}"


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """Serve an empty bucket, and let the environment name it."""
    with own_bucket() as bucket:
        for name, value in bucket.variables.items():
            monkeypatch.setenv(name, value)
        yield bucket


@pytest.fixture
async def place(database_url: str, tmp_path: Path, bucket: Bucket) -> AsyncIterator[Place]:
    """Open the product on an empty log; files and exports are in the bucket."""
    assert not bucket.objects
    async with a_place(database_url, tmp_path, STORAGE_URL=URL) as place:
        yield place


def exports_in(bucket: Bucket) -> dict[str, bytes]:
    """Give the exports in a bucket."""
    folder = f"{PREFIX}/exports/"
    return {
        key.removeprefix(folder): content
        for key, content in bucket.objects.items()
        if key.startswith(folder)
    }


def verified(content: bytes, folder: Path) -> Verified:
    """Check an export as whoever downloaded it does."""
    path = folder / "downloaded.zip"
    path.write_bytes(content)
    return verify_export(path)


async def test_one_is_made_of_files_in_the_bucket(
    place: Place, bucket: Bucket, tmp_path: Path
) -> None:
    """Small files and one of several pieces; it is there whole, and nothing else is left."""
    owner = await place.person()
    large = os.urandom(6_000_000)  # more than a part of what is sent
    for data in (b"small", large):
        await place.file(owner, data, "name.pdf")
    job_id = await place.request(owner)
    async with working(place.product, {"export": place.work}):
        assert await stands(place.product, job_id, JobStatus.COMPLETED)
    result = (await row(place.product, job_id)).result
    assert result is not None
    [(name, content)] = exports_in(bucket).items()
    found = verified(content, tmp_path)
    blob = await place.exports.store.open(name)

    assert (name, len(content)) == (result["file"], result["size"])
    assert (found.mismatches, found.position) == ([], result["position"])
    assert found.size > len(large)
    assert blob.size == len(content)
    assert await blob.read(5_000_000, 100) == content[5_000_000:5_000_100]
    assert await blob.read(len(content) - 10, 100) == content[-10:]
    assert await blob.read(len(content), 100) == b""
    assert not bucket.parts
    assert not any((tmp_path / "incoming").iterdir())


async def test_what_is_left_and_what_is_over_is_removed(place: Place, bucket: Bucket) -> None:
    """By the keeper: what no attempt and no result is, and later the result itself."""
    owner = await place.person()
    kept = await place.request(owner)
    async with working(place.product, {"export": place.work}):
        assert await stands(place.product, kept, JobStatus.COMPLETED)
    [served] = exports_in(bucket)
    running = await place.request(owner)
    await change_job(place.product.jobs, caller(), running, Start())
    under_way = file_name(running, 2)
    for name in (under_way, file_name(running, 1), file_name(kept, 9), "something else"):
        bucket.objects[f"{PREFIX}/exports/{name}"] = b"left"
    await sweep(place.exports.store, place.product.job_queries)
    swept = sorted(exports_in(bucket))
    await place.product.database.fetch(
        "update jobs set expires_at = now() - interval '1 s' where id = $1", kept
    )
    await expire_due(place.exports, place.product.job_queries, caller().at)

    assert swept == sorted([served, under_way, "something else"])
    assert sorted(exports_in(bucket)) == sorted([under_way, "something else"])
    assert (await tags(place.product, kept))[-1] == "expired"
    with pytest.raises(BlobMissingError):
        await place.exports.store.open(served)
    await place.exports.store.remove(served)  # it need not be there


async def test_a_bucket_that_refuses_fails_it(place: Place, bucket: Bucket) -> None:
    """With a reason that tells nothing of the inside, and to be tried again."""
    owner = await place.person()
    job_id = await place.request(owner)
    bucket.broken = True
    async with working(place.product, {"export": place.work}):

        async def failed_once() -> bool:
            return (await row(place.product, job_id)).reason is not None

        assert await eventually(failed_once)
    found = await row(place.product, job_id)

    assert (found.status, found.reason) == (JobStatus.QUEUED, "storage_unavailable")
    assert not exports_in(bucket)


async def test_it_is_downloaded_by_ranges(
    database_url: str, bucket: Bucket, tmp_path: Path
) -> None:
    """As from a folder: whole, from an offset on with its tag, and 416 past its end."""
    async with (
        running_api(database_url, variables={"STORAGE_URL": URL}) as api,
        ready(api, api.author) as location,
    ):
        link = await link_of(api.author, location)
        whole = await api.anonymous.get(link)
        tag = whole.headers["etag"]
        rest = await api.anonymous.get(link, headers={"Range": "bytes=100-", "If-Range": tag})
        past = await api.anonymous.get(link, headers={"Range": "bytes=999999999-"})
        found = verified(whole.content, tmp_path)
        [content] = exports_in(bucket).values()
        removed = await api.author.delete(location)
        gone = await api.anonymous.get(link)

    assert (whole.status_code, whole.content) == (200, content)
    assert found.mismatches == []
    assert (rest.status_code, rest.content) == (206, content[100:])
    assert past.status_code == 416
    assert past.headers["content-range"] == f"bytes */{len(content)}"
    assert removed.status_code == 204
    problem(gone, 410, "job_expired")
    assert not exports_in(bucket)
