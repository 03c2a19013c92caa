"""The tables of what waits for a token from a message."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import msgspec
import pytest
from uuid_utils.compat import uuid7

from commands.identity import Pending
from infra.identity.email_tokens import PostgresPasswordResets, PostgresRegistrations
from infra.identity.personal_data import DamagedError
from infra.postgres import Database
from tests.support.accounts import AT

SECRET = b"s" * 32
TOKEN, OTHER = b"t" * 32, b"o" * 32
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
PENDING = Pending(
    account_id=uuid7(),
    email="Ada@Example.Org",
    email_hash="hash of ada",
    name="Ada Lovelace",
    password_hash="hash of a password",  # noqa: S106 - it opens nothing
    expires_at=AT + HOUR,
)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """Connect as the product does."""
    database = await Database.connect(database_url)
    yield database
    await database.close()


@pytest.mark.parametrize("name", ["Ada Lovelace", None, "\N{SNOWMAN}" * 200])
async def test_found_by_the_token(database: Database, name: str | None) -> None:
    """As it was put, until its time is over; by no other token."""
    registrations = PostgresRegistrations(database, SECRET)
    pending = msgspec.structs.replace(PENDING, name=name)
    await registrations.put(TOKEN, pending)

    assert await registrations.find(TOKEN, AT + HOUR - SECOND) == pending
    assert await registrations.find(TOKEN, AT + HOUR) is None
    assert await registrations.find(OTHER, AT) is None


async def test_sealed(database: Database) -> None:
    """Neither address nor name can be read in the table, nor opened in another row."""
    registrations = PostgresRegistrations(database, SECRET)
    await registrations.put(TOKEN, PENDING)
    (row,) = await database.fetch("select r::text, sealed from registrations r")
    await database.fetch("update registrations set token_hash = $1", OTHER)

    assert "ada@" not in row[0].lower()
    for plain in (b"Ada", b"Lovelace"):
        assert plain not in row[1]
        assert plain.hex() not in row[0]
    with pytest.raises(DamagedError):
        await registrations.find(OTHER, AT)


async def test_removed_by_the_address(database: Database) -> None:
    """All who wait with it are forgotten, and nobody else."""
    registrations = PostgresRegistrations(database, SECRET)
    await registrations.put(TOKEN, PENDING)
    await registrations.put(OTHER, PENDING)
    eve = msgspec.structs.replace(PENDING, email_hash="hash of eve")
    await registrations.put(b"eve", eve)
    await registrations.remove("hash of ada")

    assert await registrations.find(TOKEN, AT) is None
    assert await registrations.find(OTHER, AT) is None
    assert await registrations.find(b"eve", AT) == eve


async def test_resets(database: Database) -> None:
    """A token is somebody's until its time is over, and can be looked at without using it up."""
    resets, who = PostgresPasswordResets(database), uuid7()
    await resets.put(TOKEN, who, AT + HOUR)

    for _ in range(2):
        assert await resets.find(TOKEN, AT + HOUR - SECOND) == who
    assert await resets.find(TOKEN, AT + HOUR) is None
    assert await resets.find(OTHER, AT) is None


async def test_taken_once(database: Database) -> None:
    """Of many who take a token one has it."""
    resets = PostgresPasswordResets(database)
    await resets.put(TOKEN, uuid7(), AT + HOUR)
    taken = await asyncio.gather(*(resets.take(TOKEN) for _ in range(8)))

    assert sorted(taken) == [False] * 7 + [True]
    assert await resets.find(TOKEN, AT) is None


async def test_only_what_is_out_of_its_time_is_forgotten(database: Database) -> None:
    """No more than asked for at once, and how many is told."""
    registrations, resets = (
        PostgresRegistrations(database, SECRET),
        PostgresPasswordResets(database),
    )
    for token, late in ((b"1", -SECOND), (b"2", -SECOND), (b"3", timedelta(0)), (b"4", SECOND)):
        await registrations.put(token, msgspec.structs.replace(PENDING, expires_at=AT + late))
        await resets.put(token, uuid7(), AT + late)

    for kept in (registrations, resets):
        assert [await kept.forget(AT, 2) for _ in range(3)] == [2, 1, 0]
    assert await registrations.find(b"4", AT) is not None
    assert await resets.find(b"4", AT) is not None
