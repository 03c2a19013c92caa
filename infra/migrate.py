"""Brings a database to the schema of this program: plain SQL files, run in order by Alembic.

Each file runs once, in one transaction with its mark in `alembic_version`. Processes that start
together wait for each other on an advisory lock.
"""

from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, pool, text
from sqlalchemy.ext.asyncio import create_async_engine

MIGRATIONS = Path(__file__).with_name("migrations")

_LOCK = 7205759403792794


def configuration() -> Config:
    """Give the settings under which Alembic finds the migrations."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    return config


def newest() -> str:
    """Name the newest migration of this program."""
    head = ScriptDirectory.from_config(configuration()).get_current_head()
    assert head is not None  # noqa: S101 - the program ships its migrations
    return head


async def migrate(database_url: str) -> None:
    """Run the migrations that the database lacks; the URL is that of the schema's owner."""

    async def connect() -> asyncpg.Connection:
        return await asyncpg.connect(database_url, timeout=10)

    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=connect, poolclass=pool.NullPool
    )
    try:
        async with engine.begin() as connection:
            await connection.execute(text(f"select pg_advisory_xact_lock({_LOCK})"))
            await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


def _upgrade(connection: Connection) -> None:
    config = configuration()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
