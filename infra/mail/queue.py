"""The queue of messages: the table `mails`, in which no address or text can be read.

A message is sealed for its own row with a key of the deployment's, and is gone once it is sent.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import msgspec

from commands.mail import Mail, TakenMail, UnreadableMail
from infra.identity.personal_data import DamagedError
from infra.identity.sealer import Sealer
from projections.database import Database, load_queries

QUERIES = load_queries(Path(__file__).with_name("queue.sql"))
PURPOSE = "mail"


class PostgresMailQueue:
    """Both ends of the queue: for commands that put, and for mailers that take."""

    def __init__(self, database: Database, sealing_key: bytes, new_id: Callable[[], UUID]) -> None:
        self._database = database
        self._sealer = Sealer(sealing_key, PURPOSE)
        self._new_id = new_id
        self.filled = asyncio.Event()
        """Set whenever this process puts a message, to wake a mailer in it."""

    async def put(self, mail: Mail, email_hash: str) -> None:
        """Keep a message to the person of this address, durably."""
        mail_id = self._new_id()
        sealed = self._sealer.seal(msgspec.json.encode(mail), mail_id.bytes)
        await self._database.fetch(QUERIES["put_mail"], mail_id, email_hash, sealed)
        self.filled.set()

    async def take(self, limit: int, lease: timedelta) -> Sequence[TakenMail | UnreadableMail]:
        """Take messages that are due; when the lease is over, those that remain are due again."""
        rows = await self._database.fetch(QUERIES["take_mails"], limit, lease)
        return [self._opened(*row) for row in rows]

    async def remove(self, mail_id: UUID) -> bool:
        """Forget a message, and tell whether it was still there."""
        return bool(await self._database.fetch(QUERIES["remove_mail"], mail_id))

    async def postpone(self, taken: TakenMail, delay: timedelta) -> None:
        """Let a message be due after this time, unless it was taken again meanwhile."""
        await self._database.fetch(QUERIES["postpone_mail"], taken.id, taken.attempts, delay)

    async def hurry(self, lease: timedelta) -> int:
        """Let the messages be due that were put off for longer than a lease; tell how many."""
        return len(await self._database.fetch(QUERIES["hurry_mails"], lease))

    def _opened(
        self, mail_id: UUID, sealed: bytes, attempts: int, age: timedelta
    ) -> TakenMail | UnreadableMail:
        # asyncpg's UUID is a class of its own: what is logged or compared shall be the usual one.
        mail_id = UUID(int=mail_id.int)
        try:
            plain = self._sealer.open(sealed, mail_id.bytes)
        except DamagedError:
            return UnreadableMail(mail_id)
        return TakenMail(mail_id, msgspec.json.decode(plain, type=Mail), attempts, age)
