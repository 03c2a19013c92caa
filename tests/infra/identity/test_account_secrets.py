"""What an account has outside the log: the queries fit the tables."""

import asyncpg

from infra.identity.personal_data import QUERIES


async def test_prepared(database_url: str) -> None:
    """PostgreSQL takes every query of the file."""
    connection = await asyncpg.connect(database_url)
    prepared = [await connection.prepare(query) for query in QUERIES.values()]
    await connection.close()

    assert len(prepared) == 3
