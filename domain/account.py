"""An account's history: stream, events, state and fold. The rules are in `account_decisions.py`.

Personal data is in an event only as the text of its encryption (`*_sealed` in the state), so that
destroying the person's key erases it from a log that cannot be edited. The plain values are never
here. The stored names are a format (see `domain/stored_event.py`).

To add an event: its class and its place in `AccountEvent`, its row in `evolve`, the decision that
emits it, and a golden file.
"""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import assert_never
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from domain.claim import Claim
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


class PasswordChangedBy(StrEnum):
    """How somebody showed that they may set a password."""

    OWNER = "owner"
    """With the old one."""
    RESET = "reset"
    """With a token that was sent to the account's address."""


class PasswordChanged(StoredEvent, frozen=True, tag="account.password-changed.v1"):
    """There is a new password; sessions begun with the old one are over."""

    by: PasswordChangedBy


class SessionEndedBy(StrEnum):
    """Why one session ended before its time."""

    LOGOUT = "logout"
    REVOKED = "revoked"
    """Ended from another session of the account."""
    REUSE = "reuse"
    """A refresh token of it was used twice, so somebody has a copy."""


class SessionEnded(StoredEvent, frozen=True, tag="account.session-ended.v1"):
    """One session is over."""

    session: UUID
    by: SessionEndedBy


class SessionsEnded(StoredEvent, frozen=True, tag="account.sessions-ended.v1"):
    """All sessions begun so far are over."""


class SecondFactorEnabled(StoredEvent, frozen=True, tag="account.second-factor-enabled.v1"):
    """Signing in takes a code besides the password."""


class SecondFactorRemoved(StoredEvent, frozen=True, tag="account.second-factor-removed.v1"):
    """Signing in takes the password alone; sessions begun so far are over."""


class Erased(StoredEvent, frozen=True, tag="account.erased.v1"):
    """The person is forgotten: their key is destroyed, their address is free again."""


AccountEvent = (
    Registered
    | Disabled
    | Enabled
    | RolesChanged
    | PasswordChanged
    | SessionEnded
    | SessionsEnded
    | SecondFactorEnabled
    | SecondFactorRemoved
    | Erased
)


class Account(Struct, frozen=True, gc=False):
    """An account as it stands at one version of its stream."""

    id: UUID
    email_sealed: str
    email_hash: str
    name_sealed: str | None
    roles: frozenset[Role]
    disabled: bool
    second_factor: bool
    erased: bool
    sessions_from: int
    """The version at which a session must have begun to be valid: earlier ones are over."""
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
            second_factor=False,
            erased=False,
            sessions_from=version,
            created_at=at,
            version=version,
        )
    if state is None:
        raise ValueError(f"the history of account {id} does not begin with its registration")
    match event:
        case Disabled():
            return replace(state, version=version, disabled=True, sessions_from=version)
        case Enabled():
            return replace(state, version=version, disabled=False)
        case RolesChanged():
            return replace(state, version=version, roles=frozenset(event.roles))
        case PasswordChanged() | SessionsEnded():
            return replace(state, version=version, sessions_from=version)
        case SessionEnded():
            return replace(state, version=version)
        case SecondFactorEnabled():
            return replace(state, version=version, second_factor=True)
        case SecondFactorRemoved():
            return replace(state, version=version, second_factor=False, sessions_from=version)
        case Erased():
            return replace(
                state,
                version=version,
                email_sealed="",
                email_hash="",
                name_sealed=None,
                roles=frozenset(),
                second_factor=False,
                erased=True,
                sessions_from=version,
            )
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
    if state is None or state.erased:
        return frozenset()
    return frozenset({Claim(EMAIL_SCOPE, state.email_hash)})
