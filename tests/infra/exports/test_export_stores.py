"""One contract for every place where exports are kept: a folder, and a store that speaks S3."""

import hashlib
import io
import os
import zipfile
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from commands.exports import ExportStore, Listed, Member
from commands.file_store import BlobMissingError, StorageUnavailableError
from infra.exports.open import open_export_store
from tests.support.own_bucket import BUCKET, Bucket, own_bucket
from tests.support.services import settings_in

AT = datetime(2026, 3, 1, tzinfo=UTC)
LARGE = os.urandom(6 * 1024 * 1024)
"""More than one part of what a bucket is sent."""


@pytest.fixture(scope="module")
def bucket() -> Iterator[Bucket]:
    """Serve a bucket."""
    with own_bucket() as bucket:
        yield bucket


@pytest.fixture(params=["folder", "bucket"])
def store(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    bucket: Bucket,
    monkeypatch: pytest.MonkeyPatch,
) -> ExportStore:
    """Give each kind of store, empty."""
    if request.param == "folder":
        return open_export_store(settings_in(tmp_path))
    for name, value in bucket.variables.items():
        monkeypatch.setenv(name, value)
    bucket.objects.clear()
    bucket.broken = False
    return open_export_store(settings_in(tmp_path, STORAGE_URL=f"s3://{BUCKET}/some/prefix"))


async def _members(_: Sequence[Listed]) -> AsyncIterator[Member]:
    yield Member("small.json", AT, b"{}")
    yield Member("media/large.bin", AT, LARGE)


async def _broken_members(_: Sequence[Listed]) -> AsyncIterator[Member]:
    yield Member("small.json", AT, b"{}")
    raise ZeroDivisionError


async def _read(store: ExportStore, name: str) -> bytes:
    blob = await store.open(name)
    try:
        pieces = [await blob.read(at, 1024 * 1024) for at in range(0, blob.size, 1024 * 1024)]
        return b"".join(pieces)
    finally:
        blob.close()


async def test_what_is_written_is_read(store: ExportStore) -> None:
    """It is a ZIP of the members, of the size and digest that were told, until it is removed."""
    written = await store.write("one", _members)
    read = await _read(store, "one")
    names = await store.names()
    await store.remove("one")

    with zipfile.ZipFile(io.BytesIO(read)) as unpacked:
        assert unpacked.namelist() == ["small.json", "media/large.bin"]
        assert unpacked.read("media/large.bin") == LARGE
    assert (written.size, written.sha256) == (len(read), hashlib.sha256(read).hexdigest())
    assert names == ["one"]
    assert await store.names() == []


def _files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_what_fails_leaves_nothing(store: ExportStore, tmp_path: Path) -> None:
    """No export, no part of one, no file of this machine's."""
    with pytest.raises(ZeroDivisionError):
        await store.write("one", _broken_members)

    assert await store.names() == []
    assert _files_below(tmp_path) == []


async def test_what_is_not_there(store: ExportStore) -> None:
    """It cannot be opened, and need not be there to be removed."""
    with pytest.raises(BlobMissingError):
        await store.open("one")
    await store.remove("one")

    assert await store.names() == []


@pytest.mark.parametrize("store", ["bucket"], indirect=True)
async def test_a_bucket_that_refuses(store: ExportStore, bucket: Bucket) -> None:
    """The storage is unavailable, whatever is asked of it, and there is no export."""
    bucket.broken = True
    with pytest.raises(StorageUnavailableError):
        await store.write("one", _members)
    with pytest.raises(StorageUnavailableError):
        await store.open("one")
    with pytest.raises(StorageUnavailableError):
        await store.names()
    bucket.broken = False

    assert await store.names() == []
