"""Reading the log: streams of 100 by several callers, and all of it by one."""

import asyncio
import resource
import time
from collections.abc import Sequence

import msgspec

from domain.stream import Stream
from tests.bench.appends import EVENT, calls_per_second
from tests.support.log import a_stream, append, connected, open_log

STREAM_EVENTS = 100


class WholeLog(msgspec.Struct, frozen=True):
    """What reading everything took."""

    events: int
    seconds: float
    before_mb: float
    """The process's peak memory before reading."""
    peak_mb: float


async def fill(url: str, streams: int) -> list[Stream]:
    """Append streams of 100 events."""
    made = [a_stream() for _ in range(streams)]
    async with open_log(url) as log:
        for start in range(0, streams, 20):
            await asyncio.gather(
                *(
                    log.store.append(append(stream, *[EVENT] * STREAM_EVENTS))
                    for stream in made[start : start + 20]
                )
            )
    async with connected(url) as owner:
        await owner.execute("vacuum analyze events")  # as the server does by itself a minute later
    return made


async def streams_per_second(url: str, streams: Sequence[Stream], seconds: float) -> float:
    """Read streams one after the other with 8 callers, each event decoded."""
    callers = 8
    places = list(range(0, len(streams), len(streams) // callers))
    async with open_log(url) as log:

        async def read(caller: int) -> None:
            places[caller] = (places[caller] + 1) % len(streams)
            recorded = await log.store.read_stream(streams[places[caller]])
            assert len(recorded) == STREAM_EVENTS

        await calls_per_second(read, callers, seconds / 10)
        return await calls_per_second(read, callers, seconds)


async def read_everything(url: str) -> WholeLog:
    """Read the whole log, each event decoded."""
    async with open_log(url) as log:
        await log.log.head()
        before = _peak_mb()
        events = 0
        start = time.perf_counter()
        async for page in log.log.recorded():
            events += len(page)
        return WholeLog(events, time.perf_counter() - start, before, _peak_mb())


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
