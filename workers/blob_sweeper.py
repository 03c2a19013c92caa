"""The sweeper: removes blobs that nobody uses any more, and what broken uploads left.

Several may run at once: each removal is done under the lock of the blob.
"""

import asyncio

import structlog

from commands.file_store import StorageUnavailableError, UnusedBlobs
from workers.periodic import repeat

EVERY_SECONDS = 10.0
AT_ONCE = 100

_log = structlog.stdlib.get_logger("ledgerpress.files")


async def run_blob_sweeper(
    blobs: UnusedBlobs, *, stop: asyncio.Event, every_seconds: float = EVERY_SECONDS
) -> None:
    """Sweep, and again after each pause, until `stop` is set."""

    async def tick() -> None:
        try:
            await sweep(blobs, stop)
        except StorageUnavailableError as error:
            _log.warning("the place of the files does not answer", why=str(error))

    await repeat(tick, name="blob sweeper", every_seconds=every_seconds, stop=stop)


async def sweep(blobs: UnusedBlobs, stop: asyncio.Event | None = None) -> int:
    """Remove all that can be removed now; tell how many blobs of deleted files it was."""
    while await blobs.end_expired(AT_ONCE) >= AT_ONCE and not _over(stop):
        pass
    await blobs.clear_incoming()
    removed = 0
    while not _over(stop):
        unused = await blobs.unused(AT_ONCE)
        for blob in unused:
            removed += await blobs.settle(blob)
        if len(unused) < AT_ONCE:
            break
    return removed


def _over(stop: asyncio.Event | None) -> bool:
    return stop is not None and stop.is_set()
