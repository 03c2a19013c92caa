"""Work that is repeated: it starts at once, waits its time, and stops within it."""

import asyncio
from itertools import count

from workers.periodic import repeat


async def test_at_once_and_again() -> None:
    """The first round comes at once, the next ones after the pause."""
    stop, rounds = asyncio.Event(), 0

    async def work() -> None:
        nonlocal rounds
        rounds += 1
        if rounds == 3:
            stop.set()

    async with asyncio.timeout(30):
        await repeat(work, name="test", every_seconds=0.001, stop=stop)

    assert rounds == 3


async def test_stops_in_its_pause() -> None:
    """Being told to stop ends a long pause at once."""
    stop, worked = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        worked.set()

    running = asyncio.create_task(repeat(work, name="test", every_seconds=3600, stop=stop))
    await worked.wait()
    stop.set()

    async with asyncio.timeout(30):
        await running


async def test_woken() -> None:
    """What wakes it ends the pause, and counts also when it comes during a round."""
    stop, wake, rounds = asyncio.Event(), asyncio.Event(), asyncio.Queue[int]()
    numbers = count(1)

    async def work() -> None:
        rounds.put_nowait(number := next(numbers))
        if number == 2:
            wake.set()

    running = asyncio.create_task(
        repeat(work, name="test", every_seconds=3600, stop=stop, wake=wake)
    )
    async with asyncio.timeout(30):
        first = await rounds.get()
        wake.set()
        seen = [first, await rounds.get(), await rounds.get()]
        stop.set()
        await running

    assert seen == [1, 2, 3]


async def test_told_before_it_began() -> None:
    """Where it is told to stop already, nothing is done."""
    stop = asyncio.Event()
    stop.set()

    async def work() -> None:
        raise AssertionError

    await repeat(work, name="test", every_seconds=3600, stop=stop)
