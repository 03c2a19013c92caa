"""Rounds of appends: through the store, and as the driver would do it alone."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count

import msgspec
from uuid_utils.compat import uuid7

from commands.ports import Appended
from infra.postgres import APPLICATION_ROLE
from tests.support.log import AT, METADATA, a_stream, append, connected, numbered, open_log

BARE_TABLE = """
create table bare_events (
  position    bigint      generated always as identity primary key,
  category    text        not null,
  stream_id   uuid        not null,
  version     int         not null check (version > 0),
  event_id    uuid        not null,
  type        text        not null,
  data        json        not null,
  metadata    json        not null,
  recorded_at timestamptz not null,
  unique (stream_id, category, version)
)
"""
BARE_INSERT = """
insert into bare_events
  (category, stream_id, version, event_id, type, data, metadata, recorded_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
"""

EVENT = numbered(1, size=240)
"""About 300 bytes of JSON."""

Call = Callable[[int], Awaitable[None]]
"""Appends one event for the caller of this number, and returns once it is durable."""


@asynccontextmanager
async def appenders(url: str, callers: int) -> AsyncIterator[dict[str, Call]]:
    """Open a store, and as many bare connections as callers; give a way to call each."""
    encode = msgspec.json.Encoder().encode
    async with AsyncExitStack() as stack:
        log = await stack.enter_async_context(open_log(url))
        connections = [await stack.enter_async_context(connected(url)) for _ in range(callers)]
        for connection in connections:
            await connection.execute(f"set role {APPLICATION_ROLE}")
        inserts = [await connection.prepare(BARE_INSERT) for connection in connections]

        async def through_store(_: int) -> None:
            result = await log.store.append(append(a_stream(), EVENT))
            assert isinstance(result, Appended), result

        async def bare(caller: int) -> None:
            data, metadata = encode(EVENT).decode(), encode(METADATA).decode()
            await inserts[caller].fetch(
                "post", uuid7(), 1, uuid7(), "post.edited.v1", data, metadata, AT
            )

        yield {"store": through_store, "bare": bare}


async def calls_per_second(call: Call, callers: int, seconds: float) -> float:
    """Let each caller call again and again for this time, and tell the rate of all together."""
    done = count()
    start = time.perf_counter()

    async def caller(number: int) -> None:
        while time.perf_counter() - start < seconds:
            await call(number)
            next(done)

    await asyncio.gather(*map(caller, range(callers)))
    return next(done) / (time.perf_counter() - start)


async def make_bare_table(url: str) -> None:
    """Create the table of the bare INSERTs: the same columns, a primary key, unique versions."""
    async with connected(url) as owner:
        await owner.execute(BARE_TABLE)
        await owner.execute(f"grant insert on bare_events to {APPLICATION_ROLE}")
