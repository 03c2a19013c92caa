"""How an application's answer becomes bytes, and what happens where the application is wrong."""

import logging
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import TypeAlias

import pytest

from infra.http_server.exchange import AsgiApp, Message, Receive, Send
from tests.infra.http_server.apps import Switch, reply
from tests.infra.http_server.live_server import Answer, LiveServer

Ask: TypeAlias = Callable[..., Answer]
AskRaw: TypeAlias = Callable[..., bytes]
REQUEST = b"%b / HTTP/1.%d\r\nHost: a\r\n\r\n"


@pytest.fixture(name="ask")
def _ask(switch_server: tuple[LiveServer, Switch]) -> Ask:
    server, switch = switch_server

    def ask(app: AsgiApp, method: str = "GET") -> Answer:
        switch.app = app
        return server.ask(REQUEST % (method.encode(), 1), method)

    return ask


@pytest.fixture(name="ask_raw")
def _ask_raw(switch_server: tuple[LiveServer, Switch]) -> AskRaw:
    server, switch = switch_server

    def ask(app: AsgiApp, minor: int = 1) -> bytes:
        switch.app = app
        with server.connect() as client:
            client.send(b"GET / HTTP/1.%d\r\nHost: a\r\nConnection: close\r\n\r\n" % minor)
            return client.rest()

    return ask


async def stream(_scope: Message, _receive: Receive, send: Send) -> None:
    """Answer in parts, without a length."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for part in (b"one", b"", b"two"):
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body"})


async def at_once(_scope: Message, _receive: Receive, send: Send) -> None:
    """Answer in one part, without a length."""
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": b"whole"})


def test_a_stream_is_chunked(ask_raw: AskRaw) -> None:
    """A body of unknown length is sent in chunks, and ends by them."""
    head, _, body = ask_raw(stream).partition(b"\r\n\r\n")

    assert b"\r\ntransfer-encoding: chunked\r\n" in head
    assert body == b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"


def test_http_1_0_gets_no_chunks(ask_raw: AskRaw) -> None:
    """A client of HTTP/1.0 gets the bytes until the connection ends (RFC 9112 6.1)."""
    head, _, body = ask_raw(stream, minor=0).partition(b"\r\n\r\n")

    assert b"transfer-encoding" not in head
    assert b"\r\nconnection: close" in head
    assert body == b"onetwo"


def test_a_body_in_one_part_gets_its_length(ask: Ask) -> None:
    """Where the whole body is there, its length is known."""
    answer = ask(at_once)

    assert (answer.headers["content-length"], answer.body) == ("5", b"whole")


@pytest.mark.parametrize("app", [stream, at_once, reply], ids=["stream", "at once", "length"])
def test_head_has_no_body(app: AsgiApp, switch_server: tuple[LiveServer, Switch]) -> None:
    """The answer to HEAD ends with its header, and the connection goes on."""

    async def each(scope: Message, receive: Receive, send: Send) -> None:
        await (reply(send) if app is reply else app(scope, receive, send))

    server, switch = switch_server
    switch.app = each
    with server.connect() as client:
        for _ in range(2):
            client.send(REQUEST % (b"HEAD", 1))
            answer = client.answer("HEAD")

            assert (answer.status, answer.body, answer.closed) == (200, b"", False)


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_body_has_none(status: int, ask_raw: AskRaw) -> None:
    """204 and 304 end with their header, and 204 has no length (RFC 9110 8.6)."""

    async def empty(_scope: Message, _receive: Receive, send: Send) -> None:
        await reply(send, b"", status, ((b"etag", b'"1.7"'),))

    head, _, body = ask_raw(empty).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b'\r\netag: "1.7"' in head
    assert b"chunked" not in head
    assert (b"content-length" in head) == (status == 304)
    assert body == b""


def test_an_answer_has_one_date_and_no_server(ask_raw: AskRaw) -> None:
    """Date is there once, the application's own if it has one; Server never."""

    async def dated(_scope: Message, _receive: Receive, send: Send) -> None:
        await reply(send, headers=((b"Date", b"Thu, 01 Jan 1970 00:00:00 GMT"),))

    own = ask_raw(dated).lower()
    made = ask_raw(at_once).lower()

    assert own.count(b"\r\ndate: ") == 1
    assert b"1970" in own
    assert made.count(b"\r\ndate: ") == 1
    assert b"\r\nserver:" not in made


def test_the_date_is_never_before_the_answer(ask_raw: AskRaw) -> None:
    """Or a Last-Modified of the same second would be later than it (RFC 9110, section 8.8.2.1)."""
    begun: list[int] = []

    async def timed(_scope: Message, _receive: Receive, send: Send) -> None:
        begun.append(int(time.time()))
        await reply(send)

    moments = []
    deadline = time.monotonic() + 10
    while len(set(begun)) < 2 and time.monotonic() < deadline:  # over the end of a second
        head = ask_raw(timed).decode("latin-1").lower()
        value = head.partition("\r\ndate: ")[2].partition("\r\n")[0]
        moments.append(int(parsedate_to_datetime(value).timestamp()))

    assert len(set(begun)) == 2
    assert all(date >= at for date, at in zip(moments, begun, strict=True))


@pytest.mark.parametrize("value", [b"a\r\nset-cookie: b", b"a\nb", b"a\x00b", b"a\x7f"])
def test_a_field_cannot_begin_another(
    value: bytes, caplog: pytest.LogCaptureFixture, ask: Ask
) -> None:
    """A control character in a field is a fault of the application, answered with 500."""

    async def splitting(_scope: Message, _receive: Receive, send: Send) -> None:
        await reply(send, headers=((b"x", value),))

    with caplog.at_level(logging.CRITICAL):
        answer = ask(splitting)

    assert (answer.status, answer.problem["error"]) == (500, "internal_error")
    assert "set-cookie" not in answer.headers


async def raises(_scope: Message, _receive: Receive, _send: Send) -> None:
    """Fail before the answer."""
    raise ValueError("secret")


async def raises_between(_scope: Message, _receive: Receive, send: Send) -> None:
    """Fail when nothing of the answer has been sent yet."""
    await send({"type": "http.response.start", "status": 200})
    raise ValueError("secret")


async def says_nothing(_scope: Message, _receive: Receive, _send: Send) -> None:
    """Return without an answer."""


async def sends_too_much(_scope: Message, _receive: Receive, send: Send) -> None:
    """Answer with more than was announced."""
    headers = [(b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"secret"})


@pytest.mark.parametrize("app", [raises, raises_between, says_nothing, sends_too_much])
def test_a_failed_application_is_500(
    app: AsgiApp, caplog: pytest.LogCaptureFixture, ask: Ask
) -> None:
    """A fault before the first byte is a problem that tells nothing, and a logged request id."""
    answer = ask(app)

    assert (answer.status, answer.problem["error"], answer.closed) == (500, "internal_error", True)
    assert b"secret" not in answer.body
    failure = next(record for record in caplog.records if record.levelno == logging.ERROR)
    assert failure.__dict__["request_id"] == answer.problem["requestId"]


@pytest.mark.parametrize("minor", [0, 1])
def test_a_failure_after_the_first_byte_cuts_the_answer(minor: int, ask_raw: AskRaw) -> None:
    """Nothing is invented: chunks stay open, and a body ended by closing is reset."""

    async def breaks(_scope: Message, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise ValueError("secret")

    if minor == 0:
        with pytest.raises(ConnectionResetError):
            ask_raw(breaks, minor)
    else:
        assert ask_raw(breaks).endswith(b"\r\n\r\n4\r\nhalf\r\n")


def test_an_answer_shorter_than_announced_is_cut(ask_raw: AskRaw) -> None:
    """A body that ends before its length closes the connection."""

    async def short(_scope: Message, _receive: Receive, send: Send) -> None:
        headers = [(b"content-length", b"9")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    assert ask_raw(short).endswith(b"\r\n\r\nhalf")
