"""One request and its answer, as the application sees them: the ASGI side of a connection.

Whatever turns ASGI messages into bytes lives here; what a connection does with time, sockets and
the next request lives in `protocol.py`.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol, TypeAlias

from infra.http_server.file_region import send_region
from infra.http_server.problems import PHRASES

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
AsgiApp: TypeAlias = Callable[[Any, Any, Any], Awaitable[None]]
"""An ASGI 3 application; frameworks type its arguments each in their own way."""

FILE_REGION = "http.response.zerocopysend"
"""A message of an ASGI extension: `file`, which stays the application's to close."""

EXTENSIONS: dict[str, dict[str, object]] = {FILE_REGION: {}}

_STATUS_LINES = {
    status: b"HTTP/1.1 %d %b\r\n" % (status, PHRASES.get(status, b"")) for status in range(200, 600)
}
_FRAMING_FIELDS = frozenset((b"content-length", b"transfer-encoding", b"connection", b"date"))
_CONTROLS = bytes(byte for byte in (*range(0x20), 0x7F) if byte != ord("\t"))


class Channel(Protocol):
    """What an exchange needs of its connection."""

    @property
    def write(self) -> Callable[[bytes], None]:
        """Queue bytes for the client."""

    @property
    def write_paused(self) -> bool:
        """Whether more is queued for the client than should be."""

    async def writable(self) -> None:
        """Wait until the client has taken enough of what is queued."""

    def date_line(self) -> bytes:
        """Give the Date field of an answer, with its line break."""

    def keeps_alive(self) -> bool:
        """Tell whether the connection can serve another request after this answer."""

    def body_taken(self) -> None:
        """Hear that the application took the body so far, so more may be read."""

    def body_invited(self) -> None:
        """Hear that the client was told to send its body."""

    def response_done(self) -> None:
        """Hear that the last byte of the answer is queued."""

    @property
    def descriptor(self) -> int:
        """The socket's, which the transport owns."""

    @property
    def unsent(self) -> int:
        """How many bytes the transport still holds."""

    @property
    def closing(self) -> bool:
        """Whether the socket is closed or about to be."""

    def abort(self) -> None:
        """Give the connection up."""


class Exchange:
    """The receive and send of one request.

    `started` holds once bytes of the answer were queued; until then a problem can still take
    the answer's place.
    """

    __slots__ = (
        "_channel",
        "_chunked",
        "_chunks",
        "_done",
        "_end_told",
        "_ended",
        "_expects_continue",
        "_gone",
        "_head",
        "_input_closed",
        "_left",
        "_wake",
        "buffered",
        "keep_alive",
        "scope",
        "started",
    )

    def __init__(
        self,
        channel: Channel,
        scope: Message,
        *,
        has_body: bool,
        expects_continue: bool,
        keep_alive: bool,
    ) -> None:
        """Begin with a complete request head; `has_body` says that a body is still to come."""
        self._channel = channel
        self.scope = scope
        self.keep_alive = keep_alive
        self.started = False
        self.buffered = 0
        self._chunks: list[bytes] = []
        self._ended = not has_body
        self._end_told = False
        self._expects_continue = expects_continue
        self._gone = False
        self._input_closed = False
        self._wake: asyncio.Event | None = None
        self._head: list[bytes] | None = None
        self._left: int | None = None  # what Content-Length still owes
        self._chunked = False
        self._done = False

    @property
    def done(self) -> bool:
        """Whether the answer is complete."""
        return self._done

    @property
    def gone(self) -> bool:
        """Whether nobody waits for the answer any more."""
        return self._gone

    @property
    def ends_by_close(self) -> bool:
        """Whether only the end of the connection ends the answer, as HTTP/1.0 may need."""
        return self.started and self._left is None and not self._chunked

    @property
    def awaits_invitation(self) -> bool:
        """Whether the client still waits for 100 Continue before it sends its body."""
        return self._expects_continue

    # What the connection tells.

    def feed(self, data: bytes) -> None:
        """Take a part of the request's body."""
        self._expects_continue = False  # RFC 9110 10.1.1: it has begun, no invitation needed
        self._chunks.append(data)
        self.buffered += len(data)
        self._awake()

    def end_body(self) -> None:
        """Take the end of the request's body."""
        self._ended = True
        self._awake()

    def close_input(self) -> None:
        """Hear that the client sends no more, though it may still read."""
        self._input_closed = True
        self._awake()

    def disconnect(self) -> None:
        """Hear that the client is gone: what is sent from now on is dropped."""
        self._gone = True
        self._awake()

    def _awake(self) -> None:
        if self._wake is not None:
            self._wake.set()

    # What the application calls.

    async def receive(self) -> Message:
        """Give the body as it arrives, then wait for the client to leave."""
        while not self._gone and not self._done:
            if self._chunks or (self._ended and not self._end_told):
                return self._next_part()
            if self._input_closed:
                break
            if self._expects_continue:
                self._expects_continue = False
                if not self.started:
                    self._channel.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                self._channel.body_invited()
            # An event, not a future: an application may wait in more than one task.
            self._wake = self._wake or asyncio.Event()
            self._wake.clear()
            await self._wake.wait()
        return {"type": "http.disconnect"}

    def _next_part(self) -> Message:
        body = b"".join(self._chunks)
        self._chunks.clear()
        self._end_told = self._ended
        if self.buffered:
            self.buffered = 0
            self._channel.body_taken()
        return {"type": "http.request", "body": body, "more_body": not self._ended}

    async def send(self, message: Message) -> None:
        """Take the answer; nothing is written before the first part of its body (ASGI)."""
        if self._gone:
            # An application that streams for ever must not hold the loop.
            await asyncio.sleep(0)
            return
        if self._done:
            raise RuntimeError("The answer is complete already.")
        if message["type"] == "http.response.body":
            if self._channel.write_paused:
                await self._channel.writable()
                if self.gone:
                    return
            self._send_body(message)
        elif message["type"] == FILE_REGION:
            await self._send_file(message)
        elif message["type"] == "http.response.start":
            if self._head is not None or self.started:
                raise RuntimeError("The answer has begun already.")
            self._head = self._render_head(message)
        else:
            raise RuntimeError(f"This server does not take {message['type']!r}.")

    def _render_head(self, message: Message) -> list[bytes]:
        """Render status and fields, the latter checked for control characters at one go."""
        status = message["status"]
        date = self._channel.date_line()
        self._left = None
        parts: list[bytes] = []
        for name, value in message.get("headers", ()):
            lower = name.lower()
            if lower in _FRAMING_FIELDS:
                if lower == b"date":
                    date = b""
                elif lower == b"content-length":
                    if status == 204:  # noqa: PLR2004 - No Content: RFC 9110 8.6 forbids it
                        continue
                    self._left = int(value)
                else:  # how the message is framed is for the server to say
                    if lower == b"connection" and b"close" in value.lower():
                        self.keep_alive = False
                    continue
            parts += (lower, b": ", value, b"\r\n")
        fields = b"".join(parts)
        # Two control characters end each line; one more would begin a line of somebody else's.
        if len(fields.translate(None, _CONTROLS)) != len(fields) - len(parts) // 2:
            raise RuntimeError("A field of the answer has a control character.")
        if self.scope["method"] == "HEAD" or status in (204, 304):
            self._left = -1
        return [_STATUS_LINES[status], date, fields]

    async def _send_file(self, message: Message) -> None:
        """Send `count` bytes of an open file from `offset` on, both of which must be said."""
        offset, count = message["offset"], message["count"]
        more = message.get("more_body", False)
        parts = self._begin_body(count, more=more)
        if self._left is None:
            raise RuntimeError("A region of a file needs an answer with a Content-Length.")
        sends = self._left >= 0
        if sends:
            self._owe(count, more=more)
        self._head = None
        self.started = True
        if sends:
            file = message["file"].fileno()
            await send_region(
                self._channel, b"".join(parts), file, offset, count, gone=lambda: self._gone
            )
        elif parts:
            self._channel.write(b"".join(parts))
        if not more and not self._gone:
            self._finish()

    def _begin_body(self, first: int, *, more: bool) -> list[bytes]:
        """Give what comes before a part of the body: the head, where it is the first."""
        if self._head is not None:
            self._frame(self._head, first, more=more)
            return self._head
        if not self.started:
            raise RuntimeError("The body of the answer came before its start.")
        return []

    def _owe(self, length: int, *, more: bool) -> None:
        assert self._left is not None  # noqa: S101 - both callers have looked
        self._left -= length
        if self._left < 0 or (self._left and not more):
            raise RuntimeError("The body of the answer is not as long as its Content-Length.")

    def _send_body(self, message: Message) -> None:
        body = message.get("body", b"")
        more = message.get("more_body", False)
        parts = self._begin_body(len(body), more=more)
        if self._chunked:
            if body:
                parts += (b"%x\r\n" % len(body), body, b"\r\n")
            if not more:
                parts.append(b"0\r\n\r\n")
        elif self._left is None:
            parts.append(body)
        elif self._left >= 0:
            self._owe(len(body), more=more)
            parts.append(body)
        self._head = None
        self.started = True
        self._channel.write(b"".join(parts))
        if not more:
            self._finish()

    def _finish(self) -> None:
        self._done = True
        self._awake()
        self._channel.response_done()

    def _frame(self, parts: list[bytes], first: int, *, more: bool) -> None:
        """Choose how the body ends: a length, chunks, or for HTTP/1.0 the end of connection."""
        if self._left is None:
            if not more:
                self._left = first
                parts.append(b"content-length: %d\r\n" % first)
            elif self.scope["http_version"] == "1.0":
                self.keep_alive = False
            else:
                self._chunked = True
                parts.append(b"transfer-encoding: chunked\r\n")
        if self.keep_alive and not self._channel.keeps_alive():
            self.keep_alive = False
        parts.append(b"\r\n" if self.keep_alive else b"connection: close\r\n\r\n")
