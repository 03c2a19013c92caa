"""Passwords: which are taken, how they are hashed (argon2id), and the table of the hashes.

Hashing takes tens of milliseconds and 19 MiB, so it runs on a few threads behind a short queue:
a flood of log-ins costs at most that, and whoever comes on top is told so at once.
"""

import asyncio
import os
import unicodedata
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar
from uuid import UUID

import msgspec
from argon2 import Parameters, PasswordHasher
from argon2.exceptions import VerificationError
from argon2.low_level import Type

from infra.identity.personal_data import QUERIES
from projections.database import Database
from projections.write import Put, Table

ACCOUNT_PASSWORDS = Table("account_passwords", ("account_id", "hash"), key_columns=1)

SHORTEST, LONGEST = 8, 1024
"""Bytes of UTF-8, after normalisation."""

_QUEUE_FOR_EACH_THREAD = 16

R = TypeVar("R")


def _argon2id(*, kibibytes: int, passes: int) -> Parameters:
    return Parameters(
        type=Type.ID,
        version=19,
        salt_len=16,
        hash_len=32,
        time_cost=passes,
        memory_cost=kibibytes,
        parallelism=1,
    )


STRONG = _argon2id(kibibytes=19 * 1024, passes=2)
"""What the product uses: 19 MiB, two passes, one lane."""
CHEAP = _argon2id(kibibytes=8, passes=1)
"""For tests alone."""


class PasswordFault(msgspec.Struct, frozen=True):
    """The text cannot be a password, and why."""

    reason: str


class Busy(msgspec.Struct, frozen=True):
    """The queue is full and nothing was computed; it may be worth trying again later (503)."""


def normalised_password(text: str) -> bytes | PasswordFault:
    """Give the bytes that are hashed: NFC, so that one password typed on two keyboards is one."""
    try:
        password = unicodedata.normalize("NFC", text).encode()
    except UnicodeEncodeError:
        return PasswordFault("is not text: it has half of a surrogate pair")
    if not SHORTEST <= len(password) <= LONGEST:
        return PasswordFault(f"must have {SHORTEST} to {LONGEST} bytes, and has {len(password)}")
    return password


class Passwords:
    """Hashes and verifies on a bounded pool of threads. Close it when done."""

    def __init__(
        self,
        parameters: Parameters = STRONG,
        *,
        threads: int | None = None,
        queue_for_each_thread: int = _QUEUE_FOR_EACH_THREAD,
    ) -> None:
        count = threads or os.cpu_count() or 1
        self._hasher = PasswordHasher.from_parameters(parameters)
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="passwords")
        self._room = count * (1 + queue_for_each_thread)

    def close(self) -> None:
        """Finish what runs, and drop what waits."""
        self._pool.shutdown(cancel_futures=True)

    async def hash(self, password: bytes) -> str | Busy:
        """Give the password's hash with a fresh salt, in the PHC string format."""
        return await self._run(lambda: self._hasher.hash(password))

    async def verify(self, stored_hash: str, password: bytes) -> bool | Busy:
        """Tell whether this is the password; a malformed hash fits none."""
        return await self._run(lambda: self._matches(stored_hash, password))

    def _matches(self, stored_hash: str, password: bytes) -> bool:
        try:
            return self._hasher.verify(stored_hash, password)
        except (VerificationError, ValueError):  # ValueError: the hash is malformed
            return False

    async def _run(self, work: Callable[[], R]) -> R | Busy:
        if self._room == 0:
            return Busy()
        self._room -= 1
        loop = asyncio.get_running_loop()
        job = self._pool.submit(work)
        # Room is given back when the thread is free again, which is later than a caller who left.
        job.add_done_callback(lambda done: self._give_back(loop, done))
        return await asyncio.wrap_future(job)

    def _give_back(self, loop: asyncio.AbstractEventLoop, _: Future[R]) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(self._one_more)

    def _one_more(self) -> None:
        self._room += 1


class PasswordHashes:
    """The table of the hashes. They are in no event, so that they can be replaced and erased."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, account_id: UUID) -> str | None:
        """Find an account's hash."""
        rows = await self._database.fetch(QUERIES["password_hash"], account_id)
        return rows[0][0] if rows else None

    async def set(self, account_id: UUID, password_hash: str) -> None:
        """Replace an account's hash."""
        await self._database.fetch(QUERIES["set_password"], account_id, password_hash)


def password_row(account_id: UUID, password_hash: str) -> Put:
    """Give the row to write with a registration."""
    return Put(ACCOUNT_PASSWORDS, (account_id, password_hash))
