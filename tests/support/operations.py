"""Watches what the product does: queries, commands to Redis, and passwords compared."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import pytest

from infra.identity.password_hashing import Argon2id, Bcrypt, Verifiers, kind_of
from infra.identity.personal_data import QUERIES
from infra.postgres import Database
from infra.redis_calls import RedisCalls

_NAMES = {text: name for name, text in QUERIES.items()}

Operation = tuple[str, int]
"""What was done, and how much of it: kibibytes times passes, rounds, or 1."""


class Operations:
    """All that was done since the last `taken`, in order."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Watch every database, every Redis and every password pool until the test ends."""
        self._done: list[Operation] = []
        done = self._done
        take, fetch, call = Database.take, Database.fetch, RedisCalls.call
        argon2id, bcrypt = Verifiers.argon2id, Verifiers.bcrypt

        async def taking(database: Database) -> Any:  # noqa: ANN401 - passed on
            done.append(("connection", 1))
            return await take(database)

        async def fetching(
            database: Database, query: str, *args: object, **options: float
        ) -> Sequence[Any]:
            done.append((f"query {_NAMES.get(query, query)}", 1))
            return await fetch(database, query, *args, **options)

        async def calling(calls: RedisCalls, *command: str | int) -> Any:  # noqa: ANN401 - as above
            done.append((f"redis {command[0]}", 1))
            return await call(calls, *command)

        def comparing_argon2id(verifiers: Verifiers, stored: str, password: bytes) -> bool | None:
            kind = kind_of(stored)
            done.append(("argon2id", kind.work if isinstance(kind, Argon2id) else 0))
            return argon2id(verifiers, stored, password)

        def comparing_bcrypt(verifiers: Verifiers, stored: str, password: bytes) -> bool | None:
            kind = kind_of(stored)
            done.append(("bcrypt", 2**kind.cost if isinstance(kind, Bcrypt) else 0))
            return bcrypt(verifiers, stored, password)

        monkeypatch.setattr(Database, "take", taking)
        monkeypatch.setattr(Database, "fetch", fetching)
        monkeypatch.setattr(RedisCalls, "call", calling)
        monkeypatch.setattr(Verifiers, "argon2id", comparing_argon2id)
        monkeypatch.setattr(Verifiers, "bcrypt", comparing_bcrypt)

    def taken(self) -> list[Operation]:
        """Give what was done and forget it; the same several times in a row counts as more of it.

        One verification at a high cost takes as long as several at lower ones that add up to it.
        """
        done, self._done[:] = list(self._done), []
        return [
            (name, sum(amount for _, amount in group))
            for name, group in groupby(done, key=lambda operation: operation[0])
        ]
