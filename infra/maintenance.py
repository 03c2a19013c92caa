"""Maintenance: begun and ended by a command, noticed by every process of the API."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from commands.maintenance import Maintenance
from commands.ports import StoreUnavailableError
from infra.postgres import Database
from projections.database import load_queries

QUERIES = load_queries(Path(__file__).with_suffix(".sql"))
LOOK_SECONDS = 0.4
"""How often a process looks: it follows within a second."""
_FIRST_READS = 10
"""How often it tries to read what holds when it starts."""


class PostgresMaintenance:
    """The one row that says that the product is in maintenance, and why."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self) -> Maintenance | None:
        """Give it, or None where all is as usual."""
        return await self._one("maintenance")

    async def begin(self, reason: str, retry_after_seconds: int) -> Maintenance:
        """Begin, or give another reason. A reason has up to 500 characters."""
        begun = await self._one("begin_maintenance", reason, retry_after_seconds)
        assert begun is not None  # noqa: S101 - the statement returns its row
        return begun

    async def end(self) -> Maintenance | None:
        """End it, and give what it was; None where it was not."""
        return await self._one("end_maintenance")

    async def _one(self, query: str, *args: object) -> Maintenance | None:
        rows = await self._database.fetch(QUERIES[query], *args)
        return Maintenance(*rows[0]) if rows else None


async def _first(maintenance: PostgresMaintenance) -> Maintenance | None:
    """Read it before anything is served: on a busy machine not all get a connection at once."""
    for _ in range(_FIRST_READS - 1):
        try:
            return await maintenance.read()
        except StoreUnavailableError:
            await asyncio.sleep(LOOK_SECONDS)
    return await maintenance.read()


@asynccontextmanager
async def watched(
    maintenance: PostgresMaintenance, tell: Callable[[Maintenance | None], None]
) -> AsyncIterator[None]:
    """Tell what holds, before the block begins and then again and again while inside.

    While the database is away the last word counts: it may be away because of the maintenance.
    """
    tell(await _first(maintenance))

    async def watch() -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                tell(await maintenance.read())
            except StoreUnavailableError:
                continue

    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(watch())
        try:
            yield
        finally:
            watching.cancel()
