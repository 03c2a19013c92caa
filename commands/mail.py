"""Mail: what a message is, and what it takes to get one out, as data and protocols.

Commands put a message into the queue; workers/mailer.py takes it from there to a sender. The texts
are in commands/mail_texts.py.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol
from uuid import UUID

import msgspec


class Mail(msgspec.Struct, frozen=True):
    """A message of plain text to one address."""

    to: str
    subject: str
    text: str

    def __repr__(self) -> str:
        """Show nothing, as what is shown may be logged."""
        return "Mail(***)"


class TakenMail(msgspec.Struct, frozen=True):
    """A message that its taker has for the time of a lease."""

    id: UUID
    mail: Mail
    attempts: int
    """This one included, and those that ended in a crash."""
    age: timedelta
    """Since it was put into the queue."""


class UnreadableMail(msgspec.Struct, frozen=True):
    """A message that was sealed with another key, or altered."""

    id: UUID


class MailRefused(msgspec.Struct, frozen=True):
    """The message will never be taken as it is; the reason names neither address nor text."""

    reason: str


class MailNotSentError(Exception):
    """It was not sent this time, or nobody knows; its text names neither address nor text."""


class MailQueue(Protocol):
    """Keeps messages until they are sent."""

    async def put(self, mail: Mail, email_hash: str) -> None:
        """Keep a message to the person of this address, durably.

        Raises `StoreUnavailableError` when it was not kept or nobody knows.
        """
        ...


class WaitingMails(Protocol):
    """The other end of the queue. All may raise `StoreUnavailableError`."""

    async def take(self, limit: int, lease: timedelta) -> Sequence[TakenMail | UnreadableMail]:
        """Take messages that are due; when the lease is over, those that remain are due again."""
        ...

    async def remove(self, mail_id: UUID) -> bool:
        """Forget a message, and tell whether it was still there."""
        ...

    async def postpone(self, taken: TakenMail, delay: timedelta) -> None:
        """Let a message be due after this time, unless it was taken again meanwhile."""
        ...


class MailSender(Protocol):
    """Gets messages to where they are read."""

    async def send(self, mail_id: UUID, mail: Mail) -> MailRefused | None:
        """Send a message; the same one may come twice. Raises `MailNotSentError`."""
        ...

    async def forget(self, to: str) -> None:
        """Remove what the sender itself still holds for an address, when a person is erased."""
        ...
