"""Time-outs and counts: what slow, idle and numerous clients get, with limits set short."""

import asyncio
import resource
import time
from dataclasses import replace
from typing import TypeAlias

import pytest

from infra.http_server import HttpLimits
from infra.http_server.exchange import Message, Receive, Send
from infra.http_server.run import affordable
from tests.infra.http_server.apps import Switch, early, mirror, read_body, reply
from tests.infra.http_server.conftest import QUICK, SHORT
from tests.infra.http_server.live_server import LOOPS, LiveServer, running

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n"
Impatient: TypeAlias = tuple[LiveServer, Switch]
on_each_loop = pytest.mark.parametrize("loop", LOOPS)


@pytest.mark.parametrize("before", [b"", GET], ids=["first request", "second request"])
def test_a_header_that_stalls_is_408(impatient_server: Impatient, before: bytes) -> None:
    """A header has to be complete in time, counted from its first byte."""
    server, _ = impatient_server
    with server.connect() as client:
        if before:
            client.send(before)
            client.answer()
        began = time.monotonic()
        client.send(b"GET / HTTP/1.1\r\nHo")
        answer = client.answer()

    assert (answer.status, answer.problem["error"]) == (408, "request_timeout")
    assert answer.closed
    assert time.monotonic() - began >= SHORT - 0.01


def test_a_trickle_does_not_extend_the_time_for_a_header(impatient_server: Impatient) -> None:
    """Byte after byte, the header still has one deadline."""
    server, _ = impatient_server
    with server.connect() as client:
        client.send(b"GET / HTTP/1.1\r\n")
        deadline = time.monotonic() + 30
        while not client.readable(0.02):
            client.send(b"X: y\r\n")

            assert time.monotonic() < deadline
        assert client.answer().status == 408


def test_a_silent_connection_is_closed_without_a_word(impatient_server: Impatient) -> None:
    """A connection on which no request begins is closed, before and after requests."""
    server, _ = impatient_server
    with server.connect() as unused, server.connect() as used:
        used.send(GET)
        used.answer()

        assert used.rest() == b""
        assert unused.rest() == b""


@pytest.mark.parametrize("sent", [POST, POST + b"abc"], ids=["no byte", "some bytes"])
def test_a_body_that_stalls_is_408(impatient_server: Impatient, sent: bytes) -> None:
    """A body has to go on."""
    server, _ = impatient_server
    answer = server.ask(sent)

    assert (answer.status, answer.problem["error"]) == (408, "request_timeout")
    assert answer.problem["instance"] == "/"
    assert answer.closed


@on_each_loop
def test_a_body_that_trickles_is_408(loop: str) -> None:
    """A body has to come at the least rate, however steadily it comes."""
    with (
        running(mirror, replace(QUICK, body_seconds=SHORT), loop) as server,
        server.connect() as client,
    ):
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n")
        deadline = time.monotonic() + 30
        while not client.readable(0.01):
            client.send(b"a")

            assert time.monotonic() < deadline
        assert client.answer().status == 408


def test_a_large_body_may_take_its_time() -> None:
    """At the least rate or above, a body is not bound by the seconds that a small one has."""
    limits = replace(QUICK, body_seconds=SHORT, body_bytes_per_second=100_000)
    with running(mirror, limits) as server, server.connect() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n")
        began = time.monotonic()
        for _ in range(10):
            client.send(b"a" * 10_000)
            client.readable(0.05)
        answer = client.answer()

    assert answer.status == 200
    assert time.monotonic() - began > SHORT


def test_the_time_of_the_application_is_not_the_clients(impatient_server: Impatient) -> None:
    """A body that waits for the application to read it does not time out."""

    async def slow(_scope: Message, receive: Receive, send: Send) -> None:
        await receive()
        await asyncio.sleep(2 * SHORT)
        await read_body(receive)
        await reply(send)

    server, switch = impatient_server
    switch.app = slow
    answer = server.ask(
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n" + b"a" * 3_000_000
    )

    assert answer.status == 200


def test_a_body_that_was_not_invited_does_not_stall(impatient_server: Impatient) -> None:
    """While 100 Continue is due, the client is right to wait."""

    async def slow(_scope: Message, receive: Receive, send: Send) -> None:
        await asyncio.sleep(2 * SHORT)
        await read_body(receive)
        await reply(send)

    server, switch = impatient_server
    switch.app = slow
    with server.connect() as client:
        client.send(POST.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"))

        assert client.line() == b"HTTP/1.1 100 Continue\r\n"
        client.line()
        client.send(b"a" * 100)
        assert client.answer().status == 200


@on_each_loop
def test_a_body_that_nobody_reads_is_not_awaited_for_long(loop: str) -> None:
    """After an early answer the rest has a short time to come, then the connection ends."""
    with (
        running(early, replace(QUICK, linger_idle_seconds=SHORT), loop) as server,
        server.connect() as client,
    ):
        client.send(POST)
        answer = client.answer()

        assert (answer.status, answer.closed) == (200, False)
        assert client.rest() == b""


@on_each_loop
def test_a_client_that_never_closes_is_left(loop: str) -> None:
    """After a refusal the client has a bounded time to close, even if it writes on and on."""
    limits = replace(QUICK, linger_idle_seconds=1.0, linger_seconds=SHORT)
    with running(mirror, limits, loop) as server, server.connect() as client:
        client.send(b"\x16")
        answer = client.answer()
        deadline = time.monotonic() + 30
        with pytest.raises(ConnectionError):  # noqa: PT012 - the loop is what has to fail
            while time.monotonic() < deadline:
                client.send(b"a")
                client.readable(0.01)

    assert answer.status == 400


async def _large(_scope: Message, _receive: Receive, send: Send) -> None:
    part = b"a" * 100_000
    await send({"type": "http.response.start", "status": 200})
    for _ in range(100):
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body"})


def test_a_client_that_reads_nothing_is_cut_off(impatient_server: Impatient) -> None:
    """An answer that nobody takes ends with the connection."""
    server, switch = impatient_server
    switch.app = _large
    with server.connect() as client:
        client.send(GET)

        assert client.was_reset(5)


def test_a_client_that_reads_slowly_is_served(impatient_server: Impatient) -> None:
    """Slow is not stalled: ten megabytes arrive whole, and others are served meanwhile."""
    server, switch = impatient_server
    switch.app = _large
    with server.connect() as client:
        client.send(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        received = 0
        began = time.monotonic()
        while data := client.socket.recv(200_000):
            received += len(data)
            time.sleep(0.01)  # a slow reader is what this test is about

    assert received > 10_000_000
    assert time.monotonic() - began > SHORT


@on_each_loop
def test_connections_beyond_the_limit_are_503(loop: str) -> None:
    """One connection too many is told to come back; it may, once another has gone."""
    with running(mirror, replace(QUICK, connections=2), loop) as server:
        with server.connect() as first, server.connect() as second:
            for client in (first, second):
                client.send(GET)
                client.answer()
            with server.connect() as third:
                refused = third.answer()
        deadline = time.monotonic() + 30
        while (served := server.ask(GET)).status != 200 and time.monotonic() < deadline:
            pass

    assert (refused.status, refused.problem["error"]) == (503, "too_many_connections")
    assert int(refused.headers["retry-after"]) >= 1
    assert served.status == 200


def test_idle_connections_harm_nobody() -> None:
    """Beside hundreds of idle and half-sent connections a request is answered at once."""
    with running(mirror, HttpLimits(drain_grace_seconds=0, drain_seconds=2)) as server:
        idle = [server.connect() for _ in range(400)]
        for client in idle[::2]:
            client.send(b"GET / HTTP/1.1\r\nHo")
        began = time.monotonic()
        answer = server.ask(GET)
        took = time.monotonic() - began
        for client in idle:
            client.close()

    assert answer.status == 200
    assert took < 15


@pytest.mark.parametrize(
    ("soft", "hard", "raised_to", "granted"),
    [
        (1024, 8192, [4864], 4096),
        (1024, resource.RLIM_INFINITY, [4864], 4096),
        (1024, 1156, [1156], 800),
        (9999, 9999, [], 4096),
    ],
)
def test_there_are_no_more_connections_than_descriptors(
    soft: int, hard: int, raised_to: list[int], granted: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process' limit is raised as far as needed and allowed; beyond it connections yield."""
    changed: list[int] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: changed.append(limits[0]))

    assert affordable(4096) == granted
    assert changed == raised_to
