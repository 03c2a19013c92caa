"""HTTP/1.1 on a connection: heads, bodies, and one request after the other.

`StrictHttpProtocol` is what uvicorn's server runs for each connection, in place of uvicorn's own
protocol classes. It shares with uvicorn only what any such class must: the arguments of its
constructor, the server state's `connections`, `tasks` and `total_requests`, and `shutdown()`;
tests/infra/http_server/test_uvicorn_contract.py holds that. llhttp (httptools) parses;
`request_head.py` has the rules that llhttp is too lenient about.

At most one request is in the works on a connection; what a client pipelines behind it waits.
"""

import asyncio
import logging
import math
from typing import Any

import httptools
from uvicorn.config import Config
from uvicorn.server import ServerState

from infra.http_server.connection import Connection, Phase
from infra.http_server.exchange import EXTENSIONS, Exchange
from infra.http_server.problems import (
    INTERNAL_ERROR,
    SHUTTING_DOWN,
    Fault,
    malformed,
    new_request_id,
)
from infra.http_server.request_head import (
    METHODS,
    NOTED_FIELDS,
    TRAILER_TOO_LARGE,
    closes,
    expectation_fault,
    field_count_fault,
    framing_fault,
    incomplete_head_fault,
    parse_request_line,
    parse_target,
    without_upgrade,
)

logger = logging.getLogger(__name__)

_END = b"\r\n\r\n"
_VERSION = b" HTTP/1.1\r\n"
_VERSION_BYTES = len(b" HTTP/1.1")


class _Overrun(Exception):  # noqa: N818 - not an error: it stops the parser
    """A pipelined request began inside the read that ended a chunked body."""


class StrictHttpProtocol(Connection):
    """An HTTP/1.1 connection that answers every malformed request with a problem."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """Make a connection with the arguments that uvicorn's server gives."""
        super().__init__(config, server_state, app_state, _loop)
        self._parser = httptools.HttpRequestParser(self)
        self._headers: list[tuple[bytes, bytes]] = []
        self._noted: dict[bytes, bytes] = {}
        self._message_complete = False
        self._overrun = False
        self._good_host: bytes | None = None  # the last Host that proved right

        self._body_left: int | None = 0  # None: chunked
        self._body_bytes = 0
        self._framing_bytes = 0
        self._body_started = 0.0
        self._body_paused_at = 0.0

    def data_received(self, data: bytes) -> None:
        """Take bytes for whatever the connection waits for."""
        phase = self._phase
        if phase == Phase.IDLE:
            end = data.find(_END)
            if end > 0:
                self._take_head(data, end + len(_END))
            else:
                self._collect_head(data)
        elif phase == Phase.HEAD:
            self._collect_head(data)
        elif phase in (Phase.BODY, Phase.DISCARD):
            self._take_body(data)
        elif phase == Phase.BUSY:
            self._hold(data)
        elif phase == Phase.LINGER:
            self._keep_lingering()

    # --- callbacks of the parser ------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Stop at a second message in one read; only behind a chunked body can there be one."""
        if self._message_complete:
            self._overrun = True
            raise _Overrun

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a field; a noted field that is repeated becomes a list."""
        name = name.lower()
        self._headers.append((name, value))
        if name in NOTED_FIELDS:
            noted = self._noted
            noted[name] = noted[name] + b"," + value if name in noted else value

    def on_body(self, body: bytes) -> None:
        """Hand a part of the body to the application, if it still wants any."""
        self._body_bytes += len(body)
        if self._exchange is not None:
            self._exchange.feed(body)

    def on_message_complete(self) -> None:
        """Note that the request is complete."""
        self._message_complete = True

    # --- the head ---------------------------------------------------------------------------

    def _collect_head(self, data: bytes) -> None:
        """Gather a head that comes in pieces; refuse it as soon as it cannot become good."""
        buffer = self._buffer
        searched = max(0, len(buffer) - len(_END) + 1)
        buffer += data
        if buffer[:1] == b"\r":
            # RFC 9112 2.2: empty lines before a request are ignored; they begin none either.
            while buffer.startswith(b"\r\n"):
                del buffer[:2]
            searched = 0
            if not buffer:
                self._phase = Phase.IDLE
                return
        if self._phase == Phase.IDLE:
            self._phase = Phase.HEAD
            self._arm(self.context.limits.header_seconds)
        end = buffer.find(_END, searched)
        if end >= 0:
            head = bytes(buffer)
            buffer.clear()
            self._take_head(head, end + len(_END))
            return
        fault = incomplete_head_fault(buffer, searched, self.context.limits)
        if fault is not None:
            self._refuse(fault)

    def _take_head(self, data: bytes, end: int) -> None:
        """Parse the head `data[:end]`: here if its first line is common, else as an odd one."""
        limits = self.context.limits
        line_end = data.find(b"\r\n")
        target_at = data.find(b" ") + 1
        target_end = line_end - _VERSION_BYTES
        method = METHODS.get(data[: target_at - 1])
        if (
            method is None
            or not data.startswith(_VERSION, target_end)
            or not 0 < target_end - target_at <= limits.target_bytes
            or end - line_end > limits.header_bytes
        ):
            self._take_odd_head(data, line_end, end)
            return
        rest = b""
        head = data
        if end != len(data):
            head = data[:end]
            rest = data[end:]
        self._method = method
        if self._parse(head):
            self._begin(data[target_at:target_end], "1.1", None, rest)

    def _take_odd_head(self, data: bytes, line_end: int, end: int) -> None:
        """Parse a head whose first line is rewritten so that llhttp can read what follows."""
        if line_end == 0:
            self._collect_head(data)
            return
        self._method = METHODS.get(data[: data.find(b" ")], "")
        line = parse_request_line(data[:line_end], end - line_end, self.context.limits)
        if isinstance(line, Fault):
            self._refuse(line)
            return
        plain = b"GET /" if line.fault else b"%b %b" % (line.method, line.target)
        version = line.http_version.encode("ascii")
        if self._parse(b"%b HTTP/%b%b" % (plain, version, data[line_end:end])):
            self._begin(line.target, line.http_version, line.fault, data[end:])

    def _parse(self, head: bytes) -> bool:
        """Run llhttp over one whole head; False where it was refused."""
        self._headers = []
        self._noted = {}
        self._message_complete = False
        try:
            self._parser.feed_data(head)
        except httptools.HttpParserUpgrade:
            # llhttp would take the body for another protocol, and then for the next request.
            self._parser = httptools.HttpRequestParser(self)
            return self._parse(without_upgrade(head))
        except httptools.HttpParserError as error:
            self._refuse(malformed(f"The header is not valid HTTP/1.1: {error}."))
            return False
        return True

    def _begin(self, target: bytes, http_version: str, fault: Fault | None, rest: bytes) -> None:
        """Check what llhttp let pass, and let the application answer.

        `fault` is answered unless Host or the framing is wrong, `rest` follows the head.
        """
        noted = self._noted
        headers = self._headers
        host = noted.get(b"host")
        known = host is not None and host == self._good_host
        if not known or len(noted) != 1 or http_version != "1.1":
            fault = (
                framing_fault(noted, http_version)
                or fault
                or expectation_fault(noted, http_version)
            )
        fault = fault or field_count_fault(headers, self.context.limits)
        if fault is not None:
            self._refuse(fault)
            return
        self._good_host = host
        place = parse_target(self._method, target)
        if isinstance(place, Fault):
            self._refuse(place)
            return
        self._path = place.path
        if place.authority is not None:  # RFC 9112 3.2.2: it takes the place of Host
            headers = [(b"host", place.authority), *(h for h in headers if h[0] != b"host")]
        complete = self._message_complete
        modern = http_version == "1.1"
        exchange = self._exchange = Exchange(
            self,
            {
                "type": "http",
                "asgi": {"version": "3.0", "spec_version": "2.3"},
                "http_version": http_version,
                "method": self._method,
                "scheme": "http",
                "path": place.path,
                "raw_path": place.raw_path,
                "query_string": place.query,
                "root_path": "",
                "headers": headers,
                "client": self._client,
                "server": self._server,
                "state": self._app_state.copy(),
                "extensions": EXTENSIONS,
            },
            has_body=not complete,
            expects_continue=modern and not complete and b"expect" in noted,
            keep_alive=modern and (b"connection" not in noted or not closes(noted[b"connection"])),
        )
        self._used = True
        self._phase = Phase.BUSY
        self._deadline = math.inf
        if self.write_paused:  # by the answer to an earlier request
            self._watch_unsent()
        task = self._loop.create_task(self._run(exchange), context=self._variables.copy())
        self._server_state.tasks.add(task)
        if not complete:
            self._begin_body(noted, rest)
        elif rest:
            self._hold(rest)

    async def _run(self, exchange: Exchange) -> None:
        """Run the application for one request, and answer for it where it fails."""
        try:
            await self._app(exchange.scope, exchange.receive, exchange.send)
        except asyncio.CancelledError:
            if not exchange.done and not exchange.gone:
                self._refuse(SHUTTING_DOWN if self.context.draining else INTERNAL_ERROR)
            raise
        except Exception as error:  # noqa: BLE001 - the last line of defence; it is logged
            self._app_failed(exchange, error)
        else:
            if not exchange.done:
                self._app_failed(exchange, RuntimeError("The answer was left incomplete."))
        finally:
            task = asyncio.current_task()
            if task is not None:
                self._server_state.tasks.discard(task)

    def _app_failed(self, exchange: Exchange, error: Exception) -> None:
        if exchange.gone:
            # Most often the application noticed that its client left, which is no fault of its.
            logger.debug("the application failed after its client left", exc_info=error)
            return
        request_id = new_request_id()
        logger.error("the application failed", exc_info=error, extra={"request_id": request_id})
        if not exchange.done:
            self._refuse(INTERNAL_ERROR, request_id)

    # --- the body ---------------------------------------------------------------------------

    def _begin_body(self, noted: dict[bytes, bytes], rest: bytes) -> None:
        self._phase = Phase.BODY
        chunked = b"transfer-encoding" in noted
        self._body_left = None if chunked else int(noted[b"content-length"])
        if not chunked:
            # All that llhttp would do is copy it. It is left behind where it waits for this body.
            self._parser = httptools.HttpRequestParser(self)
        self._body_bytes = 0
        self._framing_bytes = 0
        self._headers = []  # trailer fields, which are counted and dropped
        self._body_started = self._loop.time()
        self._arm_body()
        if rest:
            self._take_body(rest)

    def _take_body(self, data: bytes) -> None:
        """Take a part of the body, never beyond its end where its length is known."""
        rest = b""
        left = self._body_left
        if left is None:
            if not self._take_chunks(data):
                return
        else:
            if len(data) > left:
                data, rest = data[:left], data[left:]
            self._body_left = left - len(data)
            self.on_body(data)
            self._message_complete = len(data) == left
        if self._message_complete:
            self._end_body(rest)
        elif self._phase == Phase.BODY:
            exchange = self._exchange
            if exchange is not None and exchange.buffered > self.context.limits.body_buffer_bytes:
                self._pause_reading()
                self._body_paused_at = self._loop.time()
            self._arm_body()

    def _take_chunks(self, data: bytes) -> bool:
        """Have llhttp take the chunks apart; False where they were refused."""
        before = self._body_bytes
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            if not self._overrun:
                self._refuse(malformed(f"The body is not framed as HTTP/1.1 asks: {error}."))
                return False
        if self._has_bad_framing(len(data), grew=self._body_bytes > before):
            self._refuse(TRAILER_TOO_LARGE)
            return False
        return True

    def _has_bad_framing(self, received: int, *, grew: bool) -> bool:
        """Tell whether a chunked body brings endless chunk extensions or trailer fields."""
        self._framing_bytes = 0 if grew else self._framing_bytes + received
        limits = self.context.limits
        return (
            self._framing_bytes > limits.header_bytes or len(self._headers) > limits.header_fields
        )

    def _end_body(self, rest: bytes) -> None:
        if self._phase == Phase.DISCARD:
            self._next_request(rest)
            return
        self._phase = Phase.BUSY
        self._deadline = math.inf
        if self.write_paused:
            self._watch_unsent()
        if self._exchange is not None:
            if self._overrun:
                # Where the next request begins is not known. A server may close after any answer,
                # and the client then repeats what was not answered (RFC 9112 9.3.2 and 9.6).
                self._exchange.keep_alive = False
                rest = b"?"
            self._exchange.end_body()
        if rest:
            self._hold(rest)

    def _arm_body(self) -> None:
        exchange = self._exchange
        limits = self.context.limits
        if exchange is None or exchange.awaits_invitation or self._reading_paused:
            self._deadline = math.inf  # it is not the client that we wait for
        elif not self.write_paused:
            allowed = limits.body_seconds + self._body_bytes / limits.body_bytes_per_second
            stalled_at = self._loop.time() + limits.body_stall_seconds
            self._arm_at(min(stalled_at, self._body_started + allowed))

    def body_taken(self) -> None:
        """Read on after the application took what had gathered."""
        if self._reading_paused and self._phase == Phase.BODY:
            self._resume_reading()
            self._body_started += self._loop.time() - self._body_paused_at
            self._arm_body()

    def body_invited(self) -> None:
        """Start the clock of a body that was asked for with 100 Continue."""
        if self._phase == Phase.BODY:
            self._body_started = self._loop.time()
            self._arm_body()

    # --- one request after the other --------------------------------------------------------

    def keeps_alive(self) -> bool:
        """Tell whether another request can follow the answer that is about to begin."""
        if self.context.draining or (self._end_of_input and not self._pending):
            return False
        if self._phase != Phase.BODY or self._exchange is None:
            return True
        # An answer before the end of the body: a short rest is dropped, a long one not awaited. A
        # client that was not invited may send its body or not, so that nothing can follow.
        left = self._body_left
        short = left is not None and left <= self.context.limits.discard_bytes
        return short and not self._exchange.awaits_invitation

    def response_done(self) -> None:
        """Go on to the next request, or close."""
        self._server_state.total_requests += 1
        exchange, self._exchange = self._exchange, None
        keep_alive = exchange is not None and exchange.keep_alive
        if keep_alive and self._phase == Phase.BODY:
            self._phase = Phase.DISCARD
            self._resume_reading()
            self._arm(self.context.limits.linger_idle_seconds)
        elif keep_alive:
            self._next_request(self._pending)
        elif self._pending or self._phase == Phase.BODY:
            self._linger()
        else:
            self._close()

    def _hold(self, data: bytes) -> None:
        """Keep what a client pipelines until it is its turn."""
        self._pending += data
        self._pause_reading()

    def _next_request(self, data: bytes) -> None:
        self._phase = Phase.IDLE
        self._method = ""
        self._path = None
        self._arm(self.context.limits.keep_alive_seconds)
        if data:
            self._pending = b""
            self._resume_reading()
            self.data_received(data)
        if self._end_of_input and self._phase in (Phase.IDLE, Phase.HEAD):
            self._close()
