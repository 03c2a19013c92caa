"""Uploads: each has a hold from its first byte until it is recorded, and leaves nothing otherwise.

A process that dies leaves its holds, whose time runs out: then `workers/blob_sweeper.py` cleans up
in its place.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import structlog

from commands.file_store import (
    BlobStore,
    Busy,
    Incoming,
    Inspected,
    NoRoom,
    Received,
    StorageUnavailableError,
    Unfit,
)
from commands.images import ImageFault
from commands.ports import StoreUnavailableError, Write
from infra.files.removal import QUERIES, BlobRemoval
from infra.postgres import Database
from projections.write import Put, Table

HOLD_SECONDS = 900.0
"""How long a hold lasts without being extended."""
EXTEND_SECONDS = 120.0
MOST_UNDER_WAY = 64
"""Each may have a piece in memory, and what is received meanwhile: some 25 MB in all."""

_LOCK_SECONDS = 5.0
"""How long to wait for whoever removes the same blob at this moment."""

HOLD_RELEASES = Table("hold_releases", ("upload_id",), key_columns=1)
"""What is put here ends a hold: see the function `apply_hold_releases`."""

_log = structlog.stdlib.get_logger("ledgerpress.files")


class HeldUploads:
    """See `commands.file_store.Uploads`."""

    def __init__(
        self,
        database: Database,
        store: BlobStore,
        removal: BlobRemoval,
        *,
        new_id: Callable[[], UUID],
        quota: int,
    ) -> None:
        """Let each account have `quota` bytes."""
        self._database = database
        self._store = store
        self._removal = removal
        self._new_id = new_id
        self._quota = quota
        self._under_way = 0
        self.received_bytes = 0
        """Of all files that came whole, since the beginning."""
        self._ending: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def begin(
        self, owner_id: UUID, *, at_least: int = 0, counted: bool = True
    ) -> AsyncIterator["HeldUpload | NoRoom | Busy"]:
        """Begin an upload; on leaving it cleans up after itself unless it was recorded."""
        if counted and self._under_way >= MOST_UNDER_WAY:
            yield Busy()
            return
        self._under_way += 1
        try:
            upload_id = self._new_id()
            quota = self._quota if counted else None
            size = at_least if counted else 0
            taken = await self._database.fetch(
                QUERIES["take_hold"], upload_id, owner_id, size, quota, HOLD_SECONDS
            )
            if not taken:
                yield NoRoom(self._quota)
                return
            upload = HeldUpload(upload_id, self._database, quota)
            try:
                upload.incoming = await self._store.incoming(upload_id)
                yield upload
            finally:
                await self._to_the_end(self._clean_up(upload))
        finally:
            self._under_way -= 1

    async def _to_the_end(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it to its end, also when whoever waits for it is cancelled."""
        task = asyncio.create_task(work)
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)
        await asyncio.shield(task)

    @property
    def under_way(self) -> int:
        """How many there are at this moment."""
        return self._under_way

    async def _clean_up(self, upload: "HeldUpload") -> None:
        self.received_bytes += upload.received_bytes
        try:
            if upload.incoming is not None:
                await upload.incoming.abort()
            if not upload.is_recorded:
                await self._removal.end(upload.id, upload.digest)
        except (StoreUnavailableError, StorageUnavailableError) as error:
            _log.warning("an upload is left to the sweeper", upload=str(upload.id), why=str(error))


class HeldUpload:
    """See `commands.file_store.Upload`."""

    def __init__(self, upload_id: UUID, database: Database, quota: int | None) -> None:
        self.id = upload_id
        self.digest: str | None = None
        """Of the blob that is held; known once it is."""
        self.is_recorded = False
        self.incoming: Incoming | None = None
        self._database = database
        self._quota = quota
        self._clock = asyncio.get_running_loop().time
        self._extend_at = self._clock() + EXTEND_SECONDS
        self._received: Received | None = None

    @property
    def release(self) -> Write:
        """The row to write with the event that records the blob."""
        return Put(HOLD_RELEASES, (self.id,))

    @property
    def received_bytes(self) -> int:
        """How many, once it has come whole."""
        return 0 if self._received is None else self._received.size

    async def write(self, data: bytes | bytearray) -> None:
        """Add bytes, and say from time to time that the upload goes on."""
        if self._clock() >= self._extend_at:
            await self._database.fetch(QUERIES["extend_hold"], self.id, HOLD_SECONDS)
            self._extend_at = self._clock() + EXTEND_SECONDS
        await self._open.write(data)

    async def finish(self) -> Received:
        """Say that these were all."""
        self._received = await self._open.finish()
        return self._received

    def inspect(self) -> Inspected | Unfit | ImageFault:
        """Tell what the bytes are."""
        return self._open.inspect()

    async def keep(self) -> NoRoom | None:
        """Hold the blob and move it into place, unless the owner has no room for it."""
        received = self._received
        assert received is not None  # noqa: S101 - it is finished first
        # From here on a hold may name the digest, whatever is heard of it.
        self.digest = received.digest
        rows = await self._database.fetch(
            QUERIES["settle_hold"],
            self.id,
            received.digest,
            received.size,
            self._quota,
            HOLD_SECONDS,
            seconds=_LOCK_SECONDS,
        )
        match rows[0][0]:
            case "held":
                await self._open.keep(received.digest)
                return None
            case "full":
                assert self._quota is not None  # noqa: S101 - without one there is room
                return NoRoom(self._quota)
            case _:
                raise StorageUnavailableError("the upload took so long that its hold is over")

    def recorded(self) -> None:
        """Take note that there is nothing to clean up."""
        self.is_recorded = True

    @property
    def _open(self) -> Incoming:
        assert self.incoming is not None  # noqa: S101 - it is there while the upload is lent
        return self.incoming
