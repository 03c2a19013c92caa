"""Specifies what nginx refuses by itself, before a backend hears of it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.nginx.backends import Backend, backend, hangs, tells
from tests.nginx.front import Running, check, fronted, problem_of_nginx
from tests.support.http import RawAnswer
from tests.support.programs import needs
from tests.support.waiting import eventually

pytestmark = needs("nginx")

MIB = 1024 * 1024


@pytest.fixture(scope="module")
async def behind() -> AsyncIterator[Backend]:
    """Give a backend that tells what reaches it."""
    async with backend(tells) as running:
        yield running


@pytest.fixture(scope="module")
async def front(behind: Backend) -> AsyncIterator[Running]:
    """Give nginx in front of it."""
    async with fronted([behind.address]) as running:
        yield running


async def _raw(front: Running, request: bytes, *, tls: bool = True) -> RawAnswer:
    async with front.raw() if tls else front.raw_plain() as connection:
        await connection.send(request)
        return await connection.answer()


def _problem(answer: RawAnswer, status: int, error: str) -> dict[str, Any]:
    members = answer.problem()
    assert (answer.status, members["status"], members["error"]) == (status, status, error)
    assert members["requestId"] == answer.field("x-request-id")
    assert answer.field("cache-control") == "no-store"
    assert answer.field("server") == "nginx"
    return members


@pytest.mark.parametrize(("path", "limit"), [("/posts", MIB), ("/upload", 10 * MIB)])
async def test_a_body_that_says_it_is_too_large(
    front: Running, behind: Backend, path: str, limit: int
) -> None:
    """It is 413 before it is sent, and the limit is told."""
    before = len(behind.asked)
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {limit + 100_000}\r\n\r\n"
    answer = await _raw(front, head.encode())

    assert _problem(answer, 413, "body_too_large")["maxBytes"] == limit
    assert len(behind.asked) == before


async def test_a_body_that_turns_out_too_large(front: Running, behind: Backend) -> None:
    """In chunks it is counted as it comes."""

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * 65536

    before = len(behind.asked)
    members = problem_of_nginx(
        await front.tls.post("/posts", content=chunks()), 413, "body_too_large"
    )

    assert members["maxBytes"] == MIB
    assert len(behind.asked) == before


async def test_bodies_within_the_limits(front: Running) -> None:
    """The largest ones that the settings allow pass."""
    for path, size in (("/posts", MIB), ("/upload", 10 * MIB)):
        assert (await front.tls.post(path, content=b"x" * size)).status_code == 200


async def test_a_target_that_is_too_long(front: Running) -> None:
    """It is 414; nearly as long passes."""
    answer = await _raw(front, b"GET /%b HTTP/1.1\r\nHost: localhost\r\n\r\n" % (b"a" * 8192))
    passed = await front.tls.get("/" + "a" * 8000)

    _problem(answer, 414, "uri_too_long")
    assert passed.status_code == 200


@pytest.mark.parametrize(
    "fields", [b"X: " + b"a" * 8192 + b"\r\n", (b"X: " + b"a" * 4000 + b"\r\n") * 10]
)
async def test_header_fields_that_are_too_large(front: Running, fields: bytes) -> None:
    """One or all together, they are 431."""
    answer = await _raw(front, b"GET / HTTP/1.1\r\nHost: localhost\r\n%b\r\n" % fields)

    _problem(answer, 431, "headers_too_large")


@pytest.mark.parametrize(
    ("request_", "status", "error"),
    [
        (b"NONSENSE\r\n\r\n", 400, "malformed_request"),
        (b"GET / HTTP/1.1\r\n\r\n", 400, "malformed_request"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, "malformed_request"),
        (b"GET /%00 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400, "malformed_request"),
        (
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n\r\n",
            400,
            "malformed_request",
        ),
        (
            b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n",
            400,
            "malformed_request",
        ),
        (b"TRACE / HTTP/1.1\r\nHost: localhost\r\n\r\n", 405, "method_not_allowed"),
        (b"GET / HTTP/7.0\r\nHost: localhost\r\n\r\n", 505, "http_version_not_supported"),
    ],
)
async def test_what_is_no_request(
    front: Running, behind: Backend, request_: bytes, status: int, error: str
) -> None:
    """It is refused as a problem, on either port, and reaches no backend."""
    before = len(behind.asked)
    for tls in (True, False):
        _problem(await _raw(front, request_, tls=tls), status, error)

    assert len(behind.asked) == before


async def test_plain_http_on_the_port_of_https(front: Running) -> None:
    """It is 400, as a problem."""
    front_of_plain = front.plain.build_request("GET", f"http://localhost:{front.https_port}/")
    answer = await front.plain.send(front_of_plain)

    assert (answer.status_code, answer.json()["error"]) == (400, "malformed_request")
    assert "strict-transport-security" not in answer.headers


async def test_metrics_are_for_those_inside(front: Running, behind: Backend) -> None:
    """However the path is spelled, they are not shown to the world."""
    before = len(behind.asked)
    for path in (b"/metrics", b"//metrics", b"/%6Detrics", b"/a/../metrics", b"/metrics?x"):
        answer = await _raw(front, b"GET %b HTTP/1.1\r\nHost: localhost\r\n\r\n" % path)
        _problem(answer, 404, "route_not_found")

    assert len(behind.asked) == before


async def test_too_many_requests_at_once() -> None:
    """One address has so many under way and no more: 429, and again when some have ended."""
    async with (
        backend(hangs) as behind,
        fronted([behind.address], requests_per_client=3, answer_seconds=1, fails=0) as front,
    ):

        async def reached() -> bool:
            return len(behind.asked) == 3

        waiting = [asyncio.create_task(front.tls.post("/posts")) for _ in range(3)]
        assert await eventually(reached)
        refused = await front.tls.post("/posts")
        ended = await asyncio.gather(*waiting)
        again = await front.tls.post("/posts")

    assert refused.headers["retry-after"] == "1"
    problem_of_nginx(refused, 429, "too_many_at_once")
    assert [each.status_code for each in [*ended, again]] == [504] * 4
    check(again)
