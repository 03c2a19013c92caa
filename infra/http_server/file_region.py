"""Sends a region of a file as a part of an answer, straight from the page cache.

Only what happens between a file and a socket lives here; `exchange.py` frames the answer. The event
loop never waits for a disk: bytes that the page cache lacks are read in a thread. Nor does it wait
for a client: what the socket does not take at once is left to the transport, in one small piece, so
that its flow control and the connection's time-out for stalled clients do the waiting.

Copying through one warm buffer takes less than `sendfile` does for what fits into it, and little
more for the rest (figures in docs/adr/0017-ranges-and-downloads.md).
"""

import asyncio
import os
from collections.abc import Callable
from typing import Protocol

PIECE_BYTES = 256 * 1024
"""What is sent at most before others get their turn of the event loop."""

_WAITING_BYTES = 80 * 1024
"""More than the transport takes without pausing (64 KiB), and all that a slow client costs."""

_AT_ONCE = getattr(os, "RWF_NOWAIT", None)
_PIECE = memoryview(bytearray(PIECE_BYTES))
"""Filled and sent without anything between, so that all connections share it."""


class FileChannel(Protocol):
    """What is needed of a connection."""

    @property
    def descriptor(self) -> int:
        """The socket's."""

    @property
    def unsent(self) -> int:
        """How many bytes the transport still holds, which go first."""

    @property
    def write(self) -> Callable[[bytes], None]:
        """Queue bytes for the client."""

    @property
    def write_paused(self) -> bool:
        """Whether more is queued for the client than should be."""

    async def writable(self) -> None:
        """Wait until the client has taken enough of what is queued."""

    @property
    def closing(self) -> bool:
        """Whether the socket is closed or about to be."""

    def abort(self) -> None:
        """Give the connection up."""


async def send_region(
    channel: FileChannel,
    head: bytes,
    file: int,
    offset: int,
    count: int,
    *,
    gone: Callable[[], bool],
) -> None:
    """Send `head` and then `count` bytes of the open `file` from `offset` on.

    Returns early once the client is `gone`. Raises `EOFError` where the file is shorter.
    """
    end = offset + count
    if channel.unsent:
        await asyncio.sleep(0)  # uvloop writes what is queued at the end of its turn
    while not gone():
        if channel.closing:  # the descriptor may be another's already
            await asyncio.sleep(0)
            continue
        wanted = min(PIECE_BYTES, end - offset)
        there = _read_at_once(file, offset, wanted)
        if there is None:
            loop = asyncio.get_running_loop()
            data = await loop.run_in_executor(None, os.pread, file, wanted, offset)
            if gone():
                return
            there = len(data)
            _PIECE[:there] = data
        if wanted and not there:
            raise EOFError("The file is shorter than what was promised of it.")
        head, sent = (head, 0) if channel.unsent else _write(channel, head, there)
        if sent < there or head:
            queued = _PIECE[sent : min(there, sent + _WAITING_BYTES)]
            channel.write(b"".join((head, queued)))
            head = b""
            sent += len(queued)
        offset += sent
        if offset == end:
            return
        if channel.write_paused:
            await channel.writable()
        else:
            await asyncio.sleep(0)


def _read_at_once(file: int, offset: int, wanted: int) -> int | None:
    """Fill the piece with what the page cache has; None where it has nothing of it."""
    if _AT_ONCE is None:
        return None
    try:
        return os.preadv(file, (_PIECE[:wanted],), offset, _AT_ONCE)
    except OSError:  # it is not there (EAGAIN), or this file system cannot tell
        return None


def _write(channel: FileChannel, head: bytes, length: int) -> tuple[bytes, int]:
    """Send so much of head and piece as the socket takes; give the head's rest, and the count."""
    try:
        sent = os.writev(channel.descriptor, (head, _PIECE[:length]))
    except BlockingIOError:
        return head, 0
    except ConnectionError:
        channel.abort()
        return b"", length  # it ends with `gone`, as soon as the transport has noticed
    return head[sent:], max(0, sent - len(head))
