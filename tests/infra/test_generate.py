"""Generated posts are as commands would have written them, and the same number each time."""

from collections.abc import AsyncIterator

import pytest

from infra.bootstrap import Product, open_product
from infra.generate import AUTHORS, generate
from infra.generated_texts import CONTENT_BYTES
from infra.identity.passwords import CHEAP
from infra.store.codec import Codec
from infra.store.verify import verify
from tests.support.accounts import AT, random_keys

EVENTS = 1_500


@pytest.fixture
async def product(database_url: str) -> AsyncIterator[Product]:
    """Open the product on an empty log."""
    async with open_product(database_url, random_keys(), hashing=CHEAP) as product:
        yield product


async def test_a_log_of_its_own_making(product: Product) -> None:
    """Claims and rows are what the events say; there are drafts, renamed and deleted posts."""
    told: list[tuple[int, int]] = []
    await generate(product, EVENTS, AT, lambda *news: told.append(news))
    report = await verify(product.database, Codec(), lambda *_: None)
    rows = await product.database.fetch(
        "select count(distinct author_id), array_agg(distinct status), bool_or(deleted),"
        " avg(octet_length(body))::int from posts"
    )
    authors, statuses, deleted, size = rows[0]

    assert report.sound
    assert EVENTS <= report.head < EVENTS + 1_500
    assert told[-1] == (report.head, EVENTS)
    assert authors == AUTHORS
    assert set(statuses) == {"draft", "published", "archived"}
    assert deleted
    assert CONTENT_BYTES < size < CONTENT_BYTES + 1_000


async def test_enough_already(product: Product) -> None:
    """A log that has as many events stays as it is; one that has fewer grows by the rest."""
    await generate(product, 100, AT, lambda *_: None)
    first = await product.log.head()
    await generate(product, first, AT, lambda *_: None)
    same = await product.log.head()
    await generate(product, first + 1, AT, lambda *_: None)

    assert same == first
    assert await product.log.head() > first
    assert (await verify(product.database, Codec(), lambda *_: None)).sound
