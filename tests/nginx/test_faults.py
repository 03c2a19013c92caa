"""Specifies what clients see when backends die, hang or are away."""

import asyncio

import httpx
import pytest

from tests.nginx.backends import Behaviour, backend, breaks_off, dies, hangs, tells
from tests.nginx.front import Running, fronted, problem_of_nginx
from tests.support.ports import free_ports
from tests.support.programs import needs

pytestmark = needs("nginx")

CHANGES = ("POST", "PATCH")
REPEATABLE = ("GET", "HEAD", "PUT", "DELETE", "OPTIONS")


async def _ask(front: Running, method: str) -> httpx.Response:
    content = b"{}" if method in {"POST", "PATCH", "PUT"} else None
    return await front.tls.request(method, "/posts", content=content)


async def test_a_backend_that_dies() -> None:
    """A request that was being worked on is 502."""
    async with (
        backend(dies) as one,
        backend(dies) as other,
        fronted([one.address, other.address], fails=0) as front,
    ):
        answers = [await _ask(front, method) for method in ("GET", "POST", "HEAD")]
        upload = await front.tls.post("/upload", content=b"{}")

    problem_of_nginx(upload, 502, "bad_gateway")
    for answer in answers:
        assert answer.status_code == 502
    problem_of_nginx(answers[0], 502, "bad_gateway")
    problem_of_nginx(answers[1], 502, "bad_gateway")
    assert [asked.method for asked in one.asked + other.asked].count("POST") == 2


@pytest.mark.parametrize("behaviour", [dies, hangs])
async def test_what_changes_nothing_twice_is_tried_again(behaviour: Behaviour) -> None:
    """Idempotent requests get their answer from the next backend, and nobody sees the fault."""
    async with (
        backend(behaviour) as bad,
        backend(tells) as good,
        fronted([bad.address, good.address], fails=0, answer_seconds=0.3) as front,
    ):
        for method in REPEATABLE:
            answers = [await _ask(front, method) for _ in range(2)]

            assert [answer.status_code for answer in answers] == [200, 200], method

    assert {asked.method for asked in bad.asked} == set(REPEATABLE)


@pytest.mark.parametrize("method", CHANGES)
async def test_what_may_change_something_twice_is_not(method: str) -> None:
    """A POST or PATCH that reached a backend reaches no other one."""
    async with (
        backend(dies) as bad,
        backend(tells) as good,
        fronted([bad.address, good.address], fails=0) as front,
    ):
        statuses = [(await _ask(front, method)).status_code for _ in range(6)]

    assert sorted(statuses) == [200] * len(good.asked) + [502] * len(bad.asked)
    assert bad.asked
    assert len(good.asked) + len(bad.asked) == 6


async def test_a_backend_that_hangs() -> None:
    """A request that gets no answer in time is 504, and others are served meanwhile."""
    async with backend(hangs) as bad, fronted([bad.address], answer_seconds=0.5) as front:
        posts = asyncio.create_task(_ask(front, "POST"))
        refused = await front.tls.get("/metrics")
        answer = await posts

    problem_of_nginx(refused, 404, "route_not_found")
    problem_of_nginx(answer, 504, "gateway_timeout")
    assert len(bad.asked) == 1


async def test_a_backend_that_is_away() -> None:
    """Whatever was not sent yet goes to another one, changes as well."""
    [nobody] = free_ports(1)
    async with (
        backend(tells) as good,
        fronted([f"127.0.0.1:{nobody}", good.address]) as front,
    ):
        answers = [await _ask(front, method) for method in (*CHANGES, *REPEATABLE) * 2]

    assert {answer.status_code for answer in answers} == {200}


async def test_no_backend_at_all() -> None:
    """Where none can be reached it is 502, and 200 as soon as one is back."""
    [port] = free_ports(1)
    async with fronted([f"127.0.0.1:{port}"]) as front:
        problem_of_nginx(await _ask(front, "GET"), 502, "bad_gateway")
        problem_of_nginx(await _ask(front, "POST"), 502, "bad_gateway")
        assert "connect() failed" in front.nginx.log()


async def test_an_answer_that_breaks_off() -> None:
    """Half an answer never looks whole."""
    async with backend(breaks_off) as bad, fronted([bad.address]) as front:
        with pytest.raises(httpx.RemoteProtocolError):
            await _ask(front, "GET")
