"""Passwords: their bytes, the threads on which they are hashed, and the table of the hashes.

Hashing takes tens of milliseconds and 19 MiB, so it runs on a few threads behind a short queue:
a flood of log-ins costs at most that, and whoever comes on top is told so at once. What is
computed there is in `password_hashing.py`.
"""

import asyncio
import os
import sys
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar
from uuid import UUID

from argon2 import Parameters
from argon2.low_level import Type

from commands.identity import Busy, Checked, PasswordFault
from infra.identity.password_hashing import Hashing, Verifiers
from infra.identity.personal_data import QUERIES
from projections.database import Database
from projections.write import Put, Table

ACCOUNT_PASSWORDS = Table("account_passwords", ("account_id", "hash"), key_columns=1)

SHORTEST, LONGEST = 8, 1024
"""Bytes of UTF-8, after normalisation."""

_MOST_CHARACTERS = 4 * LONGEST
"""More cannot become few enough bytes. Normalising takes time with the square of the length."""

_QUEUE_FOR_EACH_THREAD = 16
_NICENESS = 10

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


def normalised_password(text: str) -> bytes | PasswordFault:
    """Give the bytes that are hashed: NFC, so that one password typed on two keyboards is one."""
    if len(text) > _MOST_CHARACTERS:
        return _wrong_length(f"more than {_MOST_CHARACTERS} characters")
    try:
        password = unicodedata.normalize("NFC", text).encode()
    except UnicodeEncodeError:
        return PasswordFault("password_length", "is not text: it has half of a surrogate pair")
    if not SHORTEST <= len(password) <= LONGEST:
        return _wrong_length(str(len(password)))
    return password


def _wrong_length(has: str) -> PasswordFault:
    return PasswordFault(
        "password_length", f"must have {SHORTEST} to {LONGEST} bytes, and has {has}"
    )


class Passwords:
    """Hashes and verifies on a bounded pool of threads. Close it when done."""

    def __init__(
        self,
        parameters: Parameters = STRONG,
        *,
        threads: int | None = None,
        queue_for_each_thread: int = _QUEUE_FOR_EACH_THREAD,
        verifiers: Verifiers | None = None,
    ) -> None:
        count = threads or os.cpu_count() or 1
        self._hashing = Hashing(parameters, verifiers or Verifiers())
        self._pool = ThreadPoolExecutor(
            count, thread_name_prefix="passwords", initializer=_step_back
        )
        self._room = count * (1 + queue_for_each_thread)

    def close(self) -> None:
        """Finish what runs, and drop what waits."""
        self._pool.shutdown(cancel_futures=True)

    async def hash(self, password: bytes) -> str | Busy:
        """Give the password's hash with a fresh salt, in the PHC string format."""
        return await self._run(lambda: self._hashing.hash(password))

    async def check(
        self, stored: str | None, password: str, *, bcrypt_cost: int | None
    ) -> Checked | Busy:
        """Compare a password with an account's hash, or with none where there is no account.

        The same is computed in one job for any text and any stored hash. `bcrypt_cost` is that of
        `highest_bcrypt_cost`. An imported bcrypt hash fits the password as it is normalised here.
        """
        normalised = normalised_password(password)
        possible = None if isinstance(normalised, PasswordFault) else normalised
        return await self._run(lambda: self._hashing.check(stored, possible, bcrypt_cost))

    async def verify(self, stored_hash: str, password: bytes) -> bool | Busy:
        """Tell whether this is the password of an argon2id hash; a malformed one fits none."""
        return await self._run(lambda: self._hashing.verify(stored_hash, password))

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


def _step_back() -> None:
    """Let everybody else go first: log-ins may take longer, requests may not.

    On Linux a thread has a niceness of its own; elsewhere the call would mean a whole process.
    """
    if sys.platform == "linux":
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, 0) + _NICENESS)


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

    async def replace(self, account_id: UUID, old: str, new: str) -> bool:
        """Put another hash of the same password in place of the old one, if that is still there."""
        return bool(await self._database.fetch(QUERIES["replace_password"], account_id, old, new))


def password_row(account_id: UUID, password_hash: str) -> Put:
    """Give the row to write with a registration."""
    return Put(ACCOUNT_PASSWORDS, (account_id, password_hash))
