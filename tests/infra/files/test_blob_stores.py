"""One contract for every place where blobs are kept: a folder, and a store that speaks S3."""

import asyncio
import hashlib
import os
import resource
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from uuid_utils.compat import uuid7

from commands.file_store import (
    BlobMissingError,
    BlobStore,
    Incoming,
    Inspected,
    Received,
    StorageFullError,
    StorageUnavailableError,
    Unfit,
)
from domain.file_type import FileType
from infra.files.folder import FolderStore
from infra.files.gathering import PIECE_BYTES, Gathering
from infra.files.objects import ObjectStore
from infra.files.open import open_blob_store
from tests.support.own_bucket import BUCKET, Bucket, own_bucket
from tests.support.services import settings_in
from tests.support.uploading import a_png, filled

SIZES = (0, 1, PIECE_BYTES - 1, PIECE_BYTES, 3 * PIECE_BYTES + 17, 11 * 1024 * 1024)


class Place(msgspec.Struct, frozen=True):
    """A store, and what of it can be seen from outside."""

    store: BlobStore
    folder: Path
    bucket: Bucket | None

    def temporary(self) -> list[Path]:
        """List the files at the temporary place."""
        return [path for path in self.folder.rglob("incoming/*") if path.is_file()]


@pytest.fixture(scope="module")
def bucket() -> Iterator[Bucket]:
    """Serve a bucket."""
    with own_bucket() as bucket:
        yield bucket


@pytest.fixture(params=["folder", "bucket"])
def place(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    bucket: Bucket,
    monkeypatch: pytest.MonkeyPatch,
) -> Place:
    """Give each kind of store, empty."""
    if request.param == "folder":
        return Place(open_blob_store(settings_in(tmp_path)), tmp_path, None)
    for name, value in bucket.variables.items():
        monkeypatch.setenv(name, value)
    bucket.objects.clear()
    bucket.broken = False
    settings = settings_in(tmp_path, STORAGE_URL=f"s3://{BUCKET}/some/prefix")
    return Place(open_blob_store(settings), tmp_path, bucket)


async def _come_in(store: BlobStore, content: bytes) -> tuple[Incoming, Received]:
    incoming = await store.incoming(uuid7())
    for at in range(0, len(content), 100_000):
        await incoming.write(content[at : at + 100_000])
    return incoming, await incoming.finish()


async def _kept(store: BlobStore, content: bytes) -> str:
    incoming, received = await _come_in(store, content)
    await incoming.keep(received.digest)
    await incoming.abort()
    return received.digest


async def _all(store: BlobStore) -> list[str]:
    return sorted([digest async for digest in store.list()])


async def _read(store: BlobStore, digest: str) -> bytes:
    blob = await store.open(digest)
    try:
        return bytes(await blob.read(0, blob.size + 10))
    finally:
        blob.close()


def _sizes(folder: Path) -> list[int]:
    return [path.stat().st_size for path in folder.iterdir()]


@pytest.mark.parametrize("size", SIZES)
async def test_what_is_kept_is_read(place: Place, size: int) -> None:
    """Byte by byte, under the name of its digest, and nothing is left at the temporary place."""
    content = os.urandom(size)
    incoming, received = await _come_in(place.store, content)
    before = await _all(place.store)
    await incoming.keep(received.digest)
    await incoming.abort()

    assert received == Received(hashlib.sha256(content).hexdigest(), size)
    assert before == []
    assert await _all(place.store) == [received.digest]
    assert await _read(place.store, received.digest) == content
    assert place.temporary() == []


async def test_a_blob_is_read_in_parts(place: Place) -> None:
    """From any offset, no further than the end."""
    content = os.urandom(1_000)
    blob = await place.store.open(await _kept(place.store, content))

    assert blob.size == 1_000
    for offset, length in ((0, 1), (10, 20), (990, 10), (990, 100), (1_000, 1), (0, 1_000)):
        assert bytes(await blob.read(offset, length)) == content[offset : offset + length]
    blob.close()


async def test_the_same_bytes_are_kept_once(place: Place) -> None:
    """One after the other and at the same moment."""
    content = os.urandom(700_000)
    digests = {await _kept(place.store, content)}
    digests |= set(await asyncio.gather(*(_kept(place.store, content) for _ in range(8))))

    assert await _all(place.store) == list(digests)
    assert await _read(place.store, digests.pop()) == content


async def test_what_is_not_kept_leaves_nothing(place: Place) -> None:
    """Given up at any moment, also while a piece is being written."""
    for size in SIZES:
        incoming = await place.store.incoming(uuid7())
        await incoming.write(os.urandom(size))
        await incoming.abort()
        finished, _ = await _come_in(place.store, os.urandom(size))
        await finished.abort()

    assert await _all(place.store) == []
    assert place.temporary() == []
    assert not await place.store.left_behind()


async def test_what_is_removed_is_gone(place: Place) -> None:
    """Removing it again is no error; opening it is."""
    digest = await _kept(place.store, b"some bytes")
    await place.store.remove(digest)
    await place.store.remove(digest)

    assert await _all(place.store) == []
    with pytest.raises(BlobMissingError):
        await place.store.open(digest)


async def test_a_blob_says_what_it_is_before_it_is_kept(place: Place) -> None:
    """By its own bytes."""
    image, _ = await _come_in(place.store, filled(PIECE_BYTES * 2))
    text, _ = await _come_in(place.store, b"text")

    assert image.inspect() == Inspected(FileType.PNG, 3, 2)
    assert text.inspect() == Unfit()
    await image.abort()
    await text.abort()


@pytest.mark.parametrize("place", ["bucket"], indirect=True)
async def test_a_store_that_refuses_is_unavailable(place: Place) -> None:
    """Each call raises the error of the port; then it goes on."""
    assert place.bucket is not None
    digest = await _kept(place.store, b"some bytes")
    place.bucket.broken = True
    with pytest.raises(StorageUnavailableError):
        await place.store.open(digest)
    incoming, received = await _come_in(place.store, b"other bytes")
    with pytest.raises(StorageUnavailableError):
        await incoming.keep(received.digest)
    await incoming.abort()
    with pytest.raises(StorageUnavailableError):
        await place.store.remove(digest)
    place.bucket.broken = False

    assert await _read(place.store, digest) == b"some bytes"


async def test_a_blob_that_a_disk_cut_short_is_healed(tmp_path: Path) -> None:
    """The same bytes, uploaded again, take its place."""
    store = FolderStore(tmp_path)
    content = a_png()
    digest = await _kept(store, content)
    (tmp_path / "sha256" / digest[:2] / digest).write_bytes(content[:5])
    await _kept(store, content)

    assert await _read(store, digest) == content


async def test_an_open_blob_stays_readable(tmp_path: Path) -> None:
    """Whoever downloads it gets all of it, though it is removed meanwhile."""
    store = FolderStore(tmp_path)
    digest = await _kept(store, b"some bytes")
    blob = await store.open(digest)
    await store.remove(digest)

    assert await blob.read(0, 10) == b"some bytes"
    blob.close()


async def test_a_full_disk_says_so(tmp_path: Path) -> None:
    """At the latest when all bytes are there."""
    threads = FolderStore(tmp_path)._threads  # noqa: SLF001 - any will do
    with os.fdopen(os.open("/dev/full", os.O_WRONLY), "wb", buffering=0) as full:
        gathering = Gathering(lambda: full, threads)
        await gathering.write(b"x")
        with pytest.raises(StorageFullError):
            await gathering.finish()
        await gathering.settled()


async def test_a_file_is_never_cut_short(tmp_path: Path) -> None:
    """Where the kernel takes a part of one write and no more, the bytes are not received."""
    store = FolderStore(tmp_path)
    incoming = await store.incoming(uuid7())
    await incoming.write(os.urandom(PIECE_BYTES - 1))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (PIECE_BYTES // 2, before[1]))
    try:
        with pytest.raises(StorageFullError):
            await incoming.finish()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    written = _sizes(tmp_path / "incoming")
    await incoming.abort()

    assert written == [PIECE_BYTES // 2]
    assert _sizes(tmp_path / "incoming") == []


async def test_two_pieces_are_in_memory_at_most(tmp_path: Path) -> None:
    """Whoever sends faster than the disk takes waits."""
    threads = FolderStore(tmp_path)._threads  # noqa: SLF001 - any will do
    with (tmp_path / "slow").open("w+b", buffering=0) as file:
        gathering = Gathering(lambda: file, threads)
        for number in range(128):
            await gathering.write(b"x" * (64 * 1024 if number % 2 else 100))
            assert sum(map(len, gathering._gathered)) < PIECE_BYTES  # noqa: SLF001 - what this is about
        received = await gathering.finish()

    assert received.size == 4 * 1024 * 1024 + 6400


def test_the_settings_say_which_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder in DATA_DIR, another folder, or a bucket."""
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    elsewhere = settings_in(tmp_path, STORAGE_URL=f"file://{tmp_path}/else%20where")
    default = open_blob_store(settings_in(tmp_path))
    folder = open_blob_store(elsewhere)

    assert isinstance(default, FolderStore)
    assert isinstance(folder, FolderStore)
    assert (default._root, folder._root) == (tmp_path / "files", tmp_path / "else where")  # noqa: SLF001
    assert isinstance(open_blob_store(settings_in(tmp_path, STORAGE_URL="s3://a/b")), ObjectStore)
