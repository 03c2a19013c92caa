"""An account's history and its decisions: stream, events, state and fold, commands and `decide`.

Personal data is in an event only as the text of its encryption (`*_sealed` in the state), so that
destroying the person's key erases it from a log that cannot be edited. The plain values are never
here. The stored names are a format (see `domain/stored_event.py`).

To add an event: its class and its place in `AccountEvent`, its row in `evolve`, the decision that
emits it, and a golden file.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import assert_never
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from domain.claim import Claim
from domain.refusal import RejectedByState
from domain.stored_event import StoredEvent
from domain.stream import Role, Stream

STREAM_CATEGORY = "account"
EMAIL_SCOPE = "account.email"


def stream(account_id: UUID) -> Stream:
    """Name the stream of one account."""
    return Stream(STREAM_CATEGORY, account_id)


class Registered(StoredEvent, frozen=True, tag="account.registered.v1"):
    """A person has an account."""

    email: str
    """Sealed with the person's key."""
    email_hash: str
    """Keyed hash of the normalised address, by which it is found and claimed."""
    name: str | None
    """Sealed with the person's key."""
    roles: tuple[Role, ...]


class Disabled(StoredEvent, frozen=True, tag="account.disabled.v1"):
    """The account can no longer be used."""


class Enabled(StoredEvent, frozen=True, tag="account.enabled.v1"):
    """The account can be used again."""


class RolesChanged(StoredEvent, frozen=True, tag="account.roles-changed.v1"):
    """The account holds these roles and no others."""

    roles: tuple[Role, ...]


AccountEvent = Registered | Disabled | Enabled | RolesChanged


class Account(Struct, frozen=True, gc=False):
    """An account as it stands at one version of its stream."""

    id: UUID
    email_sealed: str
    email_hash: str
    name_sealed: str | None
    roles: frozenset[Role]
    disabled: bool
    created_at: datetime
    version: int


def evolve(
    state: Account | None,
    event: AccountEvent,
    *,
    id: UUID,  # noqa: A002 - spelled as in the state, and alike for every aggregate
    version: int,
    at: datetime,
) -> Account:
    """Give the state after an event that was recorded at a version and a time.

    Never rejects what happened. The one requirement is the log's own, that a history begins with
    `Registered`; one that does not is damaged, hence a ValueError.
    """
    if isinstance(event, Registered):
        return Account(
            id=id,
            email_sealed=event.email,
            email_hash=event.email_hash,
            name_sealed=event.name,
            roles=frozenset(event.roles),
            disabled=False,
            created_at=at,
            version=version,
        )
    if state is None:
        raise ValueError(f"the history of account {id} does not begin with its registration")
    match event:
        case Disabled():
            return replace(state, version=version, disabled=True)
        case Enabled():
            return replace(state, version=version, disabled=False)
        case RolesChanged():
            return replace(state, version=version, roles=frozenset(event.roles))
        case _:
            assert_never(event)


def fold(
    history: Iterable[tuple[AccountEvent, int, datetime]],
    id: UUID,  # noqa: A002 - as in evolve
) -> Account | None:
    """Give the state after a history of (event, version, recorded time), None after none."""
    state = None
    for event, version, at in history:
        state = evolve(state, event, id=id, version=version, at=at)
    return state


def claims(state: Account | None) -> frozenset[Claim]:
    """Give the names that the account holds: its email address, by keyed hash."""
    if state is None:
        return frozenset()
    return frozenset({Claim(EMAIL_SCOPE, state.email_hash)})


class Register(Struct, frozen=True):
    """Open an account. Address and name come sealed."""

    email_sealed: str
    email_hash: str
    name_sealed: str | None
    roles: frozenset[Role]


class Disable(Struct, frozen=True):
    """Shut the account."""


class Enable(Struct, frozen=True):
    """Open a shut account again."""


class ChangeRoles(Struct, frozen=True):
    """Give the account these roles and no others."""

    roles: frozenset[Role]


AccountCommand = Register | Disable | Enable | ChangeRoles

Decision = tuple[AccountEvent, ...] | RejectedByState


def decide(
    state: Account | None,
    command: AccountCommand,
    *,
    now: datetime,  # noqa: ARG001 - no rule here depends on the time; alike for every aggregate
) -> Decision:
    """Answer a command with the events that it causes, or with why it is refused.

    No events means that the account already is as asked.
    """
    if isinstance(command, Register):
        return _register(state, command)
    if state is None:
        return _collision("There is no such account.", "absent")
    match command:
        case Disable():
            return () if state.disabled else (Disabled(),)
        case Enable():
            return (Enabled(),) if state.disabled else ()
        case ChangeRoles():
            changed = command.roles != state.roles
            return (RolesChanged(_ordered(command.roles)),) if changed else ()
        case _:
            assert_never(command)


def _register(state: Account | None, command: Register) -> Decision:
    if state is not None:
        return _collision("There is an account with this id already.", "present")
    registered = Registered(
        email=command.email_sealed,
        email_hash=command.email_hash,
        name=command.name_sealed,
        roles=_ordered(command.roles),
    )
    return (registered,)


def _ordered(roles: frozenset[Role]) -> tuple[Role, ...]:
    """Put the roles in one order, so that equal events have equal bytes."""
    return tuple(sorted(roles))


def _collision(detail: str, present: str) -> RejectedByState:
    return RejectedByState(error="transition_not_allowed", detail=detail, collides_with=present)
