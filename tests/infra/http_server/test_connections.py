"""How connections are kept, shared and closed; bodies that are read late, partly or not at all."""

import contextlib
import contextvars

import pytest

from infra.http_server.exchange import Message, Receive, Send
from tests.infra.http_server.apps import Gate, Switch, read_body, reply
from tests.infra.http_server.live_server import LiveServer

GET = b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n"


def test_requests_follow_one_another(mirror_server: LiveServer) -> None:
    """A connection is kept for the next request, with and without bodies."""
    with mirror_server.connect() as client:
        for number in range(3):
            client.send(GET % number)
            answer = client.answer()
            client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n%d\r\n" % number)
            posted = client.answer()

            assert answer.problem["path"] == f"/{number}"
            assert posted.problem["body"] == str(number)
            assert not posted.closed


def test_pipelined_requests_are_answered_in_order(mirror_server: LiveServer) -> None:
    """Requests sent in one go are answered one by one (RFC 9112 9.3.2)."""
    post = b"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
    with mirror_server.connect() as client:
        client.send(b"".join(GET % number for number in range(50)) + post + GET % 50 + b"\r\n")
        answers = [client.answer().problem["path"] for _ in range(52)]

    assert answers == [*(f"/{number}" for number in range(50)), "/p", "/50"]


def test_a_bad_request_behind_a_good_one_is_refused_after_it(mirror_server: LiveServer) -> None:
    """Each pipelined request is judged by itself."""
    with mirror_server.connect() as client:
        client.send(GET % 1 + b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n" + GET % 2)
        first = client.answer()
        second = client.answer()

    assert first.status == 200
    assert (second.status, second.closed) == (501, True)


def test_a_request_in_the_packet_that_ends_a_chunked_body_is_left(
    mirror_server: LiveServer,
) -> None:
    """Where such a request begins is not known, so the connection ends after the answer."""
    with mirror_server.connect() as client:
        client.send(
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"3\r\nabc\r\n0\r\n\r\n" + GET % 2
        )
        answer = client.answer()

    assert (answer.status, answer.problem["body"], answer.closed) == (200, "abc", True)


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
def test_close_is_honoured(mirror_server: LiveServer, version: bytes) -> None:
    """`Connection: close`, and HTTP/1.0 whatever it says, end with the answer."""
    answer = mirror_server.ask(
        b"GET / HTTP/%b\r\nHost: a\r\nConnection: Keep-Alive, Close\r\n\r\n" % version
    )

    assert (answer.status, answer.closed) == (200, True)


def test_a_client_may_close_its_own_direction(mirror_server: LiveServer) -> None:
    """A half-closed connection still gets the answers to what it asked."""
    with mirror_server.connect() as client:
        client.send(GET % 1 + GET % 2)
        client.finish()
        first = client.answer()
        second = client.answer()

        assert [first.status, second.status] == [200, 200]
        assert client.rest() == b""


def test_continue_is_sent_when_the_body_is_read(mirror_server: LiveServer) -> None:
    """100 Continue invites the body once the application asks for it (RFC 9110 10.1.1)."""
    head = b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
    with mirror_server.connect() as client:
        client.send(head)
        invitation = client.line(), client.line()
        client.send(b"abc")
        answer = client.answer()
        client.send(head + b"def")
        uninvited = client.answer()

    assert invitation == (b"HTTP/1.1 100 Continue\r\n", b"\r\n")
    assert answer.problem["body"] == "abc"
    assert uninvited.problem["body"] == "def", "a body that came along needs no invitation"


def test_continue_is_not_sent_where_the_body_is_not_read(early_server: LiveServer) -> None:
    """Without an invitation the answer is final and the connection ends."""
    answer = early_server.ask(
        b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
    )

    assert (answer.status, answer.body, answer.closed) == (200, b"early", True)


def test_a_short_body_that_nobody_reads_is_dropped(early_server: LiveServer) -> None:
    """After an early answer the connection serves the next request once the body has come."""
    with early_server.connect() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc")
        first = client.answer()
        client.send(b"def" + GET % 2)
        second = client.answer()

    assert (first.status, first.closed) == (200, False)
    assert second.status == 200


@pytest.mark.parametrize(
    "framing", [b"Content-Length: 8000000", b"Transfer-Encoding: chunked"], ids=["length", "chunks"]
)
def test_an_early_answer_survives_a_long_body(early_server: LiveServer, framing: bytes) -> None:
    """A client that writes all of its body first still reads the early answer, without a reset."""
    with early_server.connect() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\n%b\r\n\r\n" % framing)
        for _ in range(100):
            client.send(b"2710\r\n" + b"a" * 10_000 + b"\r\n")
        answer = client.answer()

    assert (answer.status, answer.body, answer.closed) == (200, b"early", True)


def test_a_refusal_survives_a_long_request(mirror_server: LiveServer) -> None:
    """The answer to an oversized header is read by a client that is still writing."""
    with mirror_server.connect() as client:
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\n")
        for _ in range(100):
            client.send(b"X: " + b"a" * 10_000 + b"\r\n")
        answer = client.answer()

    assert (answer.status, answer.closed) == (431, True)


def test_a_body_waits_for_a_slow_application(
    impatient_server: tuple[LiveServer, Switch],
) -> None:
    """The server reads little more than the application takes, and loses nothing."""
    buffered: list[int] = []

    async def slow(_scope: Message, receive: Receive, send: Send) -> None:
        total = 0
        more = True
        while more:
            message = await receive()
            buffered.append(len(message["body"]))
            total += len(message["body"])
            more = message["more_body"]
        await reply(send, b"%d" % total)

    server, switch = impatient_server
    switch.app = slow
    answer = server.ask(
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\n" + b"a" * 5_000_000
    )

    assert answer.body == b"5000000"
    assert max(buffered) <= 300_000, "more than one read of the socket was kept"


def test_an_application_hears_that_its_client_left(
    impatient_server: tuple[LiveServer, Switch],
) -> None:
    """A client that goes away ends the body with `http.disconnect`."""
    outcomes: list[bytes | None] = []
    gate = Gate()

    async def watch(_scope: Message, receive: Receive, send: Send) -> None:
        gate.reached.release()
        outcomes.append(await read_body(receive))
        await reply(send)
        gate.reached.release()

    server, switch = impatient_server
    switch.app = watch
    with server.connect() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na")

        assert gate.reached.acquire(timeout=30)
    assert gate.reached.acquire(timeout=30)
    assert outcomes == [None]


def test_no_variable_leaks_from_one_request_into_the_next(
    impatient_server: tuple[LiveServer, Switch],
) -> None:
    """Context variables set for one request are not seen by those pipelined behind it."""
    person: contextvars.ContextVar[bytes] = contextvars.ContextVar("person", default=b"nobody")

    async def remember(scope: Message, _receive: Receive, send: Send) -> None:
        before = person.get()
        person.set(scope["raw_path"])
        await reply(send, before)

    server, switch = impatient_server
    switch.app = remember
    with server.connect() as client:
        client.send(GET % 1 + GET % 2)
        seen = [client.answer().body, client.answer().body]

    assert seen == [b"nobody", b"nobody"]


def test_a_server_outlives_clients_that_leave(mirror_server: LiveServer) -> None:
    """Clients that reset in the middle of anything leave no connection behind."""
    for sent in (b"", b"G", GET % 1, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\na"):
        for _ in range(20):
            with mirror_server.connect() as client:
                client.reset_on_close()
                with contextlib.suppress(ConnectionError):
                    client.send(sent)

    assert mirror_server.ask(GET % 1).status == 200
