"""The product without its API, and people to register in it."""

import os
from datetime import UTC, datetime
from uuid import UUID

from commands.accounts import Registration, register
from commands.handle import Caller
from commands.outcomes import Outcome
from commands.sessions import SESSION_LIFETIME, Session
from domain.stream import Role
from infra.bootstrap import Product
from infra.keys import Keys

AT = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
OPERATOR = Caller(actor=None, at=AT, command="Test")


def random_keys() -> Keys:
    """Make the keys of a deployment."""
    return Keys(os.urandom(32), os.urandom(32), os.urandom(32))


def person(
    product: Product, email: str = "ada@example.org", *, name: str | None = "Ada Lovelace"
) -> Registration:
    """Make a person who is to have an account."""
    return Registration(
        account_id=product.ledger.new_id(),
        email=email,
        name=name,
        roles=frozenset({Role.AUTHOR}),
        password_hash="not a hash, but kept like one",  # noqa: S106 - it opens nothing
    )


async def registered(product: Product, email: str = "ada@example.org") -> UUID:
    """Register a person and give the account's id."""
    someone = person(product, email)
    await register(product.accounts, OPERATOR, someone)
    return someone.account_id


async def register_all(product: Product, *people: Registration) -> list[Outcome]:
    """Register people one after the other."""
    return [await register(product.accounts, OPERATOR, someone) for someone in people]


async def a_session(product: Product, account_id: UUID, at: datetime) -> UUID:
    """Begin a session of an account, as signing in does, and give its id."""
    account = await product.account_queries.by_id(account_id)
    assert account is not None
    session = Session(
        id=product.ledger.new_id(),
        account_id=account_id,
        account_version=account.version,
        second_factor=False,
        client="",
        started_at=at,
        used_at=at,
        expires_at=at + SESSION_LIFETIME,
    )
    await product.sessions.store.start(session, os.urandom(32))
    return session.id
