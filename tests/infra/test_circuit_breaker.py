"""Specifies the circuit breaker of the database, against a real server that hangs."""

import asyncio

import pytest
from structlog.testing import capture_logs

from commands.ports import StoreUnavailableError
from infra.circuit_breaker import FAILURES
from infra.postgres import Database
from tests.support.own_postgres import own_postgres
from tests.support.product import running_api
from tests.support.waiting import eventually

pytestmark = pytest.mark.usefixtures("prompt")


async def _fail(database: Database) -> str:
    with pytest.raises(StoreUnavailableError) as caught:
        await database.fetch("select 1")
    return str(caught.value)


async def _is_closed(database: Database) -> bool:
    return not database.breaker.is_open


@pytest.mark.timeout(60)
async def test_a_server_that_hangs() -> None:
    """After some have waited in vain nobody does; when it goes on, so does everybody, unasked."""
    async with own_postgres() as postgres:
        database = await Database.connect(postgres.url, connections=4)
        kept = database.keep()
        await kept.fetch("select 1")
        postgres.pause()
        try:
            with capture_logs() as said:
                waited = await asyncio.gather(*(_fail(database) for _ in range(FAILURES)))
                assert database.breaker.is_open
                asked = {await _fail(database) for _ in range(1000)}
                with pytest.raises(StoreUnavailableError, match="refused until it answers"):
                    await kept.fetch("select 1")
        finally:
            postgres.resume()

        assert all(reason.endswith(("within 0.8 s", "within 0.5 s")) for reason in waited)
        assert all(reason.startswith("refused until it answers again: no ") for reason in asked)
        assert [line["event"] for line in said] == ["circuit breaker open"]
        assert await eventually(lambda: _is_closed(database))
        assert await database.fetch("select 1")
        assert await kept.fetch("select 1")
        await database.close()


@pytest.mark.timeout(60)
async def test_a_server_that_is_gone() -> None:
    """Refused connections count as well, and requests are answered again once it is back."""
    async with own_postgres() as postgres, running_api(postgres.url) as api:
        breaker = api.product.database.breaker
        await postgres.kill()
        for _ in range(FAILURES):
            assert (await api.anonymous.get("/posts")).status_code == 503
        refused = await api.anonymous.get("/posts")
        ready = await api.anonymous.get("/readyz")
        alive = await api.anonymous.get("/livez")
        assert breaker.is_open
        await postgres.start()

        assert await eventually(lambda: _is_closed(api.product.database))
        assert (await api.anonymous.get("/posts")).status_code == 200

    assert refused.json()["error"] == "service_degraded"
    assert int(refused.headers["retry-after"]) >= 1
    assert (ready.status_code, alive.status_code) == (503, 200)


async def test_what_the_server_itself_refuses(database_url: str) -> None:
    """A query that is wrong, however often, is an answer."""
    database = await Database.connect(database_url)
    for _ in range(2 * FAILURES):
        with pytest.raises(Exception, match="does not exist"):
            await database.fetch("select nothing")

    assert not database.breaker.is_open
    await database.close()


async def test_failures_that_are_not_in_a_row(database_url: str) -> None:
    """Some slow queries among quick ones shut nobody out."""
    database = await Database.connect(database_url)
    for _ in range(2 * FAILURES):
        with pytest.raises(StoreUnavailableError):
            await database.fetch("select pg_sleep(5)", seconds=0.01)
        await database.fetch("select 1")

    assert not database.breaker.is_open
    await database.close()


async def test_an_end_in_the_middle_of_an_outage() -> None:
    """Whoever closes the database while it is down waits for no answer of it."""
    async with own_postgres() as postgres:
        database = await Database.connect(postgres.url)
        await postgres.kill()
        for _ in range(FAILURES):
            await _fail(database)
        assert database.breaker.is_open
        async with asyncio.timeout(30):
            await database.close()

        assert not database.breaker.is_open
