"""Makes another generation the one that is served, in one short transaction."""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec
from uuid_utils.compat import uuid7

from commands.ports import Metadata, StoreUnavailableError
from domain import projection as history
from infra.projections.catch_up import Target, catch_up
from infra.projections.generations import QUERIES, Standing
from infra.store.codec import Codec

NEAR = 20
"""A round with so few events is the last before all appends wait: there are fewer still to come."""
_ROUNDS = 20

_TRIES = 60
_PAUSE_SECONDS = 0.5
_LEAD_SECONDS = 3.0
_APPEND_LOCK_SECONDS = 2.0
_TABLE_LOCK_SECONDS = 0.05
"""While a table is waited for, whoever comes behind waits as well."""


class Record(msgspec.Struct, frozen=True):
    """What the log keeps of it."""

    event: Callable[[int], history.ProjectionEvent]
    """Given the position at which the generations changed places."""
    now: Callable[[], datetime]
    actor: UUID | None = None
    correlation: str | None = None
    """With the request that it answers."""


class CutOver(msgspec.Struct, frozen=True):
    """The generations have changed places."""

    position: int
    held_seconds: float
    """How long appends waited."""
    tries: int


async def approach(connection: asyncpg.Connection, target: Target, at: int) -> int:
    """Catch up in rounds until few events are left, and give the position that is reached."""
    for _ in range(_ROUNDS):
        upto = await goal(connection, target)
        await catch_up(connection, target, at, upto)
        missed, at = upto - at, max(at, upto)
        if missed <= NEAR:
            break
    return at


async def goal(connection: asyncpg.Connection, target: Target, *, lock: bool = False) -> int:
    """Tell how far a generation must have come to stand where the served one does."""
    query = "lock_standing" if lock else "position"
    position: int | None = await connection.fetchval(QUERIES[query], target.projection.name)
    head: int = await connection.fetchval(QUERIES["head"])
    return head if position is None else min(position, head)


async def cut_over(
    connection: asyncpg.Connection,
    standing: Standing,
    target: Target,
    at: int,
    record: Record,
) -> CutOver:
    """Serve the target, which stands at a position, once it has seen all that the served one has.

    Tried again while somebody reads a table for long: nobody is made to wait for that reader.
    Raises `StoreUnavailableError` when it could not be done in the end.
    """
    for number in range(1, _TRIES + 1):
        if not target.projection.inline:
            # From now on the projector writes nothing, and no lock need be held for that.
            await connection.execute(QUERIES["lead"], standing.name, uuid7(), _LEAD_SECONDS)
        at = await approach(connection, target, at)
        try:
            position, held = await _try(connection, standing, target, at, record)
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            await asyncio.sleep(_PAUSE_SECONDS)
        else:
            return CutOver(position, held, number)
    raise StoreUnavailableError(
        f"a long transaction has been reading {standing.name} all the time: nothing was changed"
    )


async def _try(
    connection: asyncpg.Connection,
    standing: Standing,
    target: Target,
    at: int,
    record: Record,
) -> tuple[int, float]:
    inline = target.projection.inline
    async with connection.transaction():
        await _limit(connection, _APPEND_LOCK_SECONDS)
        if inline:
            await connection.execute(QUERIES["lock_appends"])
        began = time.perf_counter()
        upto = await goal(connection, target, lock=True)
        await catch_up(connection, target, at, upto)
        await _limit(connection, _TABLE_LOCK_SECONDS)
        await connection.execute(
            QUERIES["serve_generation"],
            standing.name,
            target.generation,
            target.projection.schema_version,
            upto,
            None if inline else upto,
        )
        await _limit(connection, _APPEND_LOCK_SECONDS)
        await _append(connection, record, upto)
    return upto, time.perf_counter() - began


async def _limit(connection: asyncpg.Connection, seconds: float) -> None:
    await connection.execute(f"set local lock_timeout = {round(seconds * 1000)}")


async def _append(connection: asyncpg.Connection, record: Record, position: int) -> None:
    """Append in the transaction that is open: it is recorded if, and only if, it was done."""
    event = record.event(position)
    metadata = Metadata(type(event).__name__, record.actor, correlation=record.correlation)
    await connection.execute(
        QUERIES["record"],
        history.stream(event.name).id,
        msgspec.json.encode(metadata).decode(),
        record.now(),
        uuid7(),
        type(event).__struct_config__.tag,
        Codec().encode(event),
    )
