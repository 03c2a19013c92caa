"""Rebuilds a projection beside the one that is served, compares the two, and changes their places.

Reads and writes go on all the while. Whatever happens on the way, a process killed included, what
is served is one whole generation; what an interrupted rebuild leaves is dropped by the next one.
The steps, and why nothing is lost between them, are in docs/adr/0015-rebuilding.md.
"""

import os
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Literal, Protocol, TypeVar
from uuid import UUID

import asyncpg
import msgspec

from domain.projection import Rebuilt, Undone
from infra.projections.catch_up import Target, catch_up
from infra.projections.compare import Comparison, Side, compare
from infra.projections.connection import rebuild_connection
from infra.projections.cut_over import CutOver, Record, approach, cut_over, goal
from infra.projections.folding import CannotFoldError
from infra.projections.generations import (
    QUERIES,
    Busy,
    Standing,
    rebuild_lock,
    skipped_positions,
    standing,
)
from infra.projections.load import LoadError, load
from infra.projections.load_worker import Setup
from projections.registry import Projection

Step = Literal["begin", "load", "index", "catch-up", "compare", "cut-over", "clean"]

_DROP_SECONDS = 5.0

T = TypeVar("T")


class Watch(Protocol):
    """Is told how far a rebuild has come."""

    def step(self, step: Step) -> None:
        """Take note that a step begins."""
        ...

    def loaded(self, read: int, total: int) -> None:
        """Take note of how many events are read, and about how many there are."""
        ...


class Unwatched:
    """Nobody looks."""

    def step(self, step: Step) -> None:
        """Go on."""

    def loaded(self, read: int, total: int) -> None:
        """Go on."""


class Refused(msgspec.Struct, frozen=True):
    """It cannot be done, and nothing was changed."""

    reason: str


class Rebuild(msgspec.Struct, frozen=True):
    """A new generation is served; the one before is kept."""

    generation: int
    comparison: Comparison
    cut_over: CutOver


async def _nothing() -> None:
    """Go on."""


class Ordered(msgspec.Struct, frozen=True):
    """What to rebuild, where, and how."""

    url: str
    projection: Projection
    watch: Watch
    now: Callable[[], datetime]
    processes: int = 0
    """0: as many as there are cores."""
    before_serving: Callable[[], Awaitable[None]] = _nothing
    """Awaited when all is ready; what it raises ends the rebuild, and nothing has changed."""
    asked_by: UUID | None = None
    """The account, if it was one."""
    correlation: str | None = None
    """What the log shall connect it with."""


async def rebuild(order: Ordered) -> Rebuild | Busy | Refused:
    """Make a new generation and serve it. Raises `StoreUnavailableError` on an outage."""

    async def work(connection: asyncpg.Connection) -> Rebuild | Refused:
        at_first = await standing(connection, order.projection)
        if at_first.schema_version > order.projection.schema_version:
            return Refused(
                f"the tables of {at_first.name} are of schema version {at_first.schema_version}, "
                f"which is newer than this program's ({order.projection.schema_version})"
            )
        target, at = await _made(connection, order)
        comparison = await _compared(connection, order, at_first, target, at)

        def event(position: int) -> Rebuilt:
            return Rebuilt(
                at_first.name, target.generation, position, comparison.rows, comparison.differing
            )

        await order.before_serving()
        order.watch.step("cut-over")
        record = Record(event, order.now, order.asked_by, order.correlation)
        done = await cut_over(connection, at_first, target, comparison.position, record)
        await _clean(connection, order)
        return Rebuild(target.generation, comparison, done)

    return await _alone(order, work)


async def compare_with_log(order: Ordered) -> Comparison | Busy | Refused:
    """Make a new generation, compare it with what is served, and drop it again."""

    async def work(connection: asyncpg.Connection) -> Comparison:
        at_first = await standing(connection, order.projection)
        target, at = await _made(connection, order)
        comparison = await _compared(connection, order, at_first, target, at)
        await _clean(connection, order)
        return comparison

    return await _alone(order, work)


async def undo(order: Ordered) -> CutOver | Busy | Refused:
    """Serve the generation that was served before the last rebuild, brought up to date."""

    async def work(connection: asyncpg.Connection) -> CutOver | Refused:
        at_first = await standing(connection, order.projection)
        previous = at_first.previous
        if previous is None:
            return Refused(f"there is no earlier generation of {at_first.name} to go back to")
        if previous.schema_version != order.projection.schema_version:
            return Refused(
                f"the earlier generation of {at_first.name} is of schema version "
                f"{previous.schema_version}: a program of that version can go back to it"
            )
        skipped = await skipped_positions(connection, order.projection)
        target = Target(order.projection, previous.generation, skipped)
        if previous.position > await goal(connection, target):
            return Refused(
                f"the earlier generation of {at_first.name} knows events that the log does not have"
            )
        order.watch.step("cut-over")
        return await cut_over(
            connection,
            at_first,
            target,
            previous.position,
            Record(
                lambda position: Undone(at_first.name, previous.generation, position), order.now
            ),
        )

    return await _alone(order, work)


async def _alone(
    order: Ordered, work: Callable[[asyncpg.Connection], Awaitable[T]]
) -> T | Busy | Refused:
    """Do it if nobody else is at it, and leave nothing behind that is half done."""
    try:
        async with (
            rebuild_connection(order.url) as connection,
            rebuild_lock(connection, order.projection) as busy,
        ):
            return busy or await work(connection)
    except (CannotFoldError, LoadError) as error:
        await _drop_what_is_left(order)
        return Refused(str(error))
    except asyncpg.UniqueViolationError as error:
        await _drop_what_is_left(order)
        return Refused(
            f"the log gives {order.projection.name} two rows where there can be one "
            f"({error.constraint_name}): see `ledgerpress events verify`"
        )
    except BaseException:
        await _drop_what_is_left(order)
        raise


async def _made(connection: asyncpg.Connection, order: Ordered) -> tuple[Target, int]:
    """Make a generation that stands near the one that is served, and tell its position."""
    projection, watch = order.projection, order.watch
    watch.step("begin")
    await _drop_strays(connection, projection)
    skipped = await skipped_positions(connection, projection)
    generation: int = await connection.fetchval(QUERIES["begin_generation"], projection.name)
    target = Target(projection, generation, skipped)
    watch.step("load")
    at = await goal(connection, target)
    setup = Setup(order.url, projection.name, generation, at, skipped)
    await load(connection, projection, setup, order.processes or os.cpu_count() or 1, watch.loaded)
    watch.step("index")
    await connection.execute(QUERIES["index_generation"], projection.name, generation)
    watch.step("catch-up")
    return target, await approach(connection, target, at)


async def _compared(
    connection: asyncpg.Connection, order: Ordered, served: Standing, target: Target, at: int
) -> Comparison:
    """Compare both generations at one position: that of a moment which a transaction keeps."""
    order.watch.step("compare")
    async with (
        rebuild_connection(order.url) as before,
        before.transaction(isolation="repeatable_read", readonly=True),
    ):
        position = await goal(before, target)
        await catch_up(connection, target, at, position)
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            return await compare(
                target.projection,
                position,
                Side(before, served.generation),
                Side(connection, target.generation),
            )


async def _clean(connection: asyncpg.Connection, order: Ordered) -> None:
    order.watch.step("clean")
    try:
        await _drop_strays(connection, order.projection)
    except asyncpg.LockNotAvailableError:
        return  # somebody still reads it; the next rebuild drops it


async def _drop_strays(connection: asyncpg.Connection, projection: Projection) -> None:
    async with connection.transaction():
        await connection.execute(f"set local lock_timeout = {round(_DROP_SECONDS * 1000)}")
        await connection.execute(QUERIES["drop_stray_generations"], projection.name)


async def _drop_what_is_left(order: Ordered) -> None:
    """Drop what was begun, unless somebody else has begun since: then it is for them to do."""
    async with (
        rebuild_connection(order.url) as connection,
        rebuild_lock(connection, order.projection) as busy,
    ):
        if busy is None:
            await _drop_strays(connection, order.projection)
