"""Opening what registrations sealed: each person's own, until they are erased."""

from collections.abc import AsyncIterator

import pytest
from uuid_utils.compat import uuid7

from commands.accounts import change_quietly, register
from commands.identity import Person
from domain.account_decisions import Disable, Erase
from infra.bootstrap import Product, open_product
from infra.identity.passwords import CHEAP
from infra.identity.people import PostgresPeople
from infra.identity.personal_data import ERASURES, DamagedError
from projections.write import Put
from tests.support.accounts import OPERATOR, person, random_keys, registered

ADA = Person("ada@example.org", "Ada Lovelace")


@pytest.fixture
async def product(database_url: str) -> AsyncIterator[Product]:
    """Open the product on an empty log."""
    async with open_product(database_url, random_keys(), hashing=CHEAP) as product:
        yield product


@pytest.fixture
def people(product: Product) -> PostgresPeople:
    """Give what is tested."""
    return PostgresPeople(product.database, product.personal_data, product.codec)


async def test_opened(product: Product, people: PostgresPeople) -> None:
    """Address as it was spelt, and name, of all who are asked for, whatever came since."""
    ada = await registered(product)
    nameless = person(product, "Nobody.In.Particular@Example.Org", name=None)
    await register(product.accounts, OPERATOR, nameless)
    await change_quietly(product.accounts, OPERATOR, ada, Disable())
    found = await people.of([ada, nameless.account_id, uuid7()])

    assert found == {
        ada: ADA,
        nameless.account_id: Person("Nobody.In.Particular@Example.Org", None),
    }
    assert await people.of([]) == {}


async def test_erased(product: Product, people: PostgresPeople) -> None:
    """Whoever is erased is not found any more; others are."""
    ada, eve = await registered(product), await registered(product, "eve@example.org")
    row = Put(ERASURES, (ada, product.personal_data.email_hash("ada@example.org")))
    await change_quietly(product.accounts, OPERATOR, ada, Erase(), lambda _: [row])

    assert (await people.of([ada, eve])).keys() == {eve}


async def test_with_another_secret(
    product: Product, people: PostgresPeople, database_url: str
) -> None:
    """A deployment that lost its key says so, and shows nothing wrong."""
    ada = await registered(product)
    async with open_product(database_url, random_keys(), hashing=CHEAP) as other:
        strangers = PostgresPeople(other.database, other.personal_data, other.codec)
        with pytest.raises(DamagedError, match=str(ada)):
            await strangers.of([ada])

    assert await people.of([ada]) == {ada: ADA}


def test_what_may_be_logged() -> None:
    """A person does not show themselves."""
    assert "ada" not in repr(ADA).lower()
