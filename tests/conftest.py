"""Fixtures that every test may ask for: the servers of the session, empty for each test."""

import shutil
from collections.abc import AsyncIterator, Iterator

import nats
import pytest
import redis.asyncio
from hypothesis import settings

from infra import postgres, redis_calls
from infra.embedded.services import Services
from infra.postgres import Database, KeptConnection
from infra.store import event_store
from tests.support.log import Log, connected, open_log
from tests.support.product import START, Api, forget, running_api
from tests.support.rewind import Rewind
from tests.support.services import Databases, migrated_databases, session_services

pytest_plugins = ("tests.support.programs",)

# The same examples each time, and no deadline on a busy machine.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


PATIENT_SECONDS = 20.0
LIMITS = (
    (vars(redis_calls), "CALL_SECONDS"),
    (vars(redis_calls), "WHOLE_SECONDS"),
    (vars(postgres), "ACQUIRE_SECONDS"),
    (vars(postgres), "QUERY_SECONDS"),
    (vars(event_store), "APPEND_SECONDS"),
    (Database.fetch.__kwdefaults__ or {}, "seconds"),
    (KeptConnection.fetch.__kwdefaults__ or {}, "seconds"),
)
"""How long the product waits for its servers before it calls that an outage."""
PROMPT = [(where, name, where[name]) for where, name in LIMITS]


@pytest.fixture(scope="session", autouse=True)
def _patient() -> Iterator[None]:
    """Wait as long as it takes on a busy machine, where a second can pass in between."""
    with pytest.MonkeyPatch.context() as patch:
        for where, name in LIMITS:
            patch.setitem(where, name, PATIENT_SECONDS)
        yield


@pytest.fixture
def prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait no longer than the product does, in tests of outages."""
    for where, name, seconds in PROMPT:
        monkeypatch.setitem(where, name, seconds)


@pytest.fixture(scope="session")
async def services() -> AsyncIterator[Services]:
    """Start PostgreSQL, NATS and Valkey once."""
    async with session_services() as services:
        yield services


@pytest.fixture(scope="session")
async def databases(services: Services) -> AsyncIterator[Databases]:
    """Migrate a template once and give what clones it."""
    async with migrated_databases(services.database_url) as databases:
        yield databases


@pytest.fixture
async def database_url(databases: Databases) -> AsyncIterator[str]:
    """Give a migrated database of this test's own."""
    async with databases.fresh() as url:
        yield url


@pytest.fixture
async def log(database_url: str) -> AsyncIterator[Log]:
    """Open a store on an empty log of this test's own."""
    async with open_log(database_url) as log:
        yield log


@pytest.fixture(scope="session")
async def shared_api(databases: Databases, services: Services) -> AsyncIterator[tuple[Api, Rewind]]:
    """Serve the whole product once, with an account for each role."""
    async with (
        databases.fresh() as url,
        running_api(url, redis_url=services.redis_url) as running,
        connected(url) as owner,
    ):
        yield running, await Rewind.remember(owner)


@pytest.fixture
async def api(shared_api: tuple[Api, Rewind], redis_url: str) -> Api:  # noqa: ARG001 - emptied
    """Give the running product as if just begun: its accounts, no post, the clock at START."""
    running, database = shared_api
    await database.rewind()
    shutil.rmtree(running.settings.data_dir / "files", ignore_errors=True)
    forget(running.product)
    running.clock.at = START
    running.services.in_flight_keys.clear()
    return running


@pytest.fixture
async def nats_url(services: Services) -> str:
    """Give the broker, without any stream."""
    client = await nats.connect(services.nats_url)
    try:
        jetstream = client.jetstream()
        for stream in await jetstream.streams_info():
            await jetstream.delete_stream(stream.config.name or "")
    finally:
        await client.close()
    return services.nats_url


@pytest.fixture
async def redis_url(services: Services) -> str:
    """Give the cache, without any key."""
    client = redis.asyncio.from_url(services.redis_url)
    try:
        await client.flushall()
    finally:
        await client.aclose()
    return services.redis_url
