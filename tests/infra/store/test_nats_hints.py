"""Hints between processes: they arrive, they are few, and a broker that is gone harms nobody."""

import asyncio

from infra.store.hints import Hints
from infra.store.nats_hints import INTERVAL_SECONDS, shared_hints
from tests.support.ports import free_ports
from tests.support.waiting import eventually


async def heard_by(hints: Hints, sender: Hints) -> bool:
    """Tell whether a hint of the sender's comes through, asked until one does."""
    with hints.listen() as listener:
        heard = asyncio.create_task(listener.wait(60))

        async def through() -> bool:
            sender.appended()
            return heard.done()

        return await eventually(through)


async def test_to_others(nats_url: str) -> None:
    """A hint of one process wakes the listeners of another."""
    ours, theirs = Hints(), Hints()
    async with shared_hints(nats_url, ours), shared_hints(nats_url, theirs):
        assert await heard_by(theirs, ours)
        assert await heard_by(ours, theirs)


async def test_few(nats_url: str) -> None:
    """Many appends in a short time are one hint for the others, and the last one is told too."""
    ours, theirs, woken = Hints(), Hints(), 0
    async with shared_hints(nats_url, ours), shared_hints(nats_url, theirs):
        assert await heard_by(theirs, ours)
        loop = asyncio.get_running_loop()
        with theirs.listen() as listener:
            began = loop.time()
            while loop.time() - began < 10 * INTERVAL_SECONDS:
                ours.appended()
                await asyncio.sleep(0)
            while loop.time() - began < 20 * INTERVAL_SECONDS:
                await listener.wait(INTERVAL_SECONDS)
                woken += 1
                ours.appended()

    assert 0 < woken <= 25


async def test_no_broker() -> None:
    """Without a broker nothing waits and nothing fails, inside and on the way out."""
    (port,) = free_ports(1)
    hints = Hints()
    async with asyncio.timeout(30):
        async with shared_hints(f"nats://127.0.0.1:{port}", hints):
            with hints.listen() as listener:
                hints.appended()
                await listener.wait(0.01)

        hints.appended()


async def test_wrong_password(nats_url: str) -> None:
    """A broker that refuses us is like none at all."""
    address = nats_url.rpartition("@")[2]
    hints = Hints()
    async with asyncio.timeout(30), shared_hints(f"nats://a:wrong@{address}", hints):
        hints.appended()
        await asyncio.sleep(2 * INTERVAL_SECONDS)
        hints.appended()
