"""Finding accounts to sign in to: one query, one row, whoever is asked for."""

from collections.abc import AsyncIterator

import pytest
from uuid_utils.compat import uuid7

from commands.accounts import change_quietly
from commands.identity import KnownAccount, LookUp
from domain.account_decisions import Disable, EnableSecondFactor, Erase
from infra.bootstrap import Product, open_product
from infra.identity.credentials import PostgresCredentials
from infra.identity.passwords import CHEAP
from infra.identity.personal_data import ERASURES
from projections.write import Put
from tests.support.accounts import OPERATOR, person, random_keys, register_all, registered

KEPT = "not a hash, but kept like one"


@pytest.fixture
async def product(database_url: str) -> AsyncIterator[Product]:
    """Open the product on an empty log."""
    async with open_product(database_url, random_keys(), hashing=CHEAP) as product:
        yield product


@pytest.fixture
def credentials(product: Product) -> PostgresCredentials:
    """Give what is tested."""
    return PostgresCredentials(product.database)


async def test_found_either_way(product: Product, credentials: PostgresCredentials) -> None:
    """By address and by id: the same account, as it stands, with its password hash."""
    who = await registered(product)
    email_hash = product.personal_data.email_hash("ADA@example.org")
    fresh = await credentials.by_email(email_hash)
    await change_quietly(product.accounts, OPERATOR, who, EnableSecondFactor())
    await change_quietly(product.accounts, OPERATOR, who, Disable())
    changed = await credentials.by_id(who)

    assert fresh == LookUp(
        KnownAccount(
            id=who,
            version=1,
            disabled=False,
            second_factor=False,
            email_hash=email_hash,
            password_hash=KEPT,
        ),
        None,
    )
    assert changed == await credentials.by_email(email_hash)
    assert changed.account is not None
    assert (changed.account.version, changed.account.disabled) == (3, True)
    assert changed.account.second_factor


async def test_nobody(product: Product, credentials: PostgresCredentials) -> None:
    """Somebody erased is as unknown as somebody who never was."""
    who = await registered(product)
    email_hash = product.personal_data.email_hash("ada@example.org")
    row = Put(ERASURES, (who, email_hash))
    await change_quietly(product.accounts, OPERATOR, who, Erase(), lambda _: [row])

    for found in (
        await credentials.by_id(who),
        await credentials.by_id(uuid7()),
        await credentials.by_email(email_hash),
        await credentials.by_email(""),  # what the row of somebody erased holds
    ):
        assert found == LookUp(None, None)


async def test_the_highest_cost_of_bcrypt(
    product: Product, credentials: PostgresCredentials
) -> None:
    """It is told with every look-up, for as long as there is a hash of that kind."""
    people = [person(product, f"{n}@example.org") for n in range(3)]
    await register_all(product, *people)
    first, second, _ = (one.account_id for one in people)
    for who, cost in ((first, "12"), (second, "04")):
        await credentials.replace_hash(who, KEPT, f"$2b${cost}$" + "a" * 53)
    nobody = await credentials.by_email("nobody")
    await credentials.replace_hash(first, "$2b$12$" + "a" * 53, "another")

    assert nobody == LookUp(None, 12)
    assert (await credentials.by_id(second)).bcrypt_cost == 4
    await credentials.replace_hash(second, "$2b$04$" + "a" * 53, "another")
    assert (await credentials.by_id(second)).bcrypt_cost is None


async def test_a_hash_is_replaced_only_where_it_has_not_changed(
    product: Product, credentials: PostgresCredentials
) -> None:
    """Whoever has a new password meanwhile keeps it."""
    who = await registered(product)
    await credentials.replace_hash(who, "an older one", "lost")
    kept = await credentials.by_id(who)
    await credentials.replace_hash(who, KEPT, "new")
    replaced = await credentials.by_id(who)

    assert kept.account is not None
    assert replaced.account is not None
    assert (kept.account.password_hash, replaced.account.password_hash) == (KEPT, "new")
    assert replaced.account.version == 1
