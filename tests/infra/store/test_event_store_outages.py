"""Outages: callers are told in time, nobody is told a falsehood, and it works again by itself."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from commands.ports import Appended, StoreUnavailableError
from infra.postgres import Database
from infra.store.event_store import APPEND_SECONDS
from tests.support.cut import CuttingProxy, cutting_proxy
from tests.support.log import (
    APPEND_LOCK,
    Log,
    a_stream,
    append,
    appends_wait,
    connected,
    in_the_log,
    open_log,
    together,
    until,
)
from tests.support.own_postgres import OwnPostgres, own_postgres

pytestmark = pytest.mark.usefixtures("prompt")


@pytest.fixture(scope="module")
async def postgres() -> AsyncIterator[OwnPostgres]:
    """Run a server that tests may kill; each leaves it running."""
    async with own_postgres() as postgres:
        yield postgres


async def works(log: Log) -> bool:
    """Tell whether an append and a read get through."""
    with suppress(StoreUnavailableError):
        stream = a_stream()
        await log.store.append(append(stream))
        return len(await log.store.read_stream(stream)) == 1
    return False


class Writers:
    """Callers that append without a pause, and remember what they were told."""

    def __init__(self, log: Log) -> None:
        self.acknowledged: list[Appended] = []
        self.failures = 0
        self.longest = 0.0
        self._log = log
        self._tasks = [asyncio.create_task(self._write()) for _ in range(8)]

    async def stop(self) -> None:
        """Let all of them finish what they are at."""
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        for task in self._tasks:
            assert task.cancelled(), task.exception()

    async def failed(self) -> bool:
        """Tell whether all of them were refused at least once."""
        return self.failures >= len(self._tasks)

    async def succeeded(self) -> bool:
        """Tell whether anything was written."""
        return bool(self.acknowledged)

    async def _write(self) -> None:
        while True:
            start = time.monotonic()
            try:
                result = await self._log.store.append(append(a_stream()))
            except StoreUnavailableError:
                self.failures += 1
                await asyncio.sleep(0.01)
            else:
                assert isinstance(result, Appended)
                self.acknowledged.append(result)
            self.longest = max(self.longest, time.monotonic() - start)


@pytest.mark.parametrize("how", ["killed", "stopped"])
async def test_a_server_that_ends_and_starts_again(postgres: OwnPostgres, how: str) -> None:
    """Appends fail as unavailable meanwhile; what was acknowledged is there once; it recovers."""
    async with open_log(postgres.url) as log:
        writers = Writers(log)
        await until(writers.succeeded)
        await (postgres.kill() if how == "killed" else postgres.stop())
        await until(writers.failed)
        await postgres.start()

        await until(lambda: works(log))
        await writers.stop()

    rows = await in_the_log(postgres.url)
    positions = [row[0] for row in rows]
    acknowledged = [result.position for result in writers.acknowledged]
    assert positions == list(range(1, len(rows) + 1))
    assert len(set(acknowledged)) == len(acknowledged)
    assert set(acknowledged) <= set(positions)


async def test_a_server_that_does_not_answer(postgres: OwnPostgres) -> None:
    """Nobody waits for it twice, whether sent or queued; it recovers when it goes on."""
    async with open_log(postgres.url) as log:
        writers = Writers(log)
        await until(writers.succeeded)
        postgres.pause()
        try:
            await until(writers.failed)
            start = time.monotonic()
            with pytest.raises(StoreUnavailableError):
                await log.store.read_stream(a_stream())
            reading = time.monotonic() - start
        finally:
            postgres.resume()

        await until(lambda: works(log))
        await writers.stop()

    assert writers.longest < 5 * APPEND_SECONDS
    assert reading < 5 * APPEND_SECONDS


async def test_connections_that_are_cut_while_idle(postgres: OwnPostgres) -> None:
    """Terminated backends are replaced without anybody's help."""
    async with open_log(postgres.url) as log, connected(postgres.url) as owner:
        assert await works(log)
        await owner.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name = 'ledgerpress'"
        )

        await until(lambda: works(log))


@pytest.fixture
async def proxy(database_url: str, tmp_path: Path) -> AsyncIterator[CuttingProxy]:
    """Stand between the store and PostgreSQL."""
    parts = parse_qs(urlsplit(database_url).query)
    server = Path(parts["host"][0]) / ".s.PGSQL.5432"
    async with cutting_proxy(server, tmp_path) as proxy:
        yield proxy


async def test_a_connection_cut_after_the_commit(
    database_url: str, proxy: CuttingProxy, tmp_path: Path
) -> None:
    """Whoever hears no answer is told that nobody knows, and the append is not sent again."""
    through = urlsplit(database_url)._replace(query=f"host={tmp_path}&port=5432").geturl()
    async with open_log(through) as log:
        await log.store.append(append(a_stream()))
        lost = a_stream()
        proxy.swallow_answers()
        failing = asyncio.create_task(log.store.append(append(lost, expected=-1)))

        async def written() -> bool:
            return lost in [row[1] for row in await in_the_log(database_url)]

        await until(written)
        proxy.cut()
        with pytest.raises(StoreUnavailableError):
            await failing
        await until(lambda: works(log))

    assert [row[1] for row in await in_the_log(database_url)].count(lost) == 1


async def test_a_lock_held_too_long(database_url: str) -> None:
    """Appends behind a long transaction give up in time and are not written afterwards."""
    async with (
        open_log(database_url) as log,
        connected(database_url) as other,
        connected(database_url) as owner,
    ):
        await other.execute("begin")
        await other.fetch("select pg_advisory_xact_lock($1)", APPEND_LOCK)
        results = await together(log, append(a_stream()), append(a_stream()))

        async def nobody_waits() -> bool:
            return not await appends_wait(owner)

        await until(nobody_waits)
        await other.execute("commit")
        written = await in_the_log(database_url)

        assert [type(result) for result in results] == [StoreUnavailableError] * 2
        assert written == []
        assert await works(log)


async def test_nobody_at_the_address(tmp_path: Path) -> None:
    """Connecting where no server listens is the same outage."""
    with pytest.raises(StoreUnavailableError):
        await Database.connect(f"postgresql://nobody@/nothing?host={tmp_path}")


async def test_a_store_that_closes_tells_those_who_wait(database_url: str) -> None:
    """Nobody waits for ever for an append that will not be made."""
    async with open_log(database_url) as log, connected(database_url) as other:
        await other.execute("begin")
        await other.fetch("select pg_advisory_xact_lock($1)", APPEND_LOCK)
        sent = asyncio.create_task(log.store.append(append(a_stream())))
        await until(lambda: appends_wait(other))
        queued = asyncio.create_task(log.store.append(append(a_stream())))
        await asyncio.sleep(0)
        writer = log.store._writer  # noqa: SLF001 - what the loop cancels as it closes
        assert writer is not None
        writer.cancel()

        results = await asyncio.gather(sent, queued, return_exceptions=True)

    assert [type(result) for result in results] == [StoreUnavailableError] * 2


async def test_an_outage_is_named_and_not_repeated(
    postgres: OwnPostgres, caplog: pytest.LogCaptureFixture
) -> None:
    """What timed out is said, and the pool logs nothing of its own while the server is away."""
    database = await Database.connect(postgres.url)
    kept = database.keep()
    said = []
    try:
        postgres.pause()
        try:
            for asking in (database, kept, database.keep()):
                with pytest.raises(StoreUnavailableError) as raised:
                    await asking.fetch("select 1", seconds=0.2)
                said.append(str(raised.value))
        finally:
            postgres.resume()
        await postgres.kill()
        with pytest.raises(StoreUnavailableError) as raised:
            await database.fetch("select 1")
        # One failure may be of a connection that was cut; the next is of a new one.
        with pytest.raises(StoreUnavailableError) as raised:
            await database.fetch("select 1")
        size = database._pool.get_min_size()  # noqa: SLF001 - what makes the pool try by itself
    finally:
        await database.close()
        await postgres.start()

    assert said == ["no answer within 0.2 s", *["no connection within 0.5 s"] * 2]
    assert str(raised.value)
    others = [record for record in caplog.records if record.name != "ledgerpress.database"]
    assert (size, others) == (0, [])
