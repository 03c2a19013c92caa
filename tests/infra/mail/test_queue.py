"""The queue of messages in PostgreSQL: sealed, leased, never given to two."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from uuid_utils.compat import uuid7

from commands.mail import Mail, TakenMail, UnreadableMail
from infra.mail.queue import PostgresMailQueue
from infra.postgres import Database

MINUTE = timedelta(minutes=1)
OVER = timedelta(seconds=-1)
"""A lease that is over when it begins: its taker was killed at once."""
MAIL = Mail("canary@example.org", "canary subject", "canary text")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """Connect to an empty database."""
    database = await Database.connect(database_url)
    yield database
    await database.close()


@pytest.fixture
async def queue(database: Database) -> PostgresMailQueue:
    """Give an empty queue."""
    return PostgresMailQueue(database, b"k" * 32, uuid7)


async def take_one(queue: PostgresMailQueue, lease: timedelta = MINUTE) -> TakenMail:
    """Take the only message."""
    [taken] = await queue.take(10, lease)
    assert isinstance(taken, TakenMail)
    return taken


async def test_taken(queue: PostgresMailQueue) -> None:
    """What was put is taken, once; removing it tells whether it was there."""
    await queue.put(MAIL, "hash")

    taken = await take_one(queue)
    assert (taken.mail, taken.attempts) == (MAIL, 1)
    assert timedelta(0) <= taken.age < MINUTE
    assert await queue.take(10, MINUTE) == []
    assert await queue.remove(taken.id)
    assert not await queue.remove(taken.id)


async def test_woken(queue: PostgresMailQueue) -> None:
    """Putting a message sets the event that wakes a mailer of this process."""
    assert not queue.filled.is_set()
    await queue.put(MAIL, "hash")

    assert queue.filled.is_set()


async def test_sealed(queue: PostgresMailQueue, database: Database) -> None:
    """Neither address nor subject nor text rests in the table."""
    await queue.put(MAIL, "hash")

    rows = await database.fetch("select mails::text, encode(sealed, 'escape') from mails")
    assert "canary" not in str([tuple(row) for row in rows])


async def test_lease(queue: PostgresMailQueue) -> None:
    """A message whose taker was killed is taken again when its lease is over, with its count."""
    await queue.put(MAIL, "hash")
    first = await take_one(queue, OVER)

    second = await take_one(queue)

    assert (first.id, first.attempts) == (second.id, second.attempts - 1)


async def test_postponed(queue: PostgresMailQueue) -> None:
    """A message that was put off is due at its time; not by one who lost it to another."""
    await queue.put(MAIL, "hash")
    first = await take_one(queue, OVER)
    second = await take_one(queue)

    await queue.postpone(first, OVER)
    assert await queue.take(10, MINUTE) == []
    await queue.postpone(second, OVER)
    third = await take_one(queue)
    await queue.postpone(third, MINUTE)

    assert third.attempts == 3
    assert await queue.take(10, MINUTE) == []


async def test_never_to_two(queue: PostgresMailQueue) -> None:
    """Of takers at once each gets others, and no more than it asked for."""
    await asyncio.gather(*(queue.put(MAIL, "hash") for _ in range(20)))

    batches = await asyncio.gather(*(queue.take(3, MINUTE) for _ in range(9)))

    ids = [taken.id for batch in batches for taken in batch]
    assert all(len(batch) <= 3 for batch in batches)
    assert len(ids) == len(set(ids)) == 20


async def test_oldest_first(queue: PostgresMailQueue) -> None:
    """Messages are taken in the order of their times."""
    for number in range(3):
        await queue.put(Mail("ada@example.org", str(number), ""), "hash")

    order = [await queue.take(1, MINUTE) for _ in range(3)]

    subjects = [taken.mail.subject for [taken] in order if isinstance(taken, TakenMail)]
    assert subjects == ["0", "1", "2"]


async def test_another_key(queue: PostgresMailQueue, database: Database) -> None:
    """What was sealed with another key, or moved to another row, comes as such, beside the rest."""
    await PostgresMailQueue(database, b"x" * 32, uuid7).put(MAIL, "hash")
    await queue.put(MAIL, "hash")
    await queue.put(MAIL, "hash")
    [row] = await database.fetch(
        "update mails set sealed = (select sealed from mails order by id desc limit 1) "
        "where id = (select id from mails order by id offset 1 limit 1) returning id"
    )

    taken = await queue.take(10, MINUTE)

    assert sorted(type(one).__name__ for one in taken) == [
        "TakenMail",
        "UnreadableMail",
        "UnreadableMail",
    ]
    assert UnreadableMail(row[0]) in taken
    assert "canary" not in repr(taken)
