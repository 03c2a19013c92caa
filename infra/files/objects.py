"""Blobs in a store that speaks the protocol of S3, reached by obstore.

Credentials, region and endpoint come from the usual variables (`AWS_ACCESS_KEY_ID`,
`AWS_SECRET_ACCESS_KEY`, `AWS_REGION`, `AWS_ENDPOINT_URL`, ...). Uploads gather in a file of this
machine's that has no name, so that it is gone with its process; only what was found good is sent.
"""

import os
import tempfile
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO, cast
from uuid import UUID

import obstore
from obstore.store import S3Store, from_url

from commands.file_store import BlobMissingError, Inspected, Received, Unfit
from commands.images import ImageFault
from infra.files.errors import storage_errors
from infra.files.gathering import Gathering

THREADS = 8
_PART_BYTES = 5 * 1024 * 1024
"""The smallest part that S3 takes."""
_PARTS_AT_ONCE = 2
_BLOBS = "sha256"


class ObjectStore:
    """See `commands.file_store.BlobStore`."""

    def __init__(self, url: str, spool: Path) -> None:
        """Keep blobs below an address such as `s3://bucket/prefix`; `spool` is a folder."""
        self._spool = spool
        self._store = open_bucket(url)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="files")

    async def incoming(self, upload_id: UUID) -> "Spool":  # noqa: ARG002 - it has no name
        """Begin to take bytes."""
        return Spool(self._store, self._spool, self._threads)

    async def open(self, digest: str) -> "ObjectBlob":
        """Open a blob: only its size is asked for yet."""
        with storage_errors():
            try:
                found = await obstore.head_async(self._store, blob_key(digest))
            except FileNotFoundError as error:
                raise BlobMissingError(digest) from error
        return ObjectBlob(self._store, digest, found["size"])

    async def remove(self, digest: str) -> None:
        """Remove a blob; it need not be there."""
        with storage_errors():
            try:
                await obstore.delete_async(self._store, blob_key(digest))
            except FileNotFoundError:
                return

    async def list(self) -> AsyncIterator[str]:
        """Go through the digests of all blobs, a page at a time."""
        with storage_errors():
            async for page in obstore.list(self._store, _BLOBS):
                for found in page:
                    yield found["path"].rpartition("/")[2]

    async def left_behind(self) -> Sequence[UUID]:
        """Name nobody: what has no name is gone with its process."""
        return ()

    async def remove_incoming(self, upload_id: UUID) -> None:
        """Do nothing, for the same reason."""


class Spool:
    """See `commands.file_store.Incoming`."""

    def __init__(self, store: S3Store, folder: Path, threads: Executor) -> None:
        self._store = store
        self._gathering = Gathering(lambda: nameless(folder), threads)

    async def write(self, data: bytes | bytearray) -> None:
        """Add bytes."""
        await self._gathering.write(data)

    async def finish(self) -> Received:
        """Write what is left."""
        return await self._gathering.finish()

    def inspect(self) -> Inspected | Unfit | ImageFault:
        """Tell what the bytes are."""
        return self._gathering.inspect()

    async def keep(self, digest: str) -> None:
        """Send the bytes. The object appears when all of them are there, or stays the same."""
        file = self._gathering.file
        assert file is not None  # noqa: S101 - it is finished first
        file.seek(0)
        with storage_errors():
            await obstore.put_async(
                self._store,
                blob_key(digest),
                file,
                chunk_size=_PART_BYTES,
                max_concurrency=_PARTS_AT_ONCE,
            )

    async def abort(self) -> None:
        """Let go of the file."""
        await self._gathering.settled()
        file = self._gathering.file
        if file is not None:
            await self._gathering.run(file.close)


class ObjectBlob:
    """See `commands.file_store.Blob`."""

    descriptor: int | None = None

    def __init__(self, store: S3Store, digest: str, size: int) -> None:
        self.size = size
        self._store = store
        self._key = blob_key(digest)

    async def read(self, offset: int, length: int) -> memoryview:
        """Ask for a range."""
        end = min(offset + length, self.size)
        if offset >= end:
            return memoryview(b"")
        with storage_errors():
            return memoryview(
                await obstore.get_range_async(self._store, self._key, start=offset, end=end)
            )

    def close(self) -> None:
        """Do nothing: no connection is kept."""


def open_bucket(url: str) -> S3Store:
    """Open an address such as `s3://bucket/prefix`."""
    store = from_url(
        url,
        client_options={
            "timeout": "30 seconds",
            "connect_timeout": "3 seconds",
            # Options given here replace those of the environment.
            "allow_http": os.environ.get("AWS_ALLOW_HTTP", "").lower() in {"1", "true"},
        },
        retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=10)},
    )
    assert isinstance(store, S3Store)  # noqa: S101 - the settings take no other scheme
    return store


def blob_key(digest: str) -> str:
    """Give the key of a blob."""
    return f"{_BLOBS}/{digest[:2]}/{digest}"


def nameless(folder: Path) -> BinaryIO:
    """Open a file that is gone when it is closed, or its process dies."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return cast(BinaryIO, tempfile.TemporaryFile(buffering=0, dir=folder))
