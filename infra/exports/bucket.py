"""Exports in a store that speaks the protocol of S3: see `infra/files/s3.py`.

An export gathers in a file of this machine's that has no name, and is sent when it is whole.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from obstore.store import S3Store

from commands.exports import Listed, Member, Written
from infra.exports.zip_writing import write_zip
from infra.files.errors import storage_errors
from infra.files.s3 import StoredObject, nameless, names_in, open_object, remove_object, send

_FOLDER = "exports"


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
            await send(self._store, _key(name), file)
        return written

    async def open(self, name: str) -> StoredObject:
        """Open an export."""
        return await open_object(self._store, _key(name))

    async def remove(self, name: str) -> None:
        """Remove an export; it need not be there."""
        await remove_object(self._store, _key(name))

    async def names(self) -> Sequence[str]:
        """List the exports."""
        return [name async for name in names_in(self._store, _FOLDER)]


def _key(name: str) -> str:
    return f"{_FOLDER}/{name}"
