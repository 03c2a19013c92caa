"""Exports in a store that speaks the protocol of S3: see `infra/files/objects.py`.

An export gathers in a file of this machine's that has no name, and is sent when it is whole.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import obstore
from obstore.store import S3Store

from commands.exports import Listed, Member, Written
from commands.file_store import BlobMissingError
from infra.exports.zip_writing import write_zip
from infra.files.errors import storage_errors
from infra.files.objects import nameless

_FOLDER = "exports"
_PART_BYTES = 5 * 1024 * 1024
_PARTS_AT_ONCE = 2


class ExportBucket:
    """See `commands.exports.ExportStore`."""

    def __init__(self, store: S3Store, spool: Path) -> None:
        """Keep exports in a store; they gather in a folder of this machine's first."""
        self._store = store
        self._spool = spool

    async def write(
        self, name: str, members: Callable[[Sequence[Listed]], AsyncIterator[Member]]
    ) -> Written:
        """Write it here, then send it; the object appears when all of it is there."""
        with storage_errors(), await asyncio.to_thread(nameless, self._spool) as file:
            written = await write_zip(file, members)
            file.seek(0)
            await obstore.put_async(
                self._store,
                _key(name),
                file,
                chunk_size=_PART_BYTES,
                max_concurrency=_PARTS_AT_ONCE,
            )
        return written

    async def open(self, name: str) -> "ExportObject":
        """Open an export: only its size is asked for yet."""
        with storage_errors():
            try:
                found = await obstore.head_async(self._store, _key(name))
            except FileNotFoundError as error:
                raise BlobMissingError(name) from error
        return ExportObject(self._store, _key(name), found["size"])

    async def remove(self, name: str) -> None:
        """Remove an export; it need not be there."""
        with storage_errors():
            try:
                await obstore.delete_async(self._store, _key(name))
            except FileNotFoundError:
                return

    async def names(self) -> Sequence[str]:
        """List the exports."""
        with storage_errors():
            pages = [page async for page in obstore.list(self._store, _FOLDER)]
        return [found["path"].rpartition("/")[2] for page in pages for found in page]


class ExportObject:
    """See `commands.file_store.Blob`."""

    descriptor: int | None = None

    def __init__(self, store: S3Store, key: str, size: int) -> None:
        self.size = size
        self._store = store
        self._key = key

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


def _key(name: str) -> str:
    return f"{_FOLDER}/{name}"
