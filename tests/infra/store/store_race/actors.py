"""Those who take part in a race: callers, readers, and stores whose transaction is held open."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from commands.ports import Append, Recorded
from infra.bootstrap import INLINE_TABLES
from infra.postgres import APPLICATION_ROLE, QUERY_SECONDS, Database, KeptConnection, outages
from infra.store.codec import Codec
from infra.store.event_store import PostgresEventStore
from infra.store.hints import Hints
from tests.infra.store.store_race.checks import Attempt, History, Row
from tests.support.log import Log


class _OneConnection(KeptConnection):
    """Runs everything on one connection of the test's, in whatever transaction it is."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._raw = connection

    async def fetch(
        self, query: str, *args: object, seconds: float = QUERY_SECONDS
    ) -> Sequence[Any]:
        """Run a query."""
        with outages():
            return await self._raw.fetch(query, *args, timeout=seconds)


class _HeldDatabase(Database):
    """A database of one connection."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._raw = connection

    def keep(self) -> KeptConnection:
        """Give the connection."""
        return _OneConnection(self._raw)


class SlowStore:
    """The store in a transaction that ends when the test says so."""

    def __init__(self, connection: asyncpg.Connection, history: History) -> None:
        database = _HeldDatabase(connection)
        tables = [table.name for table in INLINE_TABLES]
        self._store = PostgresEventStore(database, Codec(), Hints(), tables)
        self._connection = connection
        self._history = history
        self._open: Attempt | None = None

    async def append(self, append: Append) -> None:
        """Append without committing; its caller is told nothing before the commit."""
        with outages():
            await self._connection.execute("begin")
        try:
            self._open = Attempt(append, await self._store.append(append))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is judged at the end
            self._history.attempts.append(Attempt(append, error))

    async def commit(self) -> None:
        """Commit, and so tell the caller."""
        told, self._open = self._open, None
        with outages():
            await self._connection.execute("commit")
        if told is not None:
            self._history.attempts.append(told)

    async def roll_back(self) -> None:
        """Leave nothing behind."""
        self._open = None
        with outages():
            await self._connection.execute("rollback")


@asynccontextmanager
async def slow_store(url: str, history: History) -> AsyncIterator[SlowStore]:
    """Connect for a transaction to hold open."""
    connection = await asyncpg.connect(url, timeout=30)
    try:
        await connection.execute(
            f"set role {APPLICATION_ROLE}; set application_name = 'ledgerpress'"
        )
        yield SlowStore(connection, history)
    finally:
        connection.terminate()  # it may have been cut already


async def attempt(log: Log, append: Append, history: History) -> None:
    """Append and remember what the caller was told."""
    try:
        outcome = await log.store.append(append)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is judged at the end
        history.attempts.append(Attempt(append, error))
    else:
        history.attempts.append(Attempt(append, outcome))


async def read_on(log: Log, reader: str, history: History) -> None:
    """Read what came after the last event that this reader saw."""
    seen = history.readers.setdefault(reader, [])
    async for page in log.log.recorded(after=seen[-1].position if seen else 0):
        seen += map(_row, page)


def _row(recorded: Recorded) -> Row:
    return Row(recorded.position, recorded.stream, recorded.version, recorded.event_id)
