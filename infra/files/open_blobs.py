"""Keeps blobs open that were read a moment ago: opening one takes a thread, or another machine.

A blob never changes, so what is open is never stale; whether somebody may read it is asked before.
It is closed a while after it was opened, so that a removed blob gives its room back soon.
"""

import asyncio
from collections import OrderedDict

from commands.file_store import Blob, BlobStore

MOST_KEPT = 64
SECONDS_KEPT = 10.0


class KeptBlob:
    """An open blob and those who read it now."""

    def __init__(self, blob: Blob) -> None:
        self._blob = blob
        self.size = blob.size
        self.descriptor = blob.descriptor
        self.read = blob.read
        self.kept = True
        self._readers = 0

    def enter(self) -> None:
        """Count somebody who reads it."""
        self._readers += 1

    def close(self) -> None:
        """Count out somebody who read it."""
        self._readers -= 1
        self.close_if_unused()

    def close_if_unused(self) -> None:
        """Close it once nobody keeps or reads it any more."""
        if not self.kept and self._readers == 0:
            self._blob.close()


class KeptBlobs:
    """See `commands.file_store.OpenBlobs`: the blobs of a process that were opened last."""

    def __init__(
        self, store: BlobStore, *, most: int = MOST_KEPT, seconds: float = SECONDS_KEPT
    ) -> None:
        self._store = store
        self._most = most
        self._seconds = seconds
        self._kept: OrderedDict[str, KeptBlob] = OrderedDict()
        self._opening: dict[str, asyncio.Task[KeptBlob]] = {}

    async def take(self, digest: str) -> Blob:
        """Open a blob, or share an open one."""
        kept = self._kept.get(digest)
        if kept is None:
            kept = await self._open_once(digest)
        else:
            self._kept.move_to_end(digest)
        kept.enter()
        return kept

    async def _open_once(self, digest: str) -> KeptBlob:
        """Open it, once for all who ask meanwhile."""
        opening = self._opening.get(digest)
        if opening is None:
            opening = asyncio.create_task(self._open(digest))
            self._opening[digest] = opening
            opening.add_done_callback(lambda _: self._opening.pop(digest))
        return await asyncio.shield(opening)

    async def _open(self, digest: str) -> KeptBlob:
        kept = self._kept[digest] = KeptBlob(await self._store.open(digest))
        asyncio.get_running_loop().call_later(self._seconds, self._expire, digest, kept)
        if len(self._kept) > self._most:
            self._forget(next(iter(self._kept)))
        return kept

    def _expire(self, digest: str, kept: KeptBlob) -> None:
        if self._kept.get(digest) is kept:
            self._forget(digest)

    def _forget(self, digest: str) -> None:
        kept = self._kept.pop(digest)
        kept.kept = False
        kept.close_if_unused()
