"""Passwords: what is taken, how it is hashed, and that a flood is turned away."""

import asyncio
from collections.abc import Iterator

import pytest
from uuid_utils.compat import uuid7

from infra.identity.passwords import (
    CHEAP,
    STRONG,
    Busy,
    PasswordFault,
    PasswordHashes,
    Passwords,
    normalised_password,
)
from infra.postgres import Database
from tests.support.waiting import eventually


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    """Hash cheaply."""
    passwords = Passwords(CHEAP)
    yield passwords
    passwords.close()


async def test_verified(passwords: Passwords) -> None:
    """A password fits its own hash and no other; a malformed hash fits none."""
    hashed = await passwords.hash(b"correct horse")

    assert isinstance(hashed, str)
    assert hashed.startswith("$argon2id$")
    assert await passwords.verify(hashed, b"correct horse") is True
    assert await passwords.verify(hashed, b"correct house") is False
    for malformed in ("", "x", "$argon2id$", hashed[:-8], "$2b$12$abc", "é"):
        assert await passwords.verify(malformed, b"correct horse") is False


async def test_salted(passwords: Passwords) -> None:
    """Two hashes of one password differ."""
    assert await passwords.hash(b"correct horse") != await passwords.hash(b"correct horse")


async def test_strong() -> None:
    """The product's parameters are argon2id with 19 MiB, two passes and one lane."""
    passwords = Passwords(STRONG)
    hashed = await passwords.hash(b"correct horse")
    passwords.close()

    assert str(hashed).startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_flood() -> None:
    """Who comes when the queue is full is told at once, and room comes back."""
    passwords = Passwords(CHEAP, threads=1, queue_for_each_thread=3)

    answers = await asyncio.gather(*(passwords.hash(b"correct horse") for _ in range(10)))

    assert [isinstance(answer, Busy) for answer in answers] == [False] * 4 + [True] * 6
    assert isinstance(await passwords.hash(b"correct horse"), str)
    passwords.close()


async def test_caller_leaves() -> None:
    """A caller that goes away neither keeps its place for ever nor harms the others."""
    passwords = Passwords(CHEAP, threads=1, queue_for_each_thread=1)

    for _ in range(20):
        leaving = asyncio.create_task(passwords.hash(b"correct horse"))
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.wait({leaving})

    async def served() -> bool:
        return isinstance(await passwords.hash(b"correct horse"), str)

    assert await eventually(served)
    passwords.close()


@pytest.mark.parametrize("text", ["12345678", "a" * 1024, "é" * 4, "🔒🔒", " " * 8, "a\0b\0c\0d\0"])
def test_taken(text: str) -> None:
    """Any characters make a password, if it has 8 to 1,024 bytes."""
    assert isinstance(normalised_password(text), bytes)


@pytest.mark.parametrize("text", ["", "1234567", "a" * 1025, "é" * 513, "abcdefgh\ud800"])
def test_refused(text: str) -> None:
    """One that is too short or too long, or is no text, is refused without being repeated."""
    fault = normalised_password(text)

    assert isinstance(fault, PasswordFault)
    assert not text or text not in fault.reason


def test_one_form() -> None:
    """A password composed in two ways by two keyboards is one password."""
    assert normalised_password("cafe\u0301 noir") == normalised_password("caf\u00e9 noir")


async def test_kept(database_url: str) -> None:
    """A hash is found again, and replaced."""
    database = await Database.connect(database_url)
    hashes, who = PasswordHashes(database), uuid7()

    assert await hashes.of(who) is None
    await hashes.set(who, "one")
    await hashes.set(who, "two")
    assert await hashes.of(who) == "two"
    await database.close()
