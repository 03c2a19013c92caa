"""The commands on accounts: register, disable, enable, change roles.

What is personal is sealed here, before it becomes an event: the plain values go no further than
`register`. What is allowed is in `domain/account.py`, the way through the log `commands/handle.py`.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from itertools import chain
from typing import Protocol
from uuid import UUID

import msgspec

from commands.aggregate import Aggregate, Loaded, View
from commands.handle import Caller, Change, Ledger, Settled, Stop, change, create
from commands.outcomes import Changed, Created, Done, Erased, NotFound, Outcome, Unchanged
from commands.ports import Write
from commands.preconditions import NO_PRECONDITIONS, Preconditions
from domain import account
from domain.account import Account, AccountEvent
from domain.account_decisions import AccountCommand, Register, decide
from domain.claim import Claim
from domain.refusal import Refusal, RejectedByState
from domain.stream import Role

ACCOUNT_NOT_FOUND = NotFound("account_not_found")

_BYTES_OF_A_STATE = 2000


class PersonKey(Protocol):
    """One person's key."""

    @property
    def row(self) -> Write:
        """The row that keeps it."""
        ...

    def seal(self, event_id: UUID, field: str, text: str) -> str:
        """Encrypt a text for one field of one event."""
        ...


class PersonalData(Protocol):
    """Makes persons' keys and hashes their addresses."""

    def new_person(self, person_id: UUID) -> PersonKey:
        """Make a key for a person that has none."""
        ...

    def email_hash(self, email: str) -> str:
        """Give the keyed hash by which an address is claimed."""
        ...


class Accounts(msgspec.Struct, frozen=True):
    """What the commands on accounts work with."""

    ledger: Ledger
    aggregate: Aggregate[Account, AccountCommand]
    personal_data: PersonalData
    password_row: Callable[[UUID, str], Write]
    """Makes the row that keeps an account's password hash."""


class Registration(msgspec.Struct, frozen=True):
    """A person who is to have an account, in plain text."""

    account_id: UUID
    email: str
    name: str | None
    roles: frozenset[Role]
    password_hash: str
    disabled: bool = False


Beside = Callable[[Loaded[Account]], Sequence[Write]]


def _nothing_beside(_: Loaded[Account]) -> Sequence[Write]:
    return ()


Wish = Callable[[Loaded[Account]], Awaitable[AccountCommand | Stop]]
"""Makes the command when its turn has come, after the preconditions; again after a lost race."""


class ChangeAsked(msgspec.Struct, frozen=True):
    """What a request says beside the command."""

    check: Callable[[], Outcome | None] = lambda: None
    """Judges the header fields, once it is known that there is such an account."""
    conditions: Preconditions = NO_PRECONDITIONS
    beside: Beside = _nothing_beside


def accounts(view: View[Account]) -> Aggregate[Account, AccountCommand]:
    """Gather what the command loop needs to know of accounts."""
    return Aggregate(
        category=account.STREAM_CATEGORY,
        evolve=account.evolve,  # type: ignore[arg-type]  # an account's stream holds its events
        decide=_decide,
        claims=account.claims,
        claim_taken=_email_taken,
        view=view,
        weigh=lambda _: _BYTES_OF_A_STATE,
    )


async def register(accounts: Accounts, caller: Caller, person: Registration) -> Outcome:
    """Open an account. Key, password hash and event are written together or not at all."""
    ledger, personal_data = accounts.ledger, accounts.personal_data
    event_id = ledger.new_id()
    key = personal_data.new_person(person.account_id)
    command = Register(
        email_sealed=key.seal(event_id, "email", person.email.strip()),
        email_hash=personal_data.email_hash(person.email),
        name_sealed=None if person.name is None else key.seal(event_id, "name", person.name),
        roles=person.roles,
        disabled=person.disabled,
    )
    # The seals are bound to the id of the first event.
    ids = chain([event_id], iter(ledger.new_id, None))
    bound = msgspec.structs.replace(ledger, new_id=lambda: next(ids))
    rows = (key.row, accounts.password_row(person.account_id, person.password_hash))
    settled = await create(bound, accounts.aggregate, person.account_id, command, caller, puts=rows)
    return Created(settled.resource) if isinstance(settled, Settled) else settled


async def change_account(
    accounts: Accounts,
    caller: Caller,
    account_id: UUID,
    command: AccountCommand | Wish,
    asked: ChangeAsked | None = None,
) -> Outcome:
    """Change an account and show it. Whoever calls has checked that the caller may."""
    settled = await _settle(accounts, caller, account_id, command, asked or ChangeAsked())
    if not isinstance(settled, Settled):
        return settled
    return Changed(settled.resource) if settled.appended else Unchanged(settled.resource)


async def change_quietly(
    accounts: Accounts,
    caller: Caller,
    account_id: UUID,
    command: AccountCommand | Wish,
    beside: Beside = _nothing_beside,
) -> Outcome:
    """Change an account where there is nothing to show of it; `beside` as in `Change`."""
    asked = ChangeAsked(beside=beside)
    settled = await _settle(accounts, caller, account_id, command, asked)
    return Done() if isinstance(settled, Settled) else settled


async def _settle(
    accounts: Accounts,
    caller: Caller,
    account_id: UUID,
    command: AccountCommand | Wish,
    asked: ChangeAsked,
) -> Settled[Account] | Outcome:
    async def plain(_: Loaded[Account]) -> AccountCommand | Stop:
        assert not callable(command)  # noqa: S101 - it is made by itself otherwise
        return command

    wanted: Change[Account, AccountCommand] = Change(
        caller=caller,
        permit=lambda account: Erased() if account.erased else asked.check(),
        missing=ACCOUNT_NOT_FOUND,
        command=command if callable(command) else plain,
        conditions=asked.conditions,
        beside=asked.beside,
    )
    return await change(accounts.ledger, accounts.aggregate, account_id, wanted)


def _decide(
    state: Account | None, command: AccountCommand, now: datetime
) -> tuple[AccountEvent, ...] | Refusal:
    return decide(state, command, now=now)


def _email_taken(_: Sequence[Claim]) -> RejectedByState:
    # The claim is a keyed hash and tells nobody anything, so it is not repeated.
    return RejectedByState(
        error="email_already_exists",
        detail="Another account has this email address.",
        collides_with="email",
    )
