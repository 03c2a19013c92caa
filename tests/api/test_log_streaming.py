"""Specifies the answers of the log that come in pieces: how they are written, and how they end."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest
from litestar.types import HTTPDisconnectEvent
from structlog.testing import capture_logs

from api import log_streaming
from api.log_streaming import PIECE_BYTES, ndjson, server_sent
from commands.log_entry import encode_entry
from commands.ports import LogEntry, StoreUnavailableError
from domain.stream import Stream

STREAM = Stream("post", UUID(int=1))
AT = datetime(2026, 3, 1, 9, tzinfo=UTC)


def entry(position: int, *, size: int = 0) -> LogEntry:
    """Make an entry whose data has about so many bytes."""
    data = msgspec.json.encode({"text": "x" * size}).decode()
    return LogEntry(position, STREAM, position, UUID(int=position), "a.b.v1", data, "{}", AT)


class Entries:
    """A log that never ends; it counts what was drawn and tells whether it was closed."""

    def __init__(self, *, size: int = 0) -> None:
        self.drawn = 0
        self.closed = False
        self._size = size

    async def read(self) -> AsyncGenerator[LogEntry]:
        """Give one entry after the other."""
        try:
            while True:
                self.drawn += 1
                yield entry(self.drawn, size=self._size)
                await asyncio.sleep(0)
        finally:
            self.closed = True


async def staying() -> HTTPDisconnectEvent:
    """Receive as from a client that waits."""
    await asyncio.Event().wait()
    return await leaving()


async def leaving() -> HTTPDisconnectEvent:
    """Receive as from a client that has left."""
    return {"type": "http.disconnect"}


async def few() -> AsyncGenerator[LogEntry]:
    """Give two entries."""
    yield entry(1)
    yield entry(2)


async def yes() -> bool:
    """Let it go on."""
    return True


async def test_each_entry_is_a_line() -> None:
    """NDJSON: every line is an entry, every line ends, and small ones are sent together."""
    pieces = [piece async for piece in ndjson(few(), staying)]

    assert pieces == [encode_entry(entry(1)) + b"\n" + encode_entry(entry(2)) + b"\n"]


async def test_no_more_is_read_than_is_sent() -> None:
    """The log is drawn as the pieces are: what the client does not take is not read."""
    log = Entries(size=1000)
    pieces = ndjson(log.read(), staying)
    first = await anext(pieces)
    drawn = log.drawn
    await anext(pieces)
    await pieces.aclose()

    assert PIECE_BYTES <= len(first) < PIECE_BYTES + 2000
    assert log.drawn == 2 * drawn
    assert log.closed


async def test_reading_ends_when_the_client_leaves() -> None:
    """A client that is gone ends the reading of a log that has no end."""
    log = Entries(size=1000)
    async with asyncio.timeout(30):
        pieces = [piece async for piece in ndjson(log.read(), leaving)]

    assert len(pieces) == 1
    assert log.closed


async def test_live_events_have_their_position_as_id() -> None:
    """Each event carries its position as id, so that a client can go on from there."""
    pieces = server_sent(Entries().read(), staying, yes, lambda: False)
    sent = [await anext(pieces) for _ in range(3)]
    await pieces.aclose()

    assert sent[0] == b"retry: 2000\n\n"
    assert sent[1:] == [
        b"id: %d\ndata: %b\n\n" % (number, encode_entry(entry(number))) for number in (1, 2)
    ]


async def test_silence_is_broken_by_comments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing happens a comment is sent now and then, as long as the reader may go on."""
    monkeypatch.setattr(log_streaming, "HEARTBEAT_SECONDS", 0.02)
    monkeypatch.setattr(log_streaming, "LOOK_SECONDS", 0.01)
    allowed = True

    async def may_go_on() -> bool:
        return allowed

    pieces = server_sent(silent(), staying, may_go_on, lambda: False)
    async with asyncio.timeout(30):
        heard = [await anext(pieces) for _ in range(3)]
        allowed = False
        rest = [piece async for piece in pieces]

    assert heard[1:] == [b":\n\n", b":\n\n"]
    assert rest == []


@pytest.mark.parametrize("why", ["the client left", "the process drains"])
async def test_a_live_answer_ends(why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends soon after the client left, and soon after the process began to drain."""
    monkeypatch.setattr(log_streaming, "LOOK_SECONDS", 0.01)
    receive = leaving if why == "the client left" else staying
    pieces = server_sent(silent(), receive, yes, lambda: why == "the process drains")
    async with asyncio.timeout(30):
        sent = [piece async for piece in pieces]

    assert sent == [b"retry: 2000\n\n"]


@pytest.mark.parametrize("what", ["the log", "the right to read"])
async def test_an_outage_ends_a_live_answer(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the database fails it ends as if it were over, and one line of the log says why."""
    monkeypatch.setattr(log_streaming, "HEARTBEAT_SECONDS", 0.0)
    monkeypatch.setattr(log_streaming, "LOOK_SECONDS", 0.01)

    async def ask() -> bool:
        return await fail() if what == "the right to read" else True

    entries = failing() if what == "the log" else silent()
    with capture_logs() as said:
        async with asyncio.timeout(30):
            sent = [piece async for piece in server_sent(entries, staying, ask, lambda: False)]

    assert sent == [b"retry: 2000\n\n"]
    assert [(line["log_level"], line["reason"]) for line in said] == [("warning", "gone")]


async def fail() -> bool:
    """Fail as the store does when its database is out of reach."""
    raise StoreUnavailableError("gone")


async def failing() -> AsyncGenerator[LogEntry]:
    """Give nothing and fail."""
    await fail()
    yield entry(1)


async def silent() -> AsyncGenerator[LogEntry]:
    """Give nothing and never end."""
    await asyncio.Event().wait()
    yield entry(1)
