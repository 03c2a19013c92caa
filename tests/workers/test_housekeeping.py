"""Housekeeping: answers to idempotency keys are forgotten after 24 hours."""

import asyncio
from datetime import timedelta

from uuid_utils.compat import uuid7

from infra.postgres import Database
from infra.store.answers import PostgresAnswers
from tests.support.accounts import AT
from tests.support.waiting import eventually
from workers.housekeeping import run_housekeeping


async def test_forgotten(database_url: str) -> None:
    """What is a day old goes, what is younger stays, and the worker stops when it is told."""
    database = await Database.connect(database_url)
    for name, age in (("old", timedelta(hours=24)), ("young", timedelta(hours=23, minutes=59))):
        await database.fetch(
            "insert into idempotency_keys values ($1, $2, $3, $3, $4)", uuid7(), name, b"", AT - age
        )
    stop = asyncio.Event()
    running = asyncio.create_task(
        run_housekeeping(PostgresAnswers(database), now=lambda: AT, stop=stop)
    )

    async def one_left() -> bool:
        rows = await database.fetch("select key from idempotency_keys")
        return [row[0] for row in rows] == ["young"]

    assert await eventually(one_left)
    stop.set()
    async with asyncio.timeout(5):
        await running
    await database.close()
