"""Starting and stopping: readiness, draining, and no request lost on the way."""

import asyncio
import socket
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from infra.http_server import HttpLimits, StartupFailed, serve
from infra.http_server.exchange import Message, Receive, Send
from tests.infra.http_server.apps import Gate, mirror, read_body, with_lifespan
from tests.infra.http_server.conftest import QUICK
from tests.infra.http_server.live_server import LOOPS, running

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
on_each_loop = pytest.mark.parametrize("loop", LOOPS)


@on_each_loop
def test_requests_in_flight_finish(loop: str) -> None:
    """A request that was accepted is answered, with `Connection: close`, and the server ends."""
    gate = Gate()
    with running(gate.app, QUICK, loop) as server, server.connect() as client:
        client.send(GET)

        assert gate.reached.acquire(timeout=30)
        server.stop()
        assert server.draining.wait(30)
        gate.open(server)
        answer = client.answer()
        server.wait()

        assert (answer.status, answer.closed) == (200, True)


@on_each_loop
def test_a_draining_server_accepts_until_the_grace_is_over(loop: str) -> None:
    """Readiness is told first; new connections are served while balancers take notice."""
    limits = replace(QUICK, drain_grace_seconds=0.2)
    with running(mirror, limits, loop) as server:
        server.stop()

        assert server.draining.wait(30)
        answer = server.ask(GET)
        assert (answer.status, answer.closed) == (200, True)
        server.wait()
        with pytest.raises(ConnectionRefusedError):
            server.connect()


@on_each_loop
def test_idle_connections_do_not_hold_up_the_end(loop: str) -> None:
    """Idle, unused and half-sent connections are closed soon after the grace."""
    with running(mirror, replace(QUICK, drain_seconds=60), loop) as server:
        used, unused, half = server.connect(), server.connect(), server.connect()
        with used, unused, half:
            used.send(GET)
            used.answer()
            half.send(b"GET")
            began = time.monotonic()
            server.stop()
            server.wait()

            assert time.monotonic() - began < 30
            assert used.rest() == b""
            assert unused.rest() == b""
            assert half.answer().status == 408


def test_requests_that_take_too_long_are_told() -> None:
    """When the time is over, what is in flight is cancelled and gets 503, uploads too."""
    reached = threading.Semaphore(0)
    outcomes: list[str] = []

    @with_lifespan
    async def endless(_scope: Message, receive: Receive, _send: Send) -> None:
        reached.release()
        try:
            await read_body(receive)
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            outcomes.append("cancelled")
            raise

    with (
        running(endless, replace(QUICK, drain_seconds=1)) as server,
        server.connect() as reader,
        server.connect() as uploader,
    ):
        reader.send(GET)
        uploader.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\na")

        assert reached.acquire(timeout=30)
        assert reached.acquire(timeout=30)
        began = time.monotonic()
        server.stop()
        answers = [reader.answer(), uploader.answer()]
        server.wait()
        assert time.monotonic() - began < 15

    assert outcomes == ["cancelled"] * 2
    for answer in answers:
        assert (answer.status, answer.problem["error"]) == (503, "draining")
        assert "retry-after" in answer.headers


def test_nothing_is_reset_under_load() -> None:
    """While clients ask without pause, stopping loses no request that was accepted."""
    served: list[int] = []
    lost: list[str] = []
    limits = HttpLimits(drain_grace_seconds=0.3, drain_seconds=5)
    with running(mirror, limits) as server:

        def keep_asking() -> None:
            while True:
                try:
                    client = server.connect()
                except ConnectionRefusedError:
                    return  # the listener is closed: nothing was accepted
                try:
                    with client:
                        closed = False
                        while not closed:
                            client.send(GET)
                            answer = client.answer()
                            closed = answer.closed
                            served.append(answer.status)
                except OSError as error:
                    lost.append(repr(error))
                    return

        clients = [threading.Thread(target=keep_asking) for _ in range(8)]
        for thread in clients:
            thread.start()
        deadline = time.monotonic() + 30
        while len(served) < 200 and time.monotonic() < deadline:
            time.sleep(0.01)
        server.stop()
        server.wait()
        for thread in clients:
            thread.join(30)

    assert lost == []
    assert set(served) == {200}


@on_each_loop
def test_connections_that_wait_in_the_kernel_are_served(loop: str) -> None:
    """What was connected but not yet accepted when the listener closes is answered."""
    started = threading.Event()
    release = threading.Event()

    @with_lifespan
    async def blocking(scope: Message, receive: Receive, send: Send) -> None:
        if scope["path"] == "/block":
            started.set()
            release.wait(30)  # holds the whole loop, on purpose
        await mirror(scope, receive, send)

    with running(blocking, replace(QUICK, drain_grace_seconds=0), loop) as server:
        with server.connect() as blocker:
            blocker.send(b"GET /block HTTP/1.1\r\nHost: a\r\n\r\n")

            assert started.wait(30)
            waiting = [server.connect() for _ in range(20)]
            for client in waiting:
                client.send(GET)
            server.stop()
            release.set()
            statuses = [client.answer().status for client in waiting]
            for client in waiting:
                client.close()

        assert statuses == [200] * 20


async def test_a_unix_socket_is_bound_and_removed(tmp_path: Path) -> None:
    """A Unix socket serves, takes the place of an abandoned one, and is gone afterwards."""
    path = tmp_path / "http.sock"
    with socket.socket(socket.AF_UNIX) as abandoned:
        abandoned.bind(str(path))
    ready = asyncio.Event()
    stop = asyncio.Event()
    heard: list[str] = []

    def announce(address: str) -> None:
        heard.append(address)
        ready.set()

    server = asyncio.create_task(
        serve(mirror, uds=str(path), stop=stop, limits=QUICK, on_ready=announce)
    )
    await asyncio.wait_for(ready.wait(), 5)
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(GET)
    line = await reader.readline()
    writer.close()
    await writer.wait_closed()
    stop.set()
    await asyncio.wait_for(server, 5)

    assert heard == [f"unix:{path}"]
    assert line == b"HTTP/1.1 200 OK\r\n"
    assert not path.exists()


async def test_a_taken_address_is_an_error_of_the_caller() -> None:
    """An address in use raises OSError before anything starts."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match="in use"):
            await serve(mirror, host="127.0.0.1", port=port, stop=asyncio.Event())


async def test_an_application_that_cannot_start_is_an_error_of_the_caller() -> None:
    """A lifespan that fails raises, and leaves no process exit behind."""

    async def broken(_scope: Message, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    with pytest.raises(StartupFailed):
        await serve(broken, stop=asyncio.Event())
