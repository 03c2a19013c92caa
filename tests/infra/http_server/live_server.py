"""A real server on a free port, in a thread with its own event loop, and a client of raw bytes."""

import asyncio
import contextlib
import http.client
import io
import json
import select
import socket
import struct
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, Self

import uvloop

from infra.http_server import HttpLimits, serve
from infra.http_server.exchange import AsgiApp

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "uvloop": uvloop.new_event_loop,
    "asyncio": asyncio.new_event_loop,
}
TIMEOUT_SECONDS = 30.0


@dataclass
class Answer:
    """One answer as the client saw it; `closed` where the server ended the connection after it."""

    status: int
    headers: dict[str, str]
    body: bytes
    closed: bool = False

    @property
    def problem(self) -> dict[str, Any]:
        """The body as problem details."""
        document = json.loads(self.body)
        assert isinstance(document, dict)
        return document


class Client:
    """A connection on which a test writes what it likes."""

    def __init__(self, address: tuple[str, int]) -> None:
        """Connect."""
        self.socket = socket.create_connection(address, timeout=TIMEOUT_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self.socket.makefile("rb")

    def send(self, data: bytes) -> None:
        """Write all of it."""
        self.socket.sendall(data)

    def drip(self, data: bytes) -> None:
        """Write byte by byte, as long as the server listens."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for index in range(len(data)):
                self.socket.sendall(data[index : index + 1])

    def finish(self) -> None:
        """Close the direction towards the server."""
        self.socket.shutdown(socket.SHUT_WR)

    def reset_on_close(self) -> None:
        """Make closing a reset, as a client that crashes does."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def readable(self, seconds: float) -> bool:
        """Wait for the server to say something, or to close."""
        return bool(select.select([self.socket], [], [], seconds)[0])

    def was_reset(self, seconds: float) -> bool:
        """Wait for a reset, reading nothing."""
        poll = select.poll()
        poll.register(self.socket, 0)  # errors are always told
        return bool(poll.poll(seconds * 1000))

    def line(self) -> bytes:
        """Read a line with its end."""
        return self._file.readline()

    def answer(self, method: str = "GET") -> Answer:
        """Read one answer, to the last byte that its framing promises."""
        response = http.client.HTTPResponse(_Readable(self._file), method=method)
        response.begin()
        body = response.read()
        headers = {name.lower(): value for name, value in response.getheaders()}
        closed = headers.get("connection") == "close"
        if closed:
            assert self.rest() == b"", "bytes after an answer that closes"
        return Answer(response.status, headers, body, closed)

    def rest(self) -> bytes:
        """Read until the server closes."""
        return self._file.read()

    def close(self) -> None:
        """Close both directions."""
        self._file.close()
        self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Readable(socket.socket):
    """Lets `http.client` read from a file that several answers share."""

    def __init__(self, file: io.BufferedReader) -> None:
        self._shared = _Unclosable(file)

    def makefile(self, *_: object, **__: object) -> Any:  # noqa: ANN401 - as in the base class
        return self._shared

    def __del__(self) -> None:
        """Own no descriptor."""


class _Unclosable:
    def __init__(self, file: io.BufferedReader) -> None:
        self._file = file

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - a proxy
        return getattr(self._file, name)

    def close(self) -> None:
        """Stay open for the next answer."""


@dataclass
class LiveServer:
    """A running server; `stop` begins its drain."""

    host: str
    port: int
    loop: asyncio.AbstractEventLoop
    stop_event: asyncio.Event
    thread: threading.Thread
    draining: threading.Event = field(default_factory=threading.Event)

    def connect(self) -> Client:
        """Open a connection."""
        return Client((self.host, self.port))

    def ask(self, data: bytes, method: str = "GET") -> Answer:
        """Send bytes on a connection of their own and read one answer."""
        with self.connect() as client:
            client.send(data)
            return client.answer(method)

    def stop(self) -> None:
        """Begin to drain."""
        self.loop.call_soon_threadsafe(self.stop_event.set)

    def wait(self) -> None:
        """Wait for the end."""
        self.thread.join(TIMEOUT_SECONDS)
        assert not self.thread.is_alive(), "the server did not stop"


@contextlib.contextmanager
def running(
    app: AsgiApp, limits: HttpLimits, loop: str = "uvloop"
) -> Generator[LiveServer, None, None]:
    """Serve an application until the block ends."""
    ready = threading.Event()
    box: list[LiveServer] = []

    async def main() -> None:
        stop = asyncio.Event()
        draining = threading.Event()

        def announce(address: str) -> None:
            host, _, port = address.removeprefix("http://").rpartition(":")
            running_loop = asyncio.get_running_loop()
            box.append(LiveServer(host, int(port), running_loop, stop, thread, draining))
            ready.set()

        await serve(app, stop=stop, limits=limits, on_ready=announce, on_draining=draining.set)

    def run() -> None:
        with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
            runner.run(main())

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(TIMEOUT_SECONDS), "the server did not start"
    server = box[0]
    try:
        yield server
    finally:
        if thread.is_alive():
            server.stop()
        server.wait()
