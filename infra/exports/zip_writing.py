"""Writes a ZIP of members that come from the event loop, in a thread and in bounded memory.

The thread pulls the pieces of each member, one ahead, and compresses them; what comes out is hashed
and written in another, so that neither waits for the other.
"""

import asyncio
import hashlib
import zlib
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from typing import Any, BinaryIO, TypeVar

from stream_zip import ZIP_64, ZIP_AUTO, Method, stream_zip

from commands.exports import Listed, Member, Written

PIECE_BYTES = 256 * 1024
_LEVEL = 1  # twice as fast as the default, and text shrinks nearly as much
_AHEAD_BYTES = 3 * 1024 * 1024
"""What is gathered while as much is written: some files, or a part of the posts in its forms."""
_OUTPUT_BYTES = 1024 * 1024
"""What is hashed and written at once: each hop to the thread that does it costs a wait."""
_MEMBER_BYTES = 1024
_MODE = 0o100600  # a file of its owner's alone
_STORED: Method = ZIP_AUTO(2**62, level=0)

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
                for chunk in stream_zip(
                    self._each(), chunk_size=PIECE_BYTES, get_compressobj=_compressor
                ):
                    gathered.append(chunk)
                    size += len(chunk)
                    if size >= _OUTPUT_BYTES:
                        if last is not None:
                            last.result()
                        last = output.submit(self._put, gathered)
                        gathered, size = [], 0
                if last is not None:
                    last.result()
                self._put(gathered)
            finally:
                self._wait(_close(self._members))
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
                ahead = isinstance(some[-1].pieces, bytes)
                if ahead:
                    upcoming = self._ask(self._some())
                for member in some:
                    method = ZIP_64 if member.compress else _STORED
                    yield member.path, member.at, _MODE, method, self._pieces(member)
                if not ahead:
                    upcoming = self._ask(self._some())
        finally:
            # What was asked for must have come before its iterator can be closed.
            upcoming.exception()

    async def _some(self) -> list[Member]:
        """Give the next few members, as each way to the loop and back takes longer than most."""
        some: list[Member] = []
        size = 0
        while size < _AHEAD_BYTES and (member := await anext(self._members, None)) is not None:
            some.append(member)
            if not isinstance(member.pieces, bytes):
                break
            size += len(member.pieces) + _MEMBER_BYTES
        return some

    def _pieces(self, member: Member) -> Iterator[bytes]:
        data = member.pieces
        if isinstance(data, bytes):
            yield from _slices(data)
            self._listed.append(Listed(member.path, len(data), hashlib.sha256(data).hexdigest()))
            return
        digest, size = hashlib.sha256(), 0
        upcoming = self._ask(anext(data, None))
        try:
            while (piece := self._result(upcoming)) is not None:
                upcoming = self._ask(anext(data, None))
                digest.update(piece)
                size += len(piece)
                yield from _slices(piece)
        finally:
            upcoming.exception()  # as above
            self._wait(_close(data))
        self._listed.append(Listed(member.path, size, digest.hexdigest()))

    def _ask(self, work: Coroutine[Any, Any, T]) -> "Future[T]":
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def _result(self, asked: "Future[T]") -> T:
        result = asked.result()
        if self._stopped:
            raise _StoppedError
        return result

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        return self._ask(work).result()


def _slices(data: bytes) -> Iterator[bytes]:
    """Cut it, as compressing is fastest where what it works on stays in the processor's cache."""
    for at in range(0, len(data), PIECE_BYTES):
        yield data[at : at + PIECE_BYTES]


async def _close(iterator: AsyncIterator[Any]) -> None:
    close = getattr(iterator, "aclose", None)
    if close is not None:
        await close()


def _compressor() -> "zlib._Compress":
    return zlib.compressobj(level=_LEVEL, wbits=-zlib.MAX_WBITS)
