"""Answers of the log that come in pieces: everything asked for, and what happens from now on.

In bounded memory whatever the size of the log: the next page is read when the client has taken the
one before, and reading ends when the client leaves.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import structlog
from litestar.types import Receive

from commands.log_entry import encode_entry
from commands.ports import LogEntry, StoreUnavailableError

PIECE_BYTES = 64 * 1024
"""Lines are gathered to about this many bytes before they are sent."""

HEARTBEAT_SECONDS = 15.0
"""Silence that proxies put up with, and how often a live reader's right to read is checked."""

LOOK_SECONDS = 1.0
"""How soon a live answer notices that the process is draining."""

_log = structlog.get_logger()


async def ndjson(entries: AsyncIterator[LogEntry], receive: Receive) -> AsyncGenerator[bytes]:
    """Write a line of JSON for each entry, until they end or the client leaves."""
    lines: list[bytes] = []
    size = 0
    async with client_left(receive) as gone, closing(entries):
        async for entry in entries:
            line = encode_entry(entry)
            lines += (line, b"\n")
            size += len(line) + 1
            if size >= PIECE_BYTES:
                yield b"".join(lines)
                lines.clear()
                size = 0
                if gone.is_set():
                    return
        yield b"".join(lines)


async def server_sent(
    entries: AsyncIterator[LogEntry],
    receive: Receive,
    may_go_on: Callable[[], Awaitable[bool]],
    is_draining: Callable[[], bool],
) -> AsyncGenerator[bytes]:
    """Write an event for each entry (HTML, section 9.2), and a comment into each long silence.

    It ends when the client leaves, when the process drains, when `may_go_on`, which is asked at
    each heartbeat, says so, and when the log cannot be read: a client comes back for the rest.
    """
    loop = asyncio.get_running_loop()
    async with client_left(receive) as gone, closing(entries):
        yield b"retry: 2000\n\n"
        upcoming = asyncio.ensure_future(anext(entries))
        next_beat = loop.time() + HEARTBEAT_SECONDS
        try:
            while not (gone.is_set() or is_draining()):
                await asyncio.wait({upcoming}, timeout=LOOK_SECONDS)
                if upcoming.done():
                    entry = upcoming.result()
                    upcoming = asyncio.ensure_future(anext(entries))
                    yield b"id: %d\ndata: %b\n\n" % (entry.position, encode_entry(entry))
                if loop.time() >= next_beat:
                    if not await may_go_on():
                        return
                    next_beat = loop.time() + HEARTBEAT_SECONDS
                    yield b":\n\n"
        except StoreUnavailableError as error:
            _log.warning("live answer ended: store unavailable", reason=str(error))
        finally:
            upcoming.cancel()
            await asyncio.gather(upcoming, return_exceptions=True)


@asynccontextmanager
async def closing(entries: AsyncIterator[LogEntry]) -> AsyncIterator[None]:
    """Close an iterator over the log at the end, with whatever it still fetches."""
    try:
        yield
    finally:
        await cast("AsyncGenerator[Any]", entries).aclose()


@asynccontextmanager
async def client_left(receive: Receive) -> AsyncIterator[asyncio.Event]:
    """Watch for the client's leaving while inside."""
    gone = asyncio.Event()

    async def watch() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        gone.set()

    watching = asyncio.create_task(watch())
    try:
        yield gone
    finally:
        watching.cancel()
