"""What the commands on accounts need beside the log: ports, their data, and all of it in one value.

A protocol belongs here when a command that proves who somebody is calls it; `infra/identity/` and
`infra/mail/` implement them.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from enum import Enum, auto
from typing import Literal, Protocol
from uuid import UUID

import msgspec

from commands.accounts import Accounts
from commands.handle import Caller
from commands.limits import Limiter
from commands.mail import Mail, MailQueue, MailSender
from commands.ports import Write
from commands.sessions import Secret, Sessions


class PasswordFault(msgspec.Struct, frozen=True):
    """The text cannot be a password, and why: words that go on after "the password"."""

    error: Literal["password_length", "password_too_weak"]
    reason: str


class Checked(msgspec.Struct, frozen=True):
    """What came of comparing a password with a stored hash."""

    correct: bool
    outdated: bool
    """The password is right, and its hash is to be replaced by one of our own kind."""


class Busy(msgspec.Struct, frozen=True):
    """The queue is full and nothing was computed; it may be worth trying again later (503)."""


class PasswordPool(Protocol):
    """Hashes and compares, on a bounded number of threads."""

    async def hash(self, password: bytes) -> str | Busy:
        """Give the password's hash with a fresh salt."""
        ...

    async def check(
        self, stored: str | None, password: str, *, bcrypt_cost: int | None
    ) -> Checked | Busy:
        """Compare with an account's hash, or with none; the work is the same for any."""
        ...


class KnownAccount(msgspec.Struct, frozen=True):
    """An account as signing in needs it."""

    id: UUID
    version: int
    disabled: bool
    second_factor: bool
    email_hash: str
    password_hash: str | None


class LookUp(msgspec.Struct, frozen=True):
    """What one query tells whoever compares a password."""

    account: KnownAccount | None
    bcrypt_cost: int | None
    """The highest in the database, or None when there is no bcrypt hash."""


class CredentialStore(Protocol):
    """Finds accounts together with their password hashes, each in one query."""

    async def by_email(self, email_hash: str) -> LookUp:
        """Look an address up."""
        ...

    async def by_id(self, account_id: UUID) -> LookUp:
        """Look an account up."""
        ...

    async def replace_hash(self, account_id: UUID, old: str, new: str) -> None:
        """Put another hash of the same password in place of one, unless it has changed since."""
        ...

    def password_row(self, account_id: UUID, password_hash: str) -> Write:
        """Give the row to write with an event."""
        ...


class Person(msgspec.Struct, frozen=True):
    """What the log keeps of a person, opened."""

    email: str
    """As it was spelt when it was registered. Messages go here, and nowhere else."""
    name: str | None

    def __repr__(self) -> str:
        """Show nothing, as what is shown may be logged."""
        return "Person(***)"


class People(Protocol):
    """Opens what is sealed of persons."""

    async def of(self, account_ids: Sequence[UUID]) -> Mapping[UUID, Person]:
        """Give those who exist and are not erased."""
        ...


class Pending(msgspec.Struct, frozen=True):
    """Somebody who registered and has not yet shown that the address is theirs."""

    account_id: UUID
    email: str
    email_hash: str
    name: str | None
    password_hash: str
    expires_at: datetime

    def __repr__(self) -> str:
        """Show nothing, as what is shown may be logged."""
        return "Pending(***)"


class Registrations(Protocol):
    """The table of those who wait for their message, found by the hash of the token in it."""

    async def put(self, token_hash: bytes, pending: Pending) -> None:
        """Keep somebody."""
        ...

    async def find(self, token_hash: bytes, at: datetime) -> Pending | None:
        """Find somebody whose time is not over."""
        ...

    async def remove(self, email_hash: str) -> None:
        """Forget all who wait with an address: one of them has it now."""
        ...


class PasswordResets(Protocol):
    """The table of the tokens that allow a new password."""

    async def put(self, token_hash: bytes, account_id: UUID, expires_at: datetime) -> None:
        """Keep a token's hash."""
        ...

    async def find(self, token_hash: bytes, at: datetime) -> UUID | None:
        """Tell whose a token is; None if it is unknown or its time is over."""
        ...

    async def take(self, token_hash: bytes) -> bool:
        """Use a token up, and tell whether it was still there."""
        ...


class Enrolment(msgspec.Struct, frozen=True, rename="camel"):
    """What an authenticator needs to be told, once."""

    secret: str
    """Base32 (RFC 4648), 160 bits."""
    otpauth_uri: str
    """The same with the account's name, for a QR code."""

    def __repr__(self) -> str:
        """Show nothing, as what is shown may be logged."""
        return "Enrolment(***)"


class CodeFault(Enum):
    """Why a code does not confirm a second factor."""

    NOTHING_BEGUN = auto()
    """There is no secret that waits to be confirmed."""
    WRONG = auto()


class SecondFactors(Protocol):
    """Codes of authenticators, and recovery codes."""

    async def begin(self, account_id: UUID, email: str) -> Enrolment | None:
        """Keep a new secret, in place of one that was never confirmed.

        None where one was confirmed already, or the person is erased.
        """
        ...

    async def check_begun(self, account_id: UUID, code: str, at: datetime) -> int | CodeFault:
        """Compare a code with the secret that waits to be confirmed, and give its time step."""
        ...

    async def use(self, account_id: UUID, code: str, at: datetime) -> bool:
        """Use a code up, of either kind, and tell whether it was right."""
        ...

    def new_recovery_codes(self) -> Sequence[Secret]:
        """Make codes for somebody who has lost the authenticator."""
        ...

    def enabled_row(self, account_id: UUID, step: int, recovery: Sequence[Secret]) -> Write:
        """Give the row that confirms the secret, with the step of the code that proved it."""
        ...

    def removed_row(self, account_id: UUID) -> Write:
        """Give the row that removes the secret and the recovery codes that are left."""
        ...


class Identity(msgspec.Struct, frozen=True):
    """What the commands that prove who somebody is work with."""

    accounts: Accounts
    sessions: Sessions
    credentials: CredentialStore
    passwords: PasswordPool
    normalised: Callable[[str], PasswordFault | bytes]
    """Gives the bytes of any password that somebody can have."""
    new_password: Callable[[str, Sequence[str]], PasswordFault | bytes]
    """Gives those of one that somebody wants, or why not; the texts are what others know."""
    people: People
    registrations: Registrations
    resets: PasswordResets
    second_factors: SecondFactors
    mails: MailQueue
    mail_sender: MailSender
    limiter: Limiter
    erasure_row: Callable[[UUID, str], Write]
    """Makes the row that erases an account with this hash of its address."""
    forget_exports: Callable[[Caller, UUID], Awaitable[None]]
    """Ends and removes the exports of whoever is erased."""
    forget_files: Callable[[Caller, UUID], Awaitable[None]]
    """Removes the files of whoever was erased, as far as it goes at once."""
    public_url: str

    async def notify(self, account_id: UUID, email_hash: str, text: Callable[[str], Mail]) -> None:
        """Queue a message to an account's owner, made for their address."""
        people = await self.people.of([account_id])
        if account_id in people:
            await self.mails.put(text(people[account_id].email), email_hash)
