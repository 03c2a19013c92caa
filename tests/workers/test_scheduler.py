"""The scheduler: due posts are published once, whoever else tries, and whatever fails meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import pytest
from uuid_utils.compat import uuid7

from commands.handle import Caller
from commands.outcomes import Created
from commands.ports import StoreUnavailableError
from commands.posts import create_post
from domain import post
from domain.post import Category, Published
from domain.post_decisions import Create
from domain.stream import Actor, Role
from infra.bootstrap import Product, open_product
from infra.identity.passwords import CHEAP
from tests.support.accounts import AT, random_keys
from tests.support.waiting import eventually
from workers.scheduler import publish_all_due, run_scheduler

AUTHOR = Actor(UUID("0190b8a5-7c1e-7d3a-9f10-5e2b6c7d8e9f"), frozenset({Role.AUTHOR}))
DUE = AT + timedelta(minutes=5)


@pytest.fixture
async def product(database_url: str) -> AsyncIterator[Product]:
    """Open the product on an empty log."""
    async with open_product(database_url, random_keys(), hashing=CHEAP) as product:
        yield product


async def scheduled(product: Product, count: int) -> list[UUID]:
    """Make posts that are to be published at DUE."""
    ids = [uuid7() for _ in range(count)]
    outcomes = await asyncio.gather(
        *(
            create_post(
                product.ledger,
                product.posts,
                product.file_queries,
                Caller(actor=AUTHOR, at=AT, command="Create"),
                Create(
                    post_id=post_id,
                    author_id=AUTHOR.account_id,
                    title=f"Post {number}",
                    content="Text.",
                    category=Category.TECH,
                    publish_at=DUE,
                ),
            )
            for number, post_id in enumerate(ids)
        )
    )
    assert {type(outcome) for outcome in outcomes} == {Created}
    return ids


async def tick(product: Product, now: datetime) -> int:
    """Do one round."""
    return await publish_all_due(product.ledger, product.posts, product.post_queries, now)


async def publications(product: Product, post_id: UUID) -> int:
    """Count how often a post was published."""
    history = await product.store.read_stream(post.stream(post_id))
    return sum(isinstance(recorded.event, Published) for recorded in history)


async def test_in_time(product: Product) -> None:
    """A post is published when its time has come, and not before."""
    (post_id,) = await scheduled(product, 1)

    assert await tick(product, DUE - timedelta(microseconds=1)) == 0
    assert await publications(product, post_id) == 0
    assert await tick(product, DUE) == 1
    assert await publications(product, post_id) == 1
    assert await tick(product, DUE) == 0


async def test_after_downtime(product: Product) -> None:
    """Everything that became due while no scheduler ran is published in one round."""
    ids = await scheduled(product, 230)

    assert await tick(product, DUE + timedelta(days=3)) == 230
    assert {await publications(product, post_id) for post_id in ids} == {1}


async def test_exactly_once(product: Product, database_url: str) -> None:
    """Of several schedulers that see the same posts, each post is published by one."""
    ids = await scheduled(product, 40)
    async with open_product(database_url, random_keys(), hashing=CHEAP) as other:
        done = await asyncio.gather(
            tick(product, DUE), tick(other, DUE), tick(product, DUE), tick(other, DUE)
        )

    assert sum(done) == 40
    assert {await publications(product, post_id) for post_id in ids} == {1}


class Failing:
    """The product's queries, out of reach for the first rounds."""

    def __init__(self, product: Product, rounds: int) -> None:
        self._product = product
        self.left = rounds

    async def due(self, now: datetime, limit: int) -> Sequence[UUID]:
        """Fail, or answer."""
        if self.left:
            self.left -= 1
            raise StoreUnavailableError("the database is gone") if self.left % 2 else OSError
        return await self._product.post_queries.due(now, limit)


async def test_outage(product: Product) -> None:
    """A scheduler outlives outages and bugs, goes on by itself, and stops when it is told."""
    (post_id,) = await scheduled(product, 1)
    stop = asyncio.Event()
    running = asyncio.create_task(
        run_scheduler(
            product.ledger,
            product.posts,
            Failing(product, rounds=6),
            now=lambda: DUE,
            stop=stop,
            every_seconds=0.001,
        )
    )

    async def published() -> bool:
        return await publications(product, post_id) == 1

    assert await eventually(published)
    assert not running.done()
    stop.set()
    async with asyncio.timeout(30):
        await running


async def test_poison(product: Product, database_url: str) -> None:
    """A post that cannot be read holds up none of the others."""
    first, *others = await scheduled(product, 3)
    connection = await asyncpg.connect(database_url)
    await connection.execute("set session_replication_role = replica")
    await connection.execute(
        "update events set type = 'post.unknown.v9', data = '{\"type\": \"post.unknown.v9\"}'"
        " where stream_id = $1",
        first,
    )
    await connection.close()
    async with open_product(database_url, random_keys(), hashing=CHEAP) as fresh:
        assert await tick(fresh, DUE) == 2
        assert [await publications(fresh, post_id) for post_id in others] == [1, 1]
