"""The accounts as authorisation reads them, by id, by address, and by the session of who asks.

Nothing personal is here but the keyed hash of the email. Written in the transaction of the events.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import msgspec

from domain.account import Account
from domain.stream import WANT_SECOND_FACTOR, Actor, Role
from projections.coalesce import Coalescer
from projections.database import Database, load_queries
from projections.write import Put, Rendered, Table, last_of_each_key

SCHEMA_VERSION = 2

ACCOUNTS = Table(
    "accounts",
    (
        "id",
        "version",
        "email_hash",
        "roles",
        "disabled",
        "created_at",
        "sessions_from",
        "second_factor",
        "erased",
    ),
    key_columns=1,
)
QUERIES = load_queries(Path(__file__).with_name("accounts.sql"))

_MOST_REMEMBERED = 10_000

_encode = msgspec.json.Encoder().encode


@lru_cache(maxsize=64)
def _roles(names: tuple[str, ...]) -> frozenset[Role]:
    return frozenset(Role(name) for name in names)


class AccountRow(msgspec.Struct, frozen=True, gc=False):
    """An account's row."""

    id: UUID
    version: int
    email_hash: str
    roles: Sequence[str]
    disabled: bool
    created_at: datetime
    sessions_from: int
    second_factor: bool
    erased: bool


class SignedIn(msgspec.Struct, frozen=True, gc=False):
    """Somebody who asks: an account, by one of its sessions."""

    account: AccountRow
    session_id: UUID
    second_factor: bool
    """Whether one was shown when the session began, or since."""
    over: bool
    """Whether the session has ended."""

    @property
    def gone(self) -> bool:
        """Whether nobody may ask by this session any more."""
        return self.over or self.account.disabled or self.account.erased

    def actor(self, *, enforced: bool) -> Actor:
        """Give the account with the roles that count.

        Where a second factor is enforced, roles with power count only if one was shown.
        """
        roles = _roles(tuple(self.account.roles))
        if enforced and not self.second_factor:
            roles -= WANT_SECOND_FACTOR
        return Actor(self.account.id, roles)


class AccountBody(msgspec.Struct, frozen=True, rename="camel"):
    """An account as administrators get it."""

    id: UUID
    roles: list[str]
    disabled: bool
    second_factor: bool
    created_at: datetime
    version: int


def body(account: Account) -> bytes:
    """Give the JSON that administrators get."""
    return _encode(
        AccountBody(
            id=account.id,
            roles=sorted(account.roles),
            disabled=account.disabled,
            second_factor=account.second_factor,
            created_at=account.created_at,
            version=account.version,
        )
    )


def fold(after: Account) -> Iterable[Put]:
    """Say what an event writes: the account's row."""
    yield Put(
        ACCOUNTS,
        (
            after.id,
            after.version,
            after.email_hash,
            sorted(after.roles),
            after.disabled,
            after.created_at,
            after.sessions_from,
            after.second_factor,
            after.erased,
        ),
    )


class Step(Protocol):
    """What the view needs of an event and the states around it."""

    @property
    def after(self) -> Account:
        """The state after the event."""
        ...


class AccountView:
    """The accounts' read model as the command loop uses it."""

    def location(self, stream_id: UUID) -> str:
        """Give the account's path."""
        return f"/users/{stream_id}"

    def history(self, stream_id: UUID) -> str:
        """Give the path of the account's events."""
        return f"/streams/account/{stream_id}"

    def tag(self, version: int) -> str:
        """Give the opaque part of the entity tag of a version."""
        return f"{SCHEMA_VERSION}.{version}"

    def render(self, state: Account, steps: Sequence[Step]) -> Rendered:
        """Show the account, and give the rows that its last steps ask for."""
        return Rendered(
            body(state), last_of_each_key(put for step in steps for put in fold(step.after))
        )


class AccountQueries:
    """Reads accounts; those who ask at the same moment share a query."""

    def __init__(self, database: Database, one_at_a_time: Database) -> None:
        """Read through `database`, and by session, one query at a time, through the other."""
        self._database = database
        self._one_at_a_time = one_at_a_time
        self._by_session: Coalescer[UUID, SignedIn] = Coalescer(self._fetch)
        self._remembered: OrderedDict[UUID, SignedIn] = OrderedDict()

    async def by_session(self, session_id: UUID) -> SignedIn | None:
        """Find whose session this is, and how both stand."""
        return await self._by_session.get(session_id)

    def remembered(self, session_id: UUID) -> SignedIn | None:
        """Give what was last read here of a session, for those who will check the version.

        What ends a session is an event of its account, so the version tells that as well.
        """
        return self._remembered.get(session_id)

    async def by_id(self, account_id: UUID) -> AccountRow | None:
        """Find an account."""
        rows = await self._database.fetch(QUERIES["by_id"], account_id)
        return AccountRow(*rows[0]) if rows else None

    async def by_email(self, email_hash: str) -> AccountRow | None:
        """Find the account that holds an email, by the email's keyed hash."""
        rows = await self._database.fetch(QUERIES["by_email"], email_hash)
        return AccountRow(*rows[0]) if rows else None

    async def page(
        self, limit: int, before: tuple[datetime, UUID] | None = None
    ) -> Sequence[AccountRow]:
        """List the accounts, the newest first, from after the one of this time and id."""
        at, account_id = before or (None, None)
        rows = await self._database.fetch(QUERIES["page"], at, account_id, limit)
        return [AccountRow(*row) for row in rows]

    async def _fetch(self, ids: Sequence[UUID]) -> dict[UUID, SignedIn]:
        rows: Sequence[Any] = await self._one_at_a_time.fetch(QUERIES["by_session"], ids)
        found = {
            row[0]: SignedIn(AccountRow(*row[3:]), row[0], second_factor=row[1], over=row[2])
            for row in map(tuple, rows)
        }
        self._remembered.update(found)
        while len(self._remembered) > _MOST_REMEMBERED:
            self._remembered.popitem(last=False)
        return found
