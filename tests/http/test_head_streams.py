"""HEAD of what is answered in pieces."""

import asyncio

import pytest

from tests.support.product import Api


@pytest.mark.parametrize(
    ("address", "accept"),
    [("/events/live", "text/event-stream"), ("/events", "application/x-ndjson")],
)
async def test_head_of_a_stream_ends_at_once(api: Api, address: str, accept: str) -> None:
    """No body is made for nobody, and the connection serves the next request."""
    head = (
        f"HEAD {address} HTTP/1.1\r\nHost: {api.host}\r\n"
        f"Authorization: Bearer {api.auditor.token()}\r\nAccept: {accept}\r\n\r\n"
    )
    async with api.raw() as connection, asyncio.timeout(30):
        await connection.send(head.encode())
        first = await connection.answer("HEAD")
        await connection.send(head.encode())
        second = await connection.answer("HEAD")

    assert (first.status, second.status) == (200, 200)
