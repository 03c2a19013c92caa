"""Claims made again from the log: right whatever they were before, or left as they are."""

import asyncio

import pytest

from infra.store.codec import Codec
from infra.store.rebuild_claims import Rebuilt, rebuild_claims
from infra.store.replay import Fault
from tests.infra.store.verification.written import Written, created
from tests.support.log import APPEND_LOCK, appends_wait, connected, until


@pytest.mark.parametrize(
    "statement",
    [
        "truncate claims",
        "update claims set owner_id = '{self.second}'",
        (
            "insert into claims select 'post.slug', n::text, '{self.third}'"
            " from generate_series(1, 1500) as n"
        ),
    ],
)
async def test_rebuilt(written: Written, statement: str) -> None:
    """Whatever became of the claims, a rebuild makes them what the log says."""
    right = await written.claims()
    await written.damage(statement)
    before = len(await written.claims())
    rebuilt = await rebuild_claims(written.product.database, Codec())

    assert rebuilt == Rebuilt(before, 4)
    assert await written.claims() == right
    assert (await written.verify()).sound


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("update events set category = 'poem' where position = 7", "an event of type post.created"),
        ("delete from events where position = 9", "the last is 10, but there are 9 events"),
        ("update events set version = 9 where position = 5", "version 4 comes after version 2"),
        (
            "update events set data = replace(data::text, 'one', 'uno')::json where position = 7",
            "post.slug uno is also held by ",
        ),
    ],
)
async def test_not_rebuilt(written: Written, statement: str, says: str) -> None:
    """From a log that is not sound no claim is made."""
    before = await written.claims()
    await written.damage(statement)
    rebuilt = await rebuild_claims(written.product.database, Codec())

    assert isinstance(rebuilt, Fault)
    assert says in rebuilt.says
    assert await written.claims() == before


async def test_in_turn(written: Written) -> None:
    """A rebuild takes its turn under the lock of the appends, so none of theirs is lost to it."""
    product, author = written.product, written.people[0]
    async with connected(written.url) as owner:
        async with owner.transaction():
            await owner.execute("select pg_advisory_xact_lock($1)", APPEND_LOCK)
            rebuilding = asyncio.create_task(rebuild_claims(product.database, Codec()))
            await until(lambda: appends_wait(owner))
            creating = asyncio.create_task(created(product, author, "four"))
            await until(lambda: appends_wait(owner, 2))
        rebuilt, _ = await asyncio.gather(rebuilding, creating)

    assert rebuilt == Rebuilt(4, 4)
    assert len(await written.claims()) == 5
    assert (await written.verify()).sound
