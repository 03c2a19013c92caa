"""Specifies that clients who are slow on purpose are cut off and harm nobody."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.nginx.backends import Backend, backend, tells
from tests.nginx.front import Running, fronted, trusting_context
from tests.support.http import DEADLINE
from tests.support.programs import needs

pytestmark = needs("nginx")

MANY = 2000
PATIENCE = 1.5
Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture
async def behind() -> AsyncIterator[Backend]:
    """Give a backend that tells what reaches it."""
    async with backend(tells) as running:
        yield running


@pytest.fixture
async def front(behind: Backend) -> AsyncIterator[Running]:
    """Give nginx with little patience, and one worker for everybody."""
    async with fronted(
        [behind.address], header_seconds=PATIENCE, body_seconds=PATIENCE, requests_per_client=200
    ) as running:
        yield running


async def _open(front: Running, count: int, *, tls: bool) -> list[Stream]:
    port, context = (front.https_port, trusting_context()) if tls else (front.http_port, None)
    streams: list[Stream] = []
    while len(streams) < count:
        batch = min(100, count - len(streams))
        opening = (asyncio.open_connection("localhost", port, ssl=context) for _ in range(batch))
        async with asyncio.timeout(DEADLINE):
            streams += await asyncio.gather(*opening)
    return streams


async def _others_are_served(front: Running) -> None:
    """Others get their answers meanwhile, on connections of their own as well."""
    answers = await asyncio.gather(*(front.tls.get("/posts") for _ in range(20)))
    plain = await front.plain.get("/posts")

    assert {answer.status_code for answer in answers} == {200}
    assert plain.status_code == 301


async def _all_are_cut_off(streams: list[Stream]) -> set[bytes]:
    """Wait until nginx has closed every one, and give what it said."""

    async def said(reader: asyncio.StreamReader) -> bytes:
        try:
            return await reader.read()
        except ConnectionError:
            return b""

    async with asyncio.timeout(DEADLINE):
        heard = await asyncio.gather(*(said(reader) for reader, _ in streams))
    for _, writer in streams:
        writer.close()
    return set(heard)


async def test_two_thousand_idle_sockets(front: Running) -> None:
    """They take nobody's place, and are closed when their time is up."""
    streams = await _open(front, MANY, tls=False)
    await _others_are_served(front)

    assert await _all_are_cut_off(streams) == {b""}
    await _others_are_served(front)


async def test_slow_headers(front: Running, behind: Backend) -> None:
    """A header without end is cut off, however steadily it comes; no backend hears of it."""
    streams = await _open(front, 50, tls=True)
    for _, writer in streams:
        writer.write(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n")

    async def drip() -> None:
        while True:
            for _, writer in streams:
                if not writer.is_closing():
                    writer.write(b"X: 1\r\n")
            await asyncio.sleep(PATIENCE / 10)

    dripping = asyncio.create_task(drip())
    try:
        await _others_are_served(front)
        assert await _all_are_cut_off(streams) == {b""}
    finally:
        dripping.cancel()
        await asyncio.gather(dripping, return_exceptions=True)
    assert "/slow" not in {asked.target for asked in behind.asked}


async def test_slow_bodies(front: Running, behind: Backend) -> None:
    """A body that stalls is cut off, and takes no backend's time."""
    streams = await _open(front, 100, tls=True)
    for _, writer in streams:
        writer.write(b"POST /slow HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nx")
    await _others_are_served(front)

    assert await _all_are_cut_off(streams) == {b""}
    assert "/slow" not in {asked.target for asked in behind.asked}
