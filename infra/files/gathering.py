"""Bytes on their way to disk: gathered into large pieces, written and hashed in a thread.

A hop to a thread costs as much as hashing 100 KB, so small pieces are put together first. While one
piece is written the next one gathers, and no more than these two are in memory. What is written is
hashed afterwards, while the disk works on it.
"""

import asyncio
import hashlib
import os
from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial
from typing import Any, BinaryIO, TypeVar

from commands.file_store import Inspected, Received, Unfit
from commands.images import ImageFault
from infra.files.errors import storage_errors
from infra.files.inspecting import inspect

PIECE_BYTES = 448 * 1024
"""Reached by two of the largest pieces that are received at once (256 KB)."""
SMALL_PIECE_BYTES = 192 * 1024
"""Reached by one: for when many come at once, so that together they take less memory."""
FEW = 8

_LARGE_BYTES = 32 * 1024

T = TypeVar("T")
Found = Inspected | Unfit | ImageFault


class Gathering:
    """Writes to a file of its own. One task at a time uses it, and settles it in the end."""

    under_way = 0
    """How many of this process have begun and are not settled."""

    def __init__(
        self, create: Callable[[], BinaryIO], threads: Executor, *, durable: bool = False
    ) -> None:
        """Write to what `create` opens, in a thread and not before there is something to write.

        `durable`: have the disk work on the bytes from their writing on, see `flushed`.
        """
        self._create = create
        self._begun = False
        self._durable = durable
        self._threads = threads
        self._file: BinaryIO | None = None
        self._hash = hashlib.sha256()
        self._size = 0
        self._gathered: list[bytes | bytearray] = []
        self._gathered_bytes = 0
        self._job: asyncio.Future[Any] | None = None
        self._flush: Future[None] | None = None
        self._found: Found | None = None

    @property
    def file(self) -> BinaryIO | None:
        """The file, if it was created and is not closed."""
        return None if self._file is None or self._file.closed else self._file

    async def write(self, data: bytes | bytearray) -> None:
        """Add bytes; what went wrong with earlier ones may be raised here."""
        self._gather(data)
        if not self._begun:
            self._begun = True
            Gathering.under_way += 1
        crowded = Gathering.under_way > FEW
        if self._gathered_bytes >= (SMALL_PIECE_BYTES if crowded else PIECE_BYTES):
            await self._wait()
            self._start(partial(self._append_early, self._taken()))
            if crowded:  # others keep the disk busy: no second piece of this one is in memory
                await self._wait()

    async def finish(self) -> Received:
        """Write what is left, and see what all of it is."""
        self._found = await self.run(partial(self._end, self._taken()))
        return Received(self._hash.hexdigest(), self._size)

    def inspect(self) -> Found:
        """Tell what the bytes are, once they are finished."""
        assert self._found is not None  # noqa: S101 - as is said
        return self._found

    async def run(self, work: Callable[[], T]) -> T:
        """Do something else in a thread; it goes on when whoever waits is cancelled."""
        await self._wait()
        job = self._start(work)
        with storage_errors():
            return await asyncio.shield(job)

    async def flushed(self) -> None:
        """Wait until all that is written is on disk for good; only where it was to be durable."""
        assert self._flush is not None  # noqa: S101 - it is finished first
        with storage_errors():
            await asyncio.shield(asyncio.wrap_future(self._flush))

    async def settled(self) -> None:
        """Wait until no thread is at it any more, whatever came of it."""
        if self._job is not None:
            await _over(self._job)
        if self._flush is not None:  # the job may have begun it
            await _over(asyncio.wrap_future(self._flush))
        self._job = self._flush = None
        if self._begun:
            self._begun = False
            Gathering.under_way -= 1

    def _start(self, work: Callable[[], T]) -> asyncio.Future[T]:
        job = asyncio.get_running_loop().run_in_executor(self._threads, work)
        self._job = job
        return job

    def _gather(self, data: bytes | bytearray) -> None:
        # What is large is not copied; what is small is put together.
        self._gathered_bytes += len(data)
        if len(data) >= _LARGE_BYTES:
            self._gathered.append(bytes(data))
            return
        last = self._gathered[-1] if self._gathered else None
        if isinstance(last, bytearray) and len(last) < _LARGE_BYTES:
            last += data
        else:
            self._gathered.append(bytearray(data))

    def _taken(self) -> list[bytes | bytearray]:
        taken, self._gathered, self._gathered_bytes = self._gathered, [], 0
        return taken

    def _append(self, parts: list[bytes | bytearray]) -> BinaryIO:
        if self._file is None:
            self._file = self._create()
        for part in parts:
            left = memoryview(part)
            while left:  # on a disk that is nearly full some of it is written first
                left = left[self._file.write(left) :]
            self._size += len(part)
        return self._file

    def _append_early(self, parts: list[bytes | bytearray]) -> None:
        at = self._size
        file = self._append(parts)
        if self._durable:
            # On Linux this sets the disk to work and waits for nothing, so that the flush at the
            # end finds little to do. Only clean pages would be dropped, and these are not.
            os.posix_fadvise(file.fileno(), at, self._size - at, os.POSIX_FADV_DONTNEED)
        self._digest(parts)

    def _end(self, parts: list[bytes | bytearray]) -> Found:
        file = self._append(parts)
        if self._durable:
            self._flush = self._threads.submit(os.fsync, file.fileno())
        self._digest(parts)  # while the disk works
        return inspect(file)

    def _digest(self, parts: list[bytes | bytearray]) -> None:
        for part in parts:
            self._hash.update(part)

    async def _wait(self) -> None:
        if self._job is not None:
            with storage_errors():
                # Shielded: a thread cannot be stopped, and its end must be waited for.
                await asyncio.shield(self._job)


async def _over(job: asyncio.Future[Any]) -> None:
    await asyncio.wait([job])
    if not job.cancelled():
        job.exception()  # it was heard of, or nobody is left to hear of it
