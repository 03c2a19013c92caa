"""The life of one connection: its phases, its timer, refusing, lingering and closing.

What the bytes of a request mean lives in `protocol.py`, which inherits from here. A connection
has one timer, moved lazily: a deadline that moves later costs no more than an assignment, so a
busy connection touches the event loop's timers about once a minute.
"""

import asyncio
import contextvars
import logging
import math
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from enum import IntEnum
from typing import Any, ClassVar, cast

from uvicorn.config import Config
from uvicorn.server import ServerState

from infra.http_server.exchange import AsgiApp, Exchange
from infra.http_server.limits import HttpLimits
from infra.http_server.problems import (
    BODY_TIMEOUT,
    HEADER_TIMEOUT,
    TOO_MANY_CONNECTIONS,
    Fault,
    ProblemBody,
    default_problem_body,
    new_request_id,
    problem_response,
)

logger = logging.getLogger(__name__)

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_TIMER_SLACK_SECONDS = 0.001


class Phase(IntEnum):
    """What a connection is waiting for."""

    IDLE = 0  # the first byte of a request
    HEAD = 1  # the rest of a header
    BODY = 2  # the rest of a body, while the application runs
    BUSY = 3  # the application, which has the whole request
    DISCARD = 4  # the rest of a body that nobody wants, to serve the next request
    LINGER = 5  # the client to close, after our last byte
    CLOSING = 6  # the client to take what is queued


@dataclass(slots=True)
class ServerContext:
    """What all connections of a server share."""

    limits: HttpLimits = field(default_factory=HttpLimits)
    problem_body: ProblemBody = default_problem_body
    on_refused: Callable[[str, int, str], None] = lambda _method, _status, _error: None
    draining: bool = False
    date_second: int = -1
    date_line: bytes = b""


class Connection(asyncio.Protocol):
    """A connection as uvicorn's server, the event loop and the clock see it."""

    context: ClassVar[ServerContext] = ServerContext()

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """Make a connection with the arguments that uvicorn's server gives."""
        self._app: AsgiApp = config.loaded_app
        self._server_state = server_state
        self._app_state = app_state
        self._loop = _loop or asyncio.get_running_loop()
        # Requests start from callbacks of other requests; none may see another's variables.
        self._variables = contextvars.copy_context()
        self._phase = Phase.IDLE
        self._exchange: Exchange | None = None
        self._method = ""
        self._path: str | None = None
        self._used = False  # a request has been served

        self._buffer = bytearray()  # an incomplete head
        self._pending = b""  # what a client pipelined behind a complete request
        self._reading_paused = False
        self._end_of_input = False
        self._writable: asyncio.Event | None = None
        self._unsent = 0
        self._descriptor: int | None = None

        self._deadline = math.inf
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = math.inf
        self._linger_until = 0.0

    # --- what the event loop tells ----------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, or refuse the connection where there are too many."""
        self.transport = cast(asyncio.Transport, transport)
        self.write = self.transport.write
        self._client = _address(transport.get_extra_info("peername"))
        self._server = _address(transport.get_extra_info("sockname"))
        connections = cast(set[asyncio.Protocol], self._server_state.connections)
        connections.add(self)
        allowed = self.context.limits.connections
        if len(connections) <= allowed:
            self._arm(self.context.limits.header_seconds)
        elif len(connections) <= allowed + allowed // 8 + 1:
            self._refuse(TOO_MANY_CONNECTIONS)
        else:  # even a refusal costs a descriptor for as long as it lingers
            self._reset()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Tell everyone who waits."""
        self._phase = Phase.CLOSING
        cast(set[asyncio.Protocol], self._server_state.connections).discard(self)
        self._deadline = math.inf
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._drop_exchange()

    def eof_received(self) -> bool:
        """Keep the connection for an answer that is due: a client may close one direction only."""
        self._end_of_input = True
        if self._phase == Phase.BUSY and self._exchange is not None:
            self._exchange.close_input()
        else:
            self._drop_exchange()
            self._close()
        return True  # it is ours to close

    def pause_writing(self) -> None:
        """Let the application wait, and watch that the client reads."""
        self._writable = asyncio.Event()
        self._watch_unsent()

    def resume_writing(self) -> None:
        """Let the application go on."""
        if self._writable is not None:
            self._writable.set()
            self._writable = None
        if self._phase == Phase.BUSY:
            self._deadline = math.inf
        elif self._phase == Phase.BODY:
            self._arm_body()

    def shutdown(self) -> None:
        """Finish what runs and close; asked by uvicorn's server once the context is draining."""
        if self._phase == Phase.IDLE:
            # What the kernel has already is read before a timer can run, and a client that has
            # just connected is about to ask: neither shall be reset.
            self._arm(0.05 if self._used else 0.5)
        elif self._phase == Phase.HEAD:
            self._arm(0.5)

    # --- ends -------------------------------------------------------------------------------

    def _refuse(self, fault: Fault, request_id: str | None = None) -> None:
        """Answer in place of the application, if that can still be done, and close."""
        exchange = self._drop_exchange()
        if exchange is None or not exchange.started:
            request_id = request_id or new_request_id()
            logger.info(
                "refused: %d %s",
                fault.status,
                fault.error,
                extra={"request_id": request_id, "detail": fault.detail},
            )
            answer = problem_response(
                fault,
                body_of=self.context.problem_body,
                request_id=request_id,
                path=self._path,
                date=self.date_line(),
                without_body=self._method == "HEAD" or self._buffer.startswith(b"HEAD "),
            )
            self.write(answer)
            self.context.on_refused(self._method, fault.status, fault.error)
        elif exchange.ends_by_close:
            self._reset()  # an orderly end would make half an answer look whole
            return
        self._linger()

    def _drop_exchange(self) -> Exchange | None:
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.disconnect()
        if self._writable is not None:
            self._writable.set()
        return exchange

    def _linger(self) -> None:
        """Send FIN and read on for a while: closing with unread bytes resets the connection.

        A reset makes the client's kernel drop what it received, our answer included.
        """
        if self.transport.is_closing():
            return
        if self._end_of_input:
            self._close()
            return
        self._phase = Phase.LINGER
        self._pending = b""
        self._buffer.clear()
        self._resume_reading()
        self.transport.write_eof()
        self._linger_until = self._loop.time() + self.context.limits.linger_seconds
        self._keep_lingering()

    def _keep_lingering(self) -> None:
        idle_until = self._loop.time() + self.context.limits.linger_idle_seconds
        self._arm_at(min(idle_until, self._linger_until))

    def _close(self) -> None:
        """Close once everything queued is sent."""
        if self.transport.is_closing():
            return
        self._phase = Phase.CLOSING
        self.transport.close()
        self._watch_unsent()

    def _reset(self) -> None:
        """End at once and drop what is queued, in the kernel too."""
        self._phase = Phase.CLOSING
        if self._client is not None:  # a Unix socket has no such thing
            handle = self.transport.get_extra_info("socket")
            handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.transport.abort()

    # --- flow -------------------------------------------------------------------------------

    @property
    def write_paused(self) -> bool:
        """Whether more is queued for the client than it should be."""
        return self._writable is not None

    @property
    def unsent(self) -> int:
        """How many bytes the transport still holds."""
        return self.transport.get_write_buffer_size()

    @property
    def descriptor(self) -> int:
        """The socket's, which the transport owns."""
        if self._descriptor is None:
            self._descriptor = self.transport.get_extra_info("socket").fileno()
        return self._descriptor

    @property
    def closing(self) -> bool:
        """Whether the socket is closed or about to be."""
        return self.transport.is_closing()

    def abort(self) -> None:
        """Give the connection up: its client is gone, which the transport has yet to notice."""
        self.transport.abort()

    async def writable(self) -> None:
        """Wait until the client has taken enough, or is gone."""
        if self._writable is not None:
            await self._writable.wait()

    def _pause_reading(self) -> None:
        if not self._reading_paused and not self.transport.is_closing():
            self._reading_paused = True
            self.transport.pause_reading()

    def _resume_reading(self) -> None:
        if self._reading_paused:
            self._reading_paused = False
            if not self.transport.is_closing():
                self.transport.resume_reading()

    def date_line(self) -> bytes:
        """Give the Date field, made anew each second.

        uvicorn's own is up to a second late: what changed in this second would then have a
        Last-Modified after the Date, which RFC 9110, section 8.8.2.1, forbids.
        """
        context = self.context
        second = int(time.time())
        if second != context.date_second:
            context.date_second = second
            context.date_line = b"date: %b\r\n" % formatdate(second, usegmt=True).encode()
        return context.date_line

    # --- time -------------------------------------------------------------------------------

    def _arm(self, seconds: float) -> None:
        self._arm_at(self._loop.time() + seconds)

    def _arm_at(self, when: float) -> None:
        self._deadline = when
        if self._timer is None or self._timer_at > when:
            if self._timer is not None:
                self._timer.cancel()
            self._timer_at = when
            self._timer = self._loop.call_at(when, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        if self._deadline == math.inf:
            return
        if self._deadline > self._loop.time() + _TIMER_SLACK_SECONDS:
            self._arm_at(self._deadline)
            return
        self._deadline = math.inf
        self._expire()

    def _expire(self) -> None:
        if self._phase == Phase.CLOSING or (self.write_paused and self._exchange is not None):
            if self.transport.get_write_buffer_size() < self._unsent:
                self._watch_unsent()  # slow, but it reads
            else:
                self._reset()
        elif self._phase == Phase.HEAD:
            self._refuse(HEADER_TIMEOUT)
        elif self._phase == Phase.BODY:
            self._refuse(BODY_TIMEOUT)
        else:  # idle or lingering for long enough
            self._close()

    def _watch_unsent(self) -> None:
        """Cut off a client that takes nothing for too long."""
        self._unsent = self.transport.get_write_buffer_size()
        self._arm(self.context.limits.write_stall_seconds)

    def _arm_body(self) -> None:
        """Set the deadline of a body that is being received."""
        raise NotImplementedError


def _address(name: object) -> tuple[str, int] | None:
    """Give host and port of a TCP socket's name; a Unix socket has none."""
    return (str(name[0]), int(name[1])) if isinstance(name, tuple) else None
