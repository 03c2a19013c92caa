"""The commands on accounts, on a real log."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from commands.accounts import ACCOUNT_NOT_FOUND, change_account, register
from commands.outcomes import Changed, Created, Unchanged
from domain import account
from domain.account import Registered
from domain.account_decisions import ChangeRoles, Disable, Enable
from domain.refusal import RejectedByState
from domain.stream import Role
from infra.bootstrap import Product, open_product
from infra.identity.passwords import CHEAP
from infra.identity.personal_data import Erased
from projections.accounts import AccountRow
from tests.support.accounts import AT, OPERATOR, person, random_keys, registered


@pytest.fixture
async def product(database_url: str) -> AsyncIterator[Product]:
    """Open the product on an empty log."""
    async with open_product(database_url, random_keys(), hashing=CHEAP) as product:
        yield product


async def test_registered(product: Product) -> None:
    """A registration makes the account, its key and its password hash at once."""
    ada = person(product)

    outcome = await register(product.accounts, OPERATOR, ada)

    assert isinstance(outcome, Created)
    assert outcome.resource.location == f"/users/{ada.account_id}"
    row = await product.account_queries.by_email(
        product.personal_data.email_hash(" ADA@Example.ORG ")
    )
    assert row == AccountRow(
        id=ada.account_id,
        version=1,
        email_hash=product.personal_data.email_hash(ada.email),
        roles=["author"],
        disabled=False,
        created_at=AT,
        sessions_from=1,
        second_factor=False,
        erased=False,
    )
    assert await product.password_hashes.of(ada.account_id) == ada.password_hash
    assert not isinstance(await product.personal_data.key_of(ada.account_id), Erased)


async def test_sealed(product: Product) -> None:
    """The event holds name and address sealed, bound to its own id, and no plain text."""
    ada = person(product, "ada.canary@example.org", name="Canary Lovelace")
    await register(product.accounts, OPERATOR, ada)

    (recorded,) = await product.store.read_stream(account.stream(ada.account_id))
    entries = [entry async for entry in product.log.entries()]

    event = recorded.event
    assert isinstance(event, Registered)
    data, who = product.personal_data, ada.account_id
    assert await data.open(who, recorded.event_id, "email", event.email) == ada.email
    assert await data.open(who, recorded.event_id, "name", event.name or "") == ada.name
    assert "anary" not in repr(entries)


async def test_email_taken(product: Product) -> None:
    """An address that another account has is refused, however it is spelt, and nothing is left."""
    await registered(product, "straße@example.org")
    rival = person(product, " STRASSE@EXAMPLE.ORG")

    outcome = await register(product.accounts, OPERATOR, rival)

    assert isinstance(outcome, RejectedByState)
    assert outcome.error == "email_already_exists"
    assert await product.log.head() == 1
    assert await product.password_hashes.of(rival.account_id) is None
    assert isinstance(await product.personal_data.key_of(rival.account_id), Erased)


async def test_rivals(product: Product) -> None:
    """Of many who register one address at once, one gets it."""
    rivals = [person(product) for _ in range(8)]

    outcomes = await asyncio.gather(
        *(register(product.accounts, OPERATOR, rival) for rival in rivals)
    )

    assert sorted(type(outcome).__name__ for outcome in outcomes) == [
        "Created",
        *["RejectedByState"] * 7,
    ]
    assert await product.log.head() == 1


async def test_changes(product: Product) -> None:
    """Disabling, enabling and other roles show at once, and are unchanged when repeated."""
    ada = await registered(product)
    roles = ChangeRoles(frozenset({Role.ADMIN, Role.AUDITOR}))

    outcomes = [
        await change_account(product.accounts, OPERATOR, ada, command)
        for command in (Disable(), Disable(), roles, roles, Enable(), Enable())
    ]

    assert [type(outcome) for outcome in outcomes] == [Changed, Unchanged] * 3
    row = await product.account_queries.by_id(ada)
    assert row is not None
    assert (row.version, row.roles, row.disabled) == (4, ["admin", "auditor"], False)


async def test_nobody(product: Product) -> None:
    """An account that does not exist cannot be changed."""
    outcome = await change_account(product.accounts, OPERATOR, product.ledger.new_id(), Disable())

    assert outcome == ACCOUNT_NOT_FOUND
