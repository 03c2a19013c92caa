"""The verification: what holds is said to hold, in one moment, with how much was looked at."""

import asyncio

import asyncpg

from domain import post
from domain.events import TAGS
from domain.post import Category
from infra.bootstrap import INLINE_TABLES, SECRET_TABLES, open_product
from infra.clicks import TAKEN_CLICKS
from infra.files.removal import UNUSED_BLOBS
from infra.files.uploads import HOLD_RELEASES
from infra.identity.passwords import CHEAP
from infra.store.codec import Codec
from infra.store.replay import KINDS, QUERIES, READ_MODELS, Fault
from infra.store.verify import verify
from infra.webhooks.secrets import WEBHOOK_CHANGES
from tests.infra.store.verification.written import Written, created, found
from tests.support.accounts import random_keys
from tests.support.log import a_stream, append, connected, until


async def test_sound(written: Written) -> None:
    """What the product wrote holds, and the report says how much was looked at."""
    report = await written.verify()

    assert found(report) == {}
    assert (report.sound, report.head, report.events, report.streams) == (True, 10, 10, 5)
    assert report.uncompared == 0
    assert {check.name: check.checked for check in report.checks if check.checked} == {
        "positions": 10,
        "versions": 10,
        "events": 10,
        "tags": 10,
        "times": 10,
        "claims": 4,
        "posts": 3,
        "former_slugs": 1,
        "accounts": 2,
    }


_OUTSIDE_THE_LOG = (HOLD_RELEASES, UNUSED_BLOBS, TAKEN_CLICKS, WEBHOOK_CHANGES)
"""What is written with events, and of which the log says nothing."""


async def test_empty(database_url: str) -> None:
    """A log without events is sound."""
    async with open_product(database_url, random_keys(), hashing=CHEAP) as product:
        report = await verify(product.database, Codec(), lambda *_: None)

    assert (report.sound, report.head, report.events, report.streams) == (True, 0, 0, 0)


async def test_unfolded(written: Written) -> None:
    """What cannot be folded is not compared, and the report says how many streams that are."""
    await written.damage("update events set category = 'poem' where position = 7")
    report = await written.verify()

    assert report.uncompared == 1
    assert {check.name: check.checked for check in report.checks}["posts"] == 2


async def test_many_faults(written: Written) -> None:
    """All faults are counted, and the first few named."""
    await written.damage(
        "insert into claims select 'post.slug', n::text, '{self.third}'"
        " from generate_series(1, 200) as n"
    )
    report = await written.verify()

    (check,) = [check for check in report.checks if check.faults]
    assert (check.name, check.faults, check.checked) == ("claims", 200, 204)


async def test_one_moment(written: Written) -> None:
    """What is written while a verification runs is none of its business, and is not held up."""
    async with connected(written.url) as other, connected(written.url) as watching:
        # A verification gets as far as this table, and no write that follows needs it.
        async with other.transaction():
            await other.execute("lock table former_slugs_g1 in access exclusive mode")
            verifying = asyncio.create_task(written.verify())
            await until(lambda: _waits_for(watching, "former_slugs_g1"))
            for slug in ("four", "five"):
                await created(written.product, written.people[0], slug)
        before, after = await verifying, await written.verify()

    assert (found(before), found(after)) == ({}, {})
    assert (before.head, after.head) == (10, 12)


async def _waits_for(watching: asyncpg.Connection, table: str) -> bool:
    waits: bool = await watching.fetchval(
        "select exists (select from pg_locks where not granted and relation = $1::regclass)", table
    )
    return waits


async def test_progress(written: Written) -> None:
    """Both passes over the log are told from their beginning to their end."""
    told: list[tuple[str, int, int]] = []
    await verify(written.product.database, Codec(), lambda *progress: told.append(progress))

    assert told == [("positions", 10, 10), *(("streams", done, 10) for done in (1, 3, 7, 8, 10))]


async def test_version_without_state(written: Written) -> None:
    """An event that was appended without its rows is found by its read model."""
    stream = a_stream()
    lonely = post.Created(stream.id, "A title", "lonely", "Text.", Category.TECH)
    await written.product.store.append(append(stream, lonely))
    faults = found(await written.verify())

    assert faults == {
        "claims": [
            Fault("claims", "is missing", row="claims post.slug lonely", stream=str(stream.id))
        ],
        "posts": [Fault("posts", "is missing", row=f"posts {stream.id}", stream=str(stream.id))],
    }


async def test_prepared(database_url: str) -> None:
    """PostgreSQL takes every query of the file."""
    async with connected(database_url) as connection:
        prepared = [await connection.prepare(query) for query in QUERIES.values()]

    assert len(prepared) == 8


def test_complete() -> None:
    """Every category of events can be replayed, and every inline read model is compared."""
    assert set(KINDS) == {tag.partition(".")[0] for tag in TAGS}
    assert {*READ_MODELS} == {*INLINE_TABLES} - {*SECRET_TABLES, *_OUTSIDE_THE_LOG}
