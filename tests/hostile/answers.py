"""Sends bytes and reads the answer, without a loop: what is generated is sent from a thread."""

import asyncio
import socket
import time
from collections.abc import Coroutine
from contextlib import suppress
from http.client import HTTPException, HTTPResponse
from typing import Any, TypeVar

from tests.hostile.target import Target
from tests.support.http import DEADLINE, RawAnswer

T = TypeVar("T")
_IDLE = 1.0
"""Seconds that no server takes for idle."""
STREAM = "text/event-stream"


class Visitor:
    """A connection for code in a thread, and the target's callers."""

    def __init__(self, target: Target, loop: asyncio.AbstractEventLoop) -> None:
        self.target = target
        self._loop = loop
        self._socket: socket.socket | None = None
        self._last = b""
        self._heard = 0.0
        self.cut: list[bytes] = []
        """Requests after which the connection was closed though the answer did not say so."""

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Let the loop do something, and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(DEADLINE)

    def ask(self, method: str, request: bytes) -> RawAnswer | None:
        """Give the answer, or nothing where the server said nothing whole, twice.

        It may have closed a connection that was idle; a second time tells.
        """
        was_open, idle = self._socket is not None, time.monotonic() - self._heard
        answer = self._ask(method, request)
        if answer is None:
            if was_open and idle < _IDLE:
                self.cut.append(self._last)
            answer = self._ask(method, request)
        self._last, self._heard = request, time.monotonic()
        return answer

    def _ask(self, method: str, request: bytes) -> RawAnswer | None:
        try:
            if self._socket is None:
                host, _, port = self.target.address.rpartition(":")
                self._socket = socket.create_connection((host, int(port)), DEADLINE)
            with suppress(ConnectionError):  # it may have answered before it heard all
                self._socket.sendall(request)
            answer = HTTPResponse(self._socket, method=method)
            answer.begin()
            fields = [(name.lower(), value.strip()) for name, value in answer.headers.items()]
            streams = answer.headers.get("content-type", "").startswith(STREAM)
            body = b"" if streams else answer.read()
            if streams or answer.will_close:
                self.close()
            return RawAnswer(answer.status, fields, body)
        except (HTTPException, OSError):
            self.close()
            return None

    def close(self) -> None:
        """Hang up."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
