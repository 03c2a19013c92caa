"""The product without its API, and people to register in it."""

import os
from datetime import UTC, datetime
from uuid import UUID

from commands.accounts import Registration, register
from commands.handle import Caller
from commands.outcomes import Outcome
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
