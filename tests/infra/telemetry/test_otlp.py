"""Handing traces over: whatever becomes of the collector, nobody waits for it."""

import asyncio
import logging
import socket
from collections.abc import Iterator

import pytest

from commands.tracing import Kind
from infra.telemetry.otlp import OtlpTracer
from tests.support.collector import collecting
from tests.support.waiting import eventually

MANY = 3000
"""More spans than may wait."""
HALF_A_MINUTE = 30
"""What the SDK would wait for at the end."""


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Keep the SDK's own words to itself, as the product does."""
    log = logging.getLogger("opentelemetry")
    before = log.level
    log.setLevel(logging.CRITICAL)
    yield
    log.setLevel(before)


def make(tracer: OtlpTracer, spans: int) -> None:
    """Begin and end so many spans."""
    for number in range(spans):
        tracer.begin("test", Kind.INTERNAL, {"number": number}).end()


async def test_all_are_handed_over() -> None:
    """By the end at the latest, and counted."""
    async with collecting() as collector:
        tracer = OtlpTracer(f"{collector.address}/", service="test", share=1)
        make(tracer, 700)
        await asyncio.to_thread(tracer.close)

    assert (tracer.handed_over, tracer.lost) == (700, 0)
    assert {span.attributes["number"] for span in collector.spans} == set(range(700))
    assert {span.service for span in collector.spans} == {"test"}


async def test_a_share_is_kept() -> None:
    """Spans of the rest are not recorded, and say so to those who go on from them."""
    async with collecting() as collector:
        tracer = OtlpTracer(collector.address, service="test", share=0)
        span = tracer.begin("test", Kind.SERVER, {})
        inner = tracer.begin("test", Kind.CLIENT, {}, parent=span.trace_parent)
        inner.end()
        span.end("failed")
        await asyncio.to_thread(tracer.close)

    assert not collector.spans
    assert not span.recorded
    assert not inner.recorded
    assert inner.trace_parent[:36] == span.trace_parent[:36]
    assert not int(span.trace_parent[-2:], 16) & 1


async def test_a_silent_collector_holds_nobody_up() -> None:
    """Neither who makes spans, of which too many are dropped, nor the end of the process."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        tracer = OtlpTracer(f"http://127.0.0.1:{silent.getsockname()[1]}", service="test", share=1)
        make(tracer, MANY)
        async with asyncio.timeout(HALF_A_MINUTE - 5):
            await asyncio.to_thread(tracer.close)

    assert tracer.handed_over == 0


async def test_a_collector_that_refuses_is_counted() -> None:
    """Spans that it does not take are lost, and those after them are tried all the same."""
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    tracer = OtlpTracer(f"http://127.0.0.1:{port}", service="test", share=1)
    make(tracer, 10)

    async def lost() -> bool:
        return tracer.lost == 10

    assert await eventually(lost, within=30)
    await asyncio.to_thread(tracer.close)


async def test_a_malformed_parent_is_none() -> None:
    """The span begins a trace of its own, and is linked to nothing."""
    malformed = [
        "",
        "00",
        f"00-{'0' * 32}-{'b' * 16}-01",
        f"00-{'a' * 32}-{'0' * 16}-01",
        f"ff-{'a' * 32}-{'b' * 16}-01",
        f"00-{'A' * 32}-{'b' * 16}-01",
        f"00-{'a' * 32}-{'b' * 16}-01\n",
        f"00-{'a' * 32}-{'b' * 16}-01-more",
        "x" * 10_000,
    ]
    async with collecting() as collector:
        tracer = OtlpTracer(collector.address, service="test", share=1)
        for parent in malformed:
            tracer.begin("test", Kind.SERVER, {}, parent=parent, links=[parent]).end()
        await asyncio.to_thread(tracer.close)

    assert [(span.parent, span.links) for span in collector.spans] == [("", [])] * len(malformed)
    assert len({span.trace for span in collector.spans}) == len(malformed)
