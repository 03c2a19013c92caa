"""The way to PostgreSQL: one bounded pool, every wait with a limit, outages as one exception."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, Self

import asyncpg
from asyncpg import exceptions as pg

from commands.ports import StoreUnavailableError
from infra.circuit_breaker import CircuitBreaker
from projections.registry import PROJECTIONS

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy
    from asyncpg.prepared_stmt import PreparedStatement

APPLICATION_ROLE = "ledgerpress_app"
"""What the running product may do: nothing that changes or removes an event."""

SCHEMA_VERSIONS = " ".join(f"{p.name}:{p.schema_version}" for p in PROJECTIONS.values())
"""Of the rows that this program writes: see `require_schema_version` in migration 0005."""

CONNECT_SECONDS = 5.0
ACQUIRE_SECONDS = 0.5
QUERY_SECONDS = 0.8
"""The last two leave time to answer 503 within a second."""

_OUTAGES = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection that was cut and does not know it yet
    pg.PostgresConnectionError,
    pg.OperatorInterventionError,
    pg.InsufficientResourcesError,
    pg.ReadOnlySQLTransactionError,
    pg.LockNotAvailableError,
)


class Database:
    """Short queries on a pool of connections, as the role of the application."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool
        self._kept: list[KeptConnection] = []
        self._returning: set[asyncio.Task[None]] = set()
        self.breaker = CircuitBreaker(self._probe)

    @classmethod
    async def connect(cls, url: str, *, connections: int = 10) -> Self:
        """Open the pool. Raises `StoreUnavailableError` when nobody answers at the address."""
        with outages():
            try:
                pool = await asyncpg.create_pool(
                    url,
                    # One at once, to see that somebody answers. No lower limit later: in an
                    # outage the pool would try to keep to it, and log each try with a traceback.
                    init_size=1,
                    min_size=0,
                    max_size=connections,
                    timeout=CONNECT_SECONDS,
                    reset=_leave_as_is,
                    # jit: plans of short queries are cheaper than compiling them.
                    server_settings={
                        "application_name": "ledgerpress",
                        "jit": "off",
                        "role": APPLICATION_ROLE,
                        # What it writes into tables of another version is refused.
                        "ledgerpress.schema_versions": SCHEMA_VERSIONS,
                    },
                )
            except TimeoutError as error:
                raise _no("answer", CONNECT_SECONDS) from error
        return cls(pool)

    @property
    def connections(self) -> tuple[int, int, int]:
        """How many connections there are, how many of these are idle, how many there may be."""
        pool = self._pool
        return pool.get_size(), pool.get_idle_size(), pool.get_max_size()

    async def close(self) -> None:
        """Close the connections, at once where they do not end by themselves."""
        await self.breaker.close()
        for kept in self._kept:
            kept.give_back()
        try:
            await asyncio.wait_for(self._pool.close(), 2)
        except TimeoutError:
            self._pool.terminate()

    @asynccontextmanager
    async def connection(self) -> "AsyncIterator[PoolConnectionProxy[asyncpg.Record]]":
        """Lend a connection. Outages inside leave as `StoreUnavailableError`.

        During an outage nobody waits for a connection: the error is raised at once.
        """
        with self.guarded():
            connection = await self.take()
            try:
                yield connection
            except BaseException:
                self.give_back(connection)
                raise
            await self._pool.release(connection)

    async def fetch(
        self, query: str, *args: object, seconds: float = QUERY_SECONDS
    ) -> Sequence[Any]:
        """Run a query and give its rows; the time includes the wait for a connection."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + seconds
        async with self.connection() as connection:
            try:
                return await connection.fetch(query, *args, timeout=deadline - clock())
            except TimeoutError as error:
                raise _no("answer", seconds) from error

    def keep(self) -> "KeptConnection":
        """Give a connection to keep, for somebody who runs one query at a time."""
        kept = KeptConnection(self)
        self._kept.append(kept)
        return kept

    async def take(self) -> "PoolConnectionProxy[asyncpg.Record]":
        """Wait, not for long, for a connection of the pool."""
        try:
            return await self._pool.acquire(timeout=ACQUIRE_SECONDS)
        except TimeoutError as error:
            raise _no("connection", ACQUIRE_SECONDS) from error

    def give_back(self, connection: "PoolConnectionProxy[asyncpg.Record]") -> None:
        """Return a connection whose query failed; nobody waits until that query is cancelled."""
        task = asyncio.get_running_loop().create_task(self._pool.release(connection))
        self._returning.add(task)
        task.add_done_callback(self._returned)

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Refuse during an outage, and count what becomes of those who are let in."""
        self.breaker.admit()
        try:
            with outages():
                yield
        except StoreUnavailableError as error:
            self.breaker.failed(error)
            raise
        self.breaker.succeeded()

    async def _probe(self) -> None:
        with outages():
            connection = await self.take()
            try:
                await connection.fetchval("select 1", timeout=QUERY_SECONDS)
            except TimeoutError as error:
                raise _no("answer", QUERY_SECONDS) from error
            finally:
                self.give_back(connection)

    def _returned(self, task: "asyncio.Task[None]") -> None:
        self._returning.discard(task)
        if not task.cancelled():
            task.exception()  # the pool has dropped a connection that could not be returned


_PLAN_ONCE = "set plan_cache_mode = force_generic_plan"
"""For look-ups of a few rows by their keys: PostgreSQL would plan some of them anew each time, and
that takes longer than doing them. A connection that goes back to the pool keeps this; no result
depends on it."""


class KeptConnection:
    """A connection of the pool that stays with one user, who need not borrow it each time.

    Slow queries of others cannot take it away either. After any failure it is replaced.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: PoolConnectionProxy[asyncpg.Record] | None = None
        self._prepared: dict[str, PreparedStatement[asyncpg.Record]] = {}

    async def fetch(
        self, query: str, *args: object, seconds: float = QUERY_SECONDS
    ) -> Sequence[Any]:
        """Run a query and give its rows; the time includes the wait for a connection."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + seconds
        with self._database.guarded():
            connection = self._open()
            if connection is None:
                self._prepared.clear()
                connection = self._connection = await self._database.take()
            try:
                if not self._prepared:
                    await connection.execute(_PLAN_ONCE, timeout=deadline - clock())
                statement = self._prepared.get(query)
                if statement is None:
                    statement = await connection.prepare(query, timeout=deadline - clock())
                    self._prepared[query] = statement
                return await statement.fetch(*args, timeout=deadline - clock())
            except TimeoutError as error:
                self.give_back()
                raise _no("answer", seconds) from error
            except BaseException:
                self.give_back()
                raise

    def _open(self) -> "PoolConnectionProxy[asyncpg.Record] | None":
        connection = self._connection
        try:
            return None if connection is None or connection.is_closed() else connection
        except asyncpg.InterfaceError:
            return None  # it was cut, and the pool has taken it back

    def give_back(self) -> None:
        """Return the connection to the pool, if there is one."""
        self._prepared.clear()
        connection, self._connection = self._connection, None
        if connection is not None:
            self._database.give_back(connection)


@contextmanager
def outages() -> Iterator[None]:
    """Let outages inside leave as `StoreUnavailableError`."""
    try:
        yield
    except asyncpg.DataError:
        raise  # an argument of the wrong type: a bug, though an InterfaceError by class
    except _OUTAGES as error:
        # Some say nothing: what they are then tells more than an empty text.
        raise StoreUnavailableError(str(error) or type(error).__name__) from error


def _no(what: str, seconds: float) -> StoreUnavailableError:
    return StoreUnavailableError(f"no {what} within {seconds:g} s")


async def _leave_as_is(_connection: object) -> None:
    """Skip the query that resets a connection on release: no session state is ever set."""
