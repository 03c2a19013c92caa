"""Removes blobs that nobody wants: those of failed uploads, of deleted files, and orphans.

Whoever removes a blob holds its lock until the object is gone, and whoever is about to use one
takes the lock to say so (`settle_hold`, migration 0008). So a blob never goes from under a file, in
whatever order the two come.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias
from uuid import UUID

from commands.file_store import BlobStore, UnusedBlob
from infra.postgres import Database
from projections.database import load_queries
from projections.write import Table

if TYPE_CHECKING:
    import asyncpg
    from asyncpg.pool import PoolConnectionProxy

    Connection: TypeAlias = PoolConnectionProxy[asyncpg.Record]

QUERIES = load_queries(Path(__file__).with_name("holds.sql"))
UNUSED_BLOBS = Table("unused_blobs", ("digest", "file_id", "since"), key_columns=2)


class BlobRemoval:
    """See `commands.file_store.UnusedBlobs`."""

    def __init__(self, database: Database, store: BlobStore) -> None:
        self._database = database
        self._store = store

    async def unused(self, most: int) -> Sequence[UnusedBlob]:
        """List blobs that files have stopped using, the longest unused first."""
        rows = await self._database.fetch(QUERIES["unused_blobs"], most)
        return [UnusedBlob(digest, tuple(file_ids)) for digest, file_ids in rows]

    async def settle(self, blob: UnusedBlob) -> bool:
        """Remove it unless somebody wants it; tell whether it was removed."""
        async with self._locked(blob.digest) as connection:
            removed = await self._remove_unwanted(connection, blob.digest)
            await connection.execute(QUERIES["settle_unused"], blob.digest, blob.file_ids)
            return removed

    async def remove_unwanted(self, digest: str) -> bool:
        """Remove any blob unless somebody wants it; tell whether it was removed."""
        async with self._locked(digest) as connection:
            return await self._remove_unwanted(connection, digest)

    async def end(self, upload_id: UUID, digest: str | None, *, expired: bool = False) -> bool:
        """End an upload's hold, and remove what it held unless somebody else wants it.

        Nothing happens to what was recorded: then there is no hold any more. Tell whether there
        was one; with `expired` only one whose time is over counts.
        """
        query = QUERIES["end_expired_hold" if expired else "end_hold"]
        if digest is None:
            return bool(await self._database.fetch(query, upload_id))
        async with self._locked(digest) as connection:
            ended = await connection.fetch(query, upload_id)
            if ended:
                await self._remove_unwanted(connection, digest)
            return bool(ended)

    async def end_expired(self, most: int) -> int:
        """End uploads whose time is over, with what they left; tell how many."""
        rows = await self._database.fetch(QUERIES["expired_holds"], most)
        for upload_id, digest in rows:
            await self._store.remove_incoming(upload_id)
            await self.end(upload_id, digest, expired=True)
        return len(rows)

    async def clear_incoming(self) -> int:
        """Remove what is at the temporary place of uploads that are no more; tell how many.

        An upload has its hold before it has anything there.
        """
        left = await self._store.left_behind()
        gone = set(left) - await self.held(left)
        for upload_id in gone:
            await self._store.remove_incoming(upload_id)
        return len(gone)

    async def held(self, uploads: Sequence[UUID]) -> set[UUID]:
        """Tell which of these uploads are under way."""
        rows = await self._database.fetch(QUERIES["held_uploads"], uploads) if uploads else []
        return {row[0] for row in rows}

    @asynccontextmanager
    async def _locked(self, digest: str) -> "AsyncIterator[Connection]":
        """Hold the lock of a blob until the block ends, in a transaction."""
        async with self._database.connection() as connection, connection.transaction():
            await connection.execute(QUERIES["lock_blob"], digest)
            yield connection

    async def _remove_unwanted(self, connection: "Connection", digest: str) -> bool:
        if await connection.fetchval(QUERIES["blob_is_wanted"], digest):
            return False
        await self._store.remove(digest)
        return True
