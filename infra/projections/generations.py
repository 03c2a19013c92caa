"""The generations of a projection's tables: which is served, making another, leaving it again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import msgspec

from domain import projection as history
from domain.events import Event
from projections.database import load_queries
from projections.registry import Projection

QUERIES = load_queries(Path(__file__).with_name("generations.sql"))

_LOCK_SECONDS = 10.0
_RETRY_SECONDS = 0.1


class Busy(msgspec.Struct, frozen=True):
    """The projection is being rebuilt by somebody else."""


class Previous(msgspec.Struct, frozen=True):
    """The generation that was served before, kept to go back to."""

    generation: int
    position: int
    """Of the last event that its rows know."""
    schema_version: int


class Standing(msgspec.Struct, frozen=True):
    """Where a projection stands."""

    name: str
    schema_version: int
    generation: int
    position: int | None
    """Of the last event that was folded; None for an inline one, which is always at the head."""
    previous: Previous | None


async def standing(connection: asyncpg.Connection, projection: Projection) -> Standing:
    """Read where a projection stands."""
    row = await connection.fetchrow(QUERIES["standing"], projection.name)
    if row is None:
        raise LookupError(f"the database knows no projection {projection.name}")
    previous = None if row[4] is None else msgspec.json.decode(row[4], type=Previous)
    return Standing(row[0], row[1], row[2], row[3], previous)


@asynccontextmanager
async def rebuild_lock(
    connection: asyncpg.Connection, projection: Projection
) -> AsyncIterator[Busy | None]:
    """Be the only one who rebuilds the projection, for as long as the connection lasts.

    A process that was killed a moment ago may still hold it, so it is waited for a little.
    """
    deadline = asyncio.get_running_loop().time() + _LOCK_SECONDS
    for query in ("lock_rebuild", "lock_loading"):
        while not await connection.fetchval(QUERIES[query], projection.name):
            if asyncio.get_running_loop().time() > deadline:
                yield Busy()
                return
            await asyncio.sleep(_RETRY_SECONDS)
    await connection.fetchval(QUERIES["unlock_loading"], projection.name)
    yield None


async def skipped_positions(connection: asyncpg.Connection, projection: Projection) -> list[int]:
    """List the events that operators have left out of the projection."""
    stream = history.stream(projection.name)
    rows = await connection.fetch(QUERIES["skipped"], stream.id)
    decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)
    events = [decoder.decode(row[0]) for row in rows]
    return [event.position for event in events if isinstance(event, history.Skipped)]
