"""Passwords: what is taken, how it is hashed, and that a flood is turned away."""

import asyncio
import os
import sys
from collections.abc import Iterator

import bcrypt
import pytest
from uuid_utils.compat import uuid7

from commands.identity import Busy, Checked, PasswordFault
from infra.identity.password_hashing import Verifiers
from infra.identity.passwords import CHEAP, STRONG, PasswordHashes, Passwords, normalised_password
from infra.identity.personal_data import QUERIES
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


async def test_checked(passwords: Passwords) -> None:
    """A password of a log-in is normalised, compared on the pool, and perhaps to be hashed anew."""
    ours = str(await passwords.hash("caf\u00e9 noir".encode()))
    old = bcrypt.hashpw("caf\u00e9 noir".encode(), bcrypt.gensalt(4)).decode()
    typed = "cafe\u0301 noir"

    assert await passwords.check(ours, typed, bcrypt_cost=4) == Checked(
        correct=True, outdated=False
    )
    assert await passwords.check(old, typed, bcrypt_cost=4) == Checked(correct=True, outdated=True)
    for stored, text in ((ours, "cafe noir"), (old, "cafe noir"), (None, typed), (ours, "\ud800")):
        assert await passwords.check(stored, text, bcrypt_cost=4) == Checked(
            correct=False, outdated=False
        )


async def test_checked_in_one_job() -> None:
    """A log-in takes one place in the queue, whatever is compared."""
    passwords = Passwords(CHEAP, threads=1, queue_for_each_thread=3)

    answers = await asyncio.gather(
        *(passwords.check(None, "correct horse", bcrypt_cost=4) for _ in range(10))
    )

    assert [isinstance(answer, Busy) for answer in answers] == [False] * 4 + [True] * 6
    passwords.close()


@pytest.mark.skipif(sys.platform != "linux", reason="threads have a niceness on Linux alone")
async def test_steps_back() -> None:
    """The threads let others go first, and the rest of the process stays as it was."""
    seen = []

    class Watched(Verifiers):
        def argon2id(self, stored: str, password: bytes) -> bool | None:
            seen.append(os.getpriority(os.PRIO_PROCESS, 0))
            return super().argon2id(stored, password)

    before = os.getpriority(os.PRIO_PROCESS, 0)
    passwords = Passwords(CHEAP, verifiers=Watched())
    await passwords.check(None, "correct horse", bcrypt_cost=None)
    passwords.close()

    assert seen == [min(before + 10, 19)]
    assert os.getpriority(os.PRIO_PROCESS, 0) == before


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


def test_endless() -> None:
    """A text that takes minutes to normalise is refused before."""
    fault = normalised_password("a" + "\u0300\u0316" * 250_000)

    assert isinstance(fault, PasswordFault)
    assert fault.error == "password_length"


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


async def test_replaced(database_url: str) -> None:
    """A hash is replaced if it is the one that was compared, and not one that came since."""
    database = await Database.connect(database_url)
    hashes, who = PasswordHashes(database), uuid7()
    await hashes.set(who, "one")

    assert await hashes.replace(who, "one", "two") is True
    assert await hashes.replace(who, "one", "three") is False
    assert await hashes.replace(uuid7(), "two", "three") is False
    assert await hashes.of(who) == "two"
    await database.close()


async def test_highest_bcrypt_cost(database_url: str) -> None:
    """The highest cost of all kinds of bcrypt is found, and nothing else is taken for one."""
    database = await Database.connect(database_url)
    hashes = PasswordHashes(database)

    async def highest(*hashed: str) -> int | None:
        for each in hashed:
            await hashes.set(uuid7(), each)
        (row,) = await database.fetch(QUERIES["highest_bcrypt_cost"])
        cost: int | None = row[0]
        return cost

    assert await highest() is None
    assert (
        await highest("$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$", "", "$2", "$2b$", "2b$12$") is None
    )
    assert await highest("$2b$xx$", "$2b$99", "$2$12$") is None
    assert await highest("$2y$05$...", "$2y$05$///") == 5
    assert await highest("$2a$12$...", "$2b$10$...") == 12
    await database.close()
