"""Blobs in a store that speaks the protocol of S3: see `infra/files/s3.py`.

Uploads gather in a file of this machine's; only what was found good is sent.
"""

from collections.abc import AsyncIterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

from obstore.store import S3Store

from commands.file_store import Inspected, Received, Unfit
from commands.images import ImageFault
from infra.files.gathering import Gathering
from infra.files.s3 import (
    StoredObject,
    nameless,
    names_in,
    open_bucket,
    open_object,
    remove_object,
    send,
)

THREADS = 8
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

    async def open(self, digest: str) -> StoredObject:
        """Open a blob."""
        return await open_object(self._store, blob_key(digest))

    async def remove(self, digest: str) -> None:
        """Remove a blob; it need not be there."""
        await remove_object(self._store, blob_key(digest))

    def list(self) -> AsyncIterator[str]:
        """Go through the digests of all blobs, a page at a time."""
        return names_in(self._store, _BLOBS)

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
        await send(self._store, blob_key(digest), file)

    async def abort(self) -> None:
        """Let go of the file."""
        await self._gathering.settled()
        file = self._gathering.file
        if file is not None:
            await self._gathering.run(file.close)


def blob_key(digest: str) -> str:
    """Give the key of a blob."""
    return f"{_BLOBS}/{digest[:2]}/{digest}"
