"""The fixtures of the whole suite: every test has a database, broker and cache of its own."""

import asyncpg
import nats
import pytest
import redis.asyncio


@pytest.mark.parametrize("_", [1, 2])
async def test_a_fresh_database(database_url: str, _: int) -> None:
    """A test gets a migrated database in which no other test has written."""
    connection = await asyncpg.connect(database_url)
    try:
        tables = await connection.fetchval("SELECT count(*) FROM pg_stat_user_tables")
        mine = await connection.fetchval("SELECT to_regclass('mine')")
        await connection.execute("CREATE TABLE mine ()")
    finally:
        await connection.close()

    assert tables > 0
    assert mine is None


@pytest.mark.parametrize("_", [1, 2])
async def test_an_empty_broker(nats_url: str, _: int) -> None:
    """A test gets a broker in which no other test's stream is left."""
    client = await nats.connect(nats_url)
    try:
        before = await client.jetstream().streams_info()
        await client.jetstream().add_stream(name="MINE", subjects=["mine"])
    finally:
        await client.close()

    assert before == []


@pytest.mark.parametrize("_", [1, 2])
async def test_an_empty_cache(redis_url: str, _: int) -> None:
    """A test gets a cache in which no other test's key is left."""
    cache = redis.asyncio.from_url(redis_url)
    try:
        before = await cache.dbsize()
        await cache.set("mine", "1")
    finally:
        await cache.aclose()

    assert before == 0
