"""The first answers to idempotency keys, kept 24 hours.

They are written by the event store, in the transaction of the events; here they are found again
and forgotten.
"""

from datetime import datetime, timedelta

from commands.ports import FirstAnswer, IdempotencyKey
from infra.postgres import Database
from infra.store.event_store import QUERIES

KEPT = timedelta(hours=24)


class PostgresAnswers:
    """Looks the answers up in the database, by a clock that is passed in."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def first_answer(self, key: IdempotencyKey) -> FirstAnswer | None:
        """Find what was answered to this account's key; its fingerprint may be another."""
        rows = await self._database.fetch(QUERIES["first_answer"], key.account_id, key.key)
        if not rows:
            return None
        fingerprint, answer = rows[0]
        return FirstAnswer(IdempotencyKey(key.account_id, key.key, fingerprint), answer)

    async def forget(self, now: datetime, most: int) -> int:
        """Delete no more than so many answers whose time is over; tell how many."""
        return len(await self._database.fetch(QUERIES["forget_answers"], now - KEPT, most))
