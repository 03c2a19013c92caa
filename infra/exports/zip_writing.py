"""Writes a ZIP of members that come from the event loop, in a thread and in bounded memory.

The thread asks for a few members ahead, reads those that are files by itself, and hashes them; what
comes out is hashed and written in another, so that neither waits for the other, nor for the loop
more often than it must. Nothing is compressed: see ADR 22.
"""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from typing import Any, BinaryIO, TypeVar

from stream_zip import NO_COMPRESSION_64, ZIP_AUTO, Method, stream_zip

from commands.exports import Listed, Member, Written
from commands.file_store import Blob

PIECE_BYTES = 1024 * 1024
_TOGETHER_BYTES = 4 * 1024 * 1024
"""What goes from thread to thread at once, as that takes its time on a machine that is busy."""
_AHEAD_BYTES = 3 * 1024 * 1024
"""What is gathered while as much is written: a part of the posts in its forms."""
_AHEAD_MEMBERS = 32
"""As above: so many files may be open at once."""
_MODE = 0o100600  # a file of its owner's alone
_STREAMED: Method = ZIP_AUTO(2**62, level=0)  # what is stored as it is must be known before

T = TypeVar("T")


class _StoppedError(Exception):
    """Whoever wanted the ZIP does not want it any more."""


async def write_zip(
    file: BinaryIO, members: Callable[[Sequence[Listed]], AsyncIterator[Member]]
) -> Written:
    """Write a ZIP into a file; when it is cancelled, it returns once nobody writes any more."""
    writing = _Writing(file, members)
    thread = asyncio.ensure_future(asyncio.to_thread(writing.run))
    try:
        return await asyncio.shield(thread)
    except asyncio.CancelledError:
        writing.stop()
        await asyncio.wait([thread])
        if not thread.cancelled():
            thread.exception()
        raise


class _Writing:
    """What the threads share with the loop."""

    def __init__(
        self, file: BinaryIO, members: Callable[[Sequence[Listed]], AsyncIterator[Member]]
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._file = file
        self._listed: list[Listed] = []
        self._members = members(self._listed)
        self._stopped = False
        self._open: set[Blob] = set()
        """Those that were given and are to be closed."""
        self._hash = hashlib.sha256()
        self._size = 0

    def stop(self) -> None:
        """Let the threads end at their next step."""
        self._stopped = True

    def run(self) -> Written:
        """Write it all; in a thread."""
        with ThreadPoolExecutor(1, thread_name_prefix="export") as output:
            last: Future[None] | None = None
            gathered, size = list[bytes](), 0
            try:
                for chunk in stream_zip(self._each(), chunk_size=PIECE_BYTES):
                    gathered.append(chunk)
                    size += len(chunk)
                    if size >= _TOGETHER_BYTES:
                        if last is not None:
                            last.result()
                        last = output.submit(self._put, gathered)
                        gathered, size = [], 0
                if last is not None:
                    last.result()
                self._put(gathered)
            finally:
                self._wait(_close(self._members))
                for blob in self._open:
                    blob.close()
        return Written(self._size, self._hash.hexdigest())

    def _put(self, chunks: Sequence[bytes]) -> None:
        for chunk in chunks:
            self._hash.update(chunk)
            self._size += len(chunk)
            # Where the disk is nearly full a file takes only a part; the next write says why.
            rest = memoryview(chunk)
            while rest:
                rest = rest[self._file.write(rest) :]

    def _each(self) -> Iterator[tuple[str, datetime, int, Method, Iterable[bytes]]]:
        upcoming = self._ask(self._some())
        try:
            while some := self._result(upcoming):
                ahead = not isinstance(some[-1].pieces, AsyncIterator)
                if ahead:
                    upcoming = self._ask(self._some())
                for member in some:
                    yield member.path, member.at, _MODE, _method(member), self._hashed(member)
                if not ahead:
                    upcoming = self._ask(self._some())
        finally:
            # What was asked for must have come before its iterator can be closed.
            upcoming.exception()

    async def _some(self) -> list[Member]:
        """Give the next few members, as each way to the loop and back takes longer than most."""
        some: list[Member] = []
        size = 0
        while size < _AHEAD_BYTES and len(some) < _AHEAD_MEMBERS:
            member = await anext(self._members, None)
            if member is None:
                break
            some.append(member)
            match member.pieces:
                case bytes(data):
                    size += len(data)
                case AsyncIterator():
                    break
                case blob:
                    self._open.add(blob)
        return some

    def _hashed(self, member: Member) -> Iterator[bytes]:
        digest, size = hashlib.sha256(), 0
        match member.pieces:
            case bytes(data):
                pieces: Iterator[bytes] = iter((data,))
            case AsyncIterator() as asked:
                pieces = self._asked(asked)
            case blob:
                pieces = self._blob(blob)
        for piece in pieces:
            digest.update(piece)
            size += len(piece)
            yield piece
        self._listed.append(Listed(member.path, size, digest.hexdigest()))

    def _asked(self, data: AsyncIterator[bytes]) -> Iterator[bytes]:
        """Pull pieces from the loop, one ahead."""
        upcoming = self._ask(anext(data, None))
        try:
            while (piece := self._result(upcoming)) is not None:
                upcoming = self._ask(anext(data, None))
                yield piece
        finally:
            upcoming.exception()  # as above
            self._wait(_close(data))

    def _blob(self, blob: Blob) -> Iterator[bytes]:
        """Read a blob, and close it; if it is shorter than it was, its digest will tell."""
        if blob.descriptor is None:
            yield from self._asked(_pieces(blob))
        else:
            offset = 0
            while offset < blob.size and not self._stopped:
                piece = os.pread(blob.descriptor, PIECE_BYTES, offset)
                if not piece:
                    break
                offset += len(piece)
                yield piece
        if self._stopped:
            raise _StoppedError
        self._open.discard(blob)
        blob.close()

    def _ask(self, work: Coroutine[Any, Any, T]) -> "Future[T]":
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def _result(self, asked: "Future[T]") -> T:
        result = asked.result()
        if self._stopped:
            raise _StoppedError
        return result

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        return self._ask(work).result()


def _method(member: Member) -> Method:
    """Store what is in memory anyway as it is; for the rest its checksum comes after it."""
    data = member.pieces
    if isinstance(data, bytes) or (
        not isinstance(data, AsyncIterator) and data.size <= PIECE_BYTES
    ):
        return NO_COMPRESSION_64
    return _STREAMED


async def _pieces(blob: Blob) -> AsyncIterator[bytes]:
    offset = 0
    while offset < blob.size and (piece := await blob.read(offset, PIECE_BYTES)):
        offset += len(piece)
        yield bytes(piece)


async def _close(iterator: AsyncIterator[Any]) -> None:
    close = getattr(iterator, "aclose", None)
    if close is not None:
        await close()
