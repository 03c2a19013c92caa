"""What answers say of accounts and sessions, in JSON; OpenAPI takes the shapes from here."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from msgspec import Struct

from commands.identity import Person
from commands.sessions import Session
from domain.stream import WANT_SECOND_FACTOR, Role
from projections.accounts import AccountRow, SignedIn
from projections.activity import ActivityDay


class MailNotice(Struct, frozen=True):
    """Said to everybody, whoever has the address."""

    message: str


class UserBody(Struct, frozen=True, rename="camel"):
    """An account as administrators read it."""

    id: UUID
    email: str
    name: str | None
    roles: list[str]
    disabled: bool
    second_factor: bool
    created_at: datetime
    version: int


class UserPage(Struct, frozen=True, rename="camel"):
    """A page of accounts, the newest first."""

    items: list[UserBody]
    next_cursor: str | None


class MeBody(Struct, frozen=True, rename="camel"):
    """One's own account."""

    id: UUID
    email: str
    name: str | None
    roles: list[str]
    withheld_roles: list[str]
    """Those that count only once a second factor is shown."""
    second_factor: bool
    session: UUID
    posts: dict[str, int]
    """One's own posts that are not deleted, by status; a status without any is left out."""
    created_at: datetime
    version: int


class ActivityList(Struct, frozen=True):
    """What was done to one's posts."""

    since: date
    """The first day that was looked at."""
    items: list[ActivityDay]


class SessionBody(Struct, frozen=True, rename="camel"):
    """A session that lives."""

    id: UUID
    client: str
    """What the client called itself (User-Agent)."""
    started_at: datetime
    used_at: datetime
    """When its tokens were last renewed."""
    expires_at: datetime
    second_factor: bool
    current: bool
    """Whether it is the one that asks."""


class SessionList(Struct, frozen=True, rename="camel"):
    """One's sessions, the last used first."""

    items: list[SessionBody]


def user_body(account: AccountRow, person: Person) -> UserBody:
    """Show an account to an administrator."""
    return UserBody(
        id=account.id,
        email=person.email,
        name=person.name,
        roles=[*account.roles],
        disabled=account.disabled,
        second_factor=account.second_factor,
        created_at=account.created_at,
        version=account.version,
    )


def me_body(known: SignedIn, person: Person, posts: Mapping[str, int], *, enforced: bool) -> MeBody:
    """Show somebody their own account."""
    account = known.account
    withheld = enforced and not known.second_factor
    return MeBody(
        id=account.id,
        email=person.email,
        name=person.name,
        roles=[*account.roles],
        withheld_roles=[
            role for role in account.roles if withheld and Role(role) in WANT_SECOND_FACTOR
        ],
        second_factor=account.second_factor,
        session=known.session_id,
        posts={**posts},
        created_at=account.created_at,
        version=account.version,
    )


def session_list(sessions: Sequence[Session], current: UUID) -> SessionList:
    """Show somebody their sessions."""
    return SessionList(
        [
            SessionBody(
                id=session.id,
                client=session.client,
                started_at=session.started_at,
                used_at=session.used_at,
                expires_at=session.expires_at,
                second_factor=session.second_factor,
                current=session.id == current,
            )
            for session in sessions
        ]
    )
