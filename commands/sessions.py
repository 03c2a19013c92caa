"""Sessions: begun with a password, kept up with refresh tokens, ended once and for all.

A session is a row outside the log; that one ended is an event of its account, so that whoever
acts by it at that moment fails (`Caller.seen`). Refresh tokens are random, kept hashed, and good
for one use: the second use of one shows that somebody has a copy, and ends the session
(RFC 9700, section 4.14.2).
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

import msgspec

from commands.accounts import Accounts, change_quietly
from commands.aggregate import Loaded
from commands.handle import Caller, Stop
from commands.outcomes import CredentialsRefused, Done, NotFound, Outcome, TokensIssued
from commands.ports import Write
from domain.account import Account, SessionEndedBy
from domain.account_decisions import AccountCommand, EndSession, EndSessions

SESSION_LIFETIME = timedelta(days=30)
"""However often its tokens are renewed, a session ends after this."""

INVALID_REFRESH_TOKEN = CredentialsRefused("invalid_refresh_token")
SESSION_NOT_FOUND = NotFound("session_not_found")

_encode = msgspec.json.Encoder().encode


class Session(msgspec.Struct, frozen=True):
    """A session, its members in the order of its row."""

    id: UUID
    account_id: UUID
    account_version: int
    """Of the account, when it was begun: `Account.sessions_from` is compared with it."""
    second_factor: bool
    client: str
    """What the client called itself; nothing depends on it."""
    started_at: datetime
    used_at: datetime
    """When its tokens were last renewed."""
    expires_at: datetime
    ended_at: datetime | None = None


class Renewed(msgspec.Struct, frozen=True):
    """The refresh token was good and is replaced now."""

    session: Session


class Reused(msgspec.Struct, frozen=True):
    """The refresh token was replaced before, and its session still lives."""

    session: Session


class SessionStore(Protocol):
    """The tables of the sessions and of their refresh tokens."""

    async def start(self, session: Session, refresh_hash: bytes) -> None:
        """Begin a session with its first refresh token."""
        ...

    async def renew(
        self, refresh_hash: bytes, new_hash: bytes, at: datetime
    ) -> Renewed | Reused | None:
        """Replace a refresh token in one step; None for one that no living session has."""
        ...

    async def alive(self, account_id: UUID, at: datetime) -> Sequence[Session]:
        """List an account's sessions that are not over, the last used first."""
        ...

    async def find(self, session_id: UUID) -> Session | None:
        """Find a session, also one that is over."""
        ...

    def row(self, session: Session) -> Write:
        """Give the row to write with an event."""
        ...


class Secret(msgspec.Struct, frozen=True):
    """A random text that is given away once, and the hash by which it is known."""

    text: str
    hash: bytes

    def __repr__(self) -> str:
        """Show nothing, as what is shown may be logged."""
        return "Secret(***)"


class Sessions(msgspec.Struct, frozen=True):
    """What the commands on sessions work with."""

    accounts: Accounts
    store: SessionStore
    new_secret: Callable[[], Secret]
    hash_of: Callable[[str], bytes]
    """Gives the hash of a secret that somebody presents."""
    issue: Callable[[UUID, UUID, datetime, timedelta], str]
    """Makes an access token for an account in a session, good from a moment on for a time."""
    access_lifetime: timedelta


class Tokens(msgspec.Struct, frozen=True, rename="camel"):
    """What signing in gives. The members `token` and `expiresIn` are the guide's."""

    token: str
    token_type: str
    expires_in: int
    """Seconds."""
    refresh_token: str
    refresh_expires_in: int
    """Seconds, which renewing does not prolong."""

    def __repr__(self) -> str:
        """Show nothing, as what is shown may be logged."""
        return "Tokens(***)"


async def start_session(
    sessions: Sessions,
    account: tuple[UUID, int],
    caller: Caller,
    *,
    client: str,
    second_factor: bool,
) -> TokensIssued:
    """Begin a session of an account as it stood, by version, when the password was compared.

    If what voids sessions happened since, the session is over before it begins.
    """
    account_id, version = account
    refresh = sessions.new_secret()
    session = Session(
        id=sessions.accounts.ledger.new_id(),
        account_id=account_id,
        account_version=version,
        second_factor=second_factor,
        client=client,
        started_at=caller.at,
        used_at=caller.at,
        expires_at=caller.at + SESSION_LIFETIME,
    )
    await sessions.store.start(session, refresh.hash)
    return _tokens(sessions, session, refresh, caller.at)


async def renew_session(
    sessions: Sessions, caller: Caller, refresh_token: str
) -> TokensIssued | CredentialsRefused | Reused:
    """Exchange a refresh token for a new pair; end the session if it was exchanged before."""
    refresh = sessions.new_secret()
    given = sessions.hash_of(refresh_token)
    match await sessions.store.renew(given, refresh.hash, caller.at):
        case Renewed(session):
            return _tokens(sessions, session, refresh, caller.at)
        case Reused(session) as reused:
            await _end(sessions, caller, session.account_id, session.id, SessionEndedBy.REUSE)
            return reused
        case None:
            return INVALID_REFRESH_TOKEN


async def end_session(
    sessions: Sessions, caller: Caller, session_id: UUID, by: SessionEndedBy
) -> Outcome:
    """End one of the caller's own sessions; one that is over already stays so."""
    assert caller.actor is not None  # noqa: S101 - nobody in particular has no sessions
    return await _end(sessions, caller, caller.actor.account_id, session_id, by)


async def end_all_sessions(sessions: Sessions, caller: Caller) -> Outcome:
    """End all of the caller's own sessions, this one included."""
    assert caller.actor is not None  # noqa: S101 - as above
    return await change_quietly(sessions.accounts, caller, caller.actor.account_id, EndSessions())


async def _end(
    sessions: Sessions, caller: Caller, account_id: UUID, session_id: UUID, by: SessionEndedBy
) -> Outcome:
    rows: list[Write] = []

    async def unless_over(account: Loaded[Account]) -> AccountCommand | Stop:
        # Asked again after a lost race, so of those who end one session at once one does.
        found = await sessions.store.find(session_id)
        if found is None or found.account_id != account_id:
            return Stop(SESSION_NOT_FOUND)
        assert account.state is not None  # noqa: S101 - only an existing account is changed
        void = found.account_version < account.state.sessions_from
        if found.ended_at is not None or void or found.expires_at <= caller.at:
            return Stop(Done())
        rows[:] = [sessions.store.row(msgspec.structs.replace(found, ended_at=caller.at))]
        return EndSession(session_id, by)

    return await change_quietly(sessions.accounts, caller, account_id, unless_over, lambda _: rows)


def _tokens(sessions: Sessions, session: Session, refresh: Secret, at: datetime) -> TokensIssued:
    lifetime = min(sessions.access_lifetime, session.expires_at - at)
    tokens = Tokens(
        token=sessions.issue(session.account_id, session.id, at, lifetime),
        token_type="Bearer",  # noqa: S106 - RFC 6750, no secret
        expires_in=int(lifetime.total_seconds()),
        refresh_token=refresh.text,
        refresh_expires_in=int((session.expires_at - at).total_seconds()),
    )
    return TokensIssued(_encode(tokens))
