"""Specifies where maintenance is kept, and how a process follows it."""

import pytest

from commands.maintenance import Maintenance
from commands.ports import StoreUnavailableError
from infra.maintenance import PostgresMaintenance, watched
from infra.postgres import Database
from tests.support.own_postgres import own_postgres
from tests.support.waiting import eventually

pytestmark = pytest.mark.usefixtures("prompt")


async def test_it_is_begun_changed_and_ended(database_url: str) -> None:
    """Begun twice it is one, as old as the first; ended twice, nothing happens."""
    database = await Database.connect(database_url)
    kept = PostgresMaintenance(database)
    before = await kept.read()
    begun = await kept.begin("One.", 60)
    changed = await kept.begin("Two.", 90)
    read = await kept.read()
    ended = [await kept.end(), await kept.end()]
    await database.close()

    assert (before, read, ended) == (None, changed, [changed, None])
    assert (begun.reason, begun.retry_after_seconds) == ("One.", 60)
    assert changed == Maintenance("Two.", 90, begun.since)


async def test_while_the_database_is_away_the_last_word_counts() -> None:
    """It may be away because of the maintenance."""
    said: list[Maintenance | None] = []
    async with own_postgres() as postgres:
        database = await Database.connect(postgres.url)
        kept = PostgresMaintenance(database)
        begun = await kept.begin("A new server.", 60)
        async with watched(kept, said.append):
            assert said == [begun]
            await postgres.kill()

            async def refused() -> bool:
                return database.breaker.is_open

            assert await eventually(refused)
            assert set(said) == {begun}
            await postgres.start()
            assert await eventually(lambda: _answers(kept))
            await kept.end()

            async def told() -> bool:
                return said[-1] is None

            assert await eventually(told)
        await database.close()


async def _answers(kept: PostgresMaintenance) -> bool:
    try:
        return await kept.read() is not None
    except StoreUnavailableError:
        return False
