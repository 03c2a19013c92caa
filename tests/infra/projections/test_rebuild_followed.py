"""Rebuilding projections that the projector runs, while it runs them."""

import asyncio

import pytest
from structlog.testing import capture_logs

from commands.ports import ANY_VERSION
from domain import projection
from domain.post_decisions import Publish
from infra.projections.compare import Comparison
from infra.projections.cut_over import CutOver
from infra.projections.rebuild import Rebuild, compare_with_log, rebuild, undo
from infra.serve import running_projector
from tests.infra.projections.rebuilding import Rebuilding
from tests.infra.store.verification.written import changed, created
from tests.support.log import append, until

FOLLOWED = {"activity": "activity", "search": "post_search"}


async def caught_up(short: Rebuilding, name: str) -> None:
    """Wait until a projection has folded the whole log."""

    async def at_the_head() -> bool:
        rows = await short.written.product.database.fetch(
            "select position = (select max(position) from events) from projections where name = $1",
            name,
        )
        return bool(rows[0][0])

    await until(at_the_head)


@pytest.mark.parametrize("name", FOLLOWED)
async def test_while_it_is_run(short: Rebuilding, name: str) -> None:
    """Nothing differs, and the projector goes on where the old tables stood, without a warning."""
    product, author = short.written.product, short.written.people[0]
    stop = asyncio.Event()

    async def write() -> None:
        number = 0
        while not stop.is_set():
            post_id = await created(product, author, f"post-{number}")
            await changed(product, author, post_id, Publish())
            number += 1

    with capture_logs() as said:
        async with running_projector(product):
            writing = asyncio.create_task(write())
            done = [await rebuild(short.order(name)) for _ in range(2)]
            back = await undo(short.order(name))
            stop.set()
            await writing
            await caught_up(short, name)
            compared = await compare_with_log(short.order(name))

    assert all(isinstance(each, Rebuild) and not each.comparison.differing for each in done), done
    assert isinstance(back, CutOver), back
    assert isinstance(compared, Comparison), compared
    assert (compared.differing, await short.served(name)) == (0, 2)
    assert len(await short.rows(FOLLOWED[name])) > 5
    assert [each for each in said if each.get("projection") and each["log_level"] != "info"] == []


@pytest.mark.parametrize("name", FOLLOWED)
async def test_one_that_is_behind(short: Rebuilding, name: str) -> None:
    """It is made as far as it has been folded, and no further."""
    done = await rebuild(short.order(name))

    assert isinstance(done, Rebuild), done
    assert (done.cut_over.position, done.comparison.rows) == (0, 0)
    async with running_projector(short.written.product):
        await caught_up(short, name)
    assert await short.rows(FOLLOWED[name])


async def test_one_that_is_ahead(short: Rebuilding) -> None:
    """After an older log was restored, the tables are made of what the log has, and stand there."""
    async with running_projector(short.written.product):
        await caught_up(short, "search")
    await short.written.damage("update projections set position = 100 where name = 'search'")
    done = await rebuild(short.order("search"))

    assert isinstance(done, Rebuild), done
    assert done.cut_over.position == 10
    assert len(await short.rows("post_search")) == 1


async def test_skipped_events_stay_out(short: Rebuilding) -> None:
    """What an operator left out of a projection is left out of every rebuild."""
    async with running_projector(short.written.product):
        await caught_up(short, "activity")
    before = await short.rows("activity")
    event = projection.Skipped("activity", 6, "A test.")
    await short.written.product.store.append(
        append(projection.stream("activity"), event, expected=ANY_VERSION)
    )
    async with running_projector(short.written.product):
        await caught_up(short, "activity")
    done = await rebuild(short.order("activity"))

    assert isinstance(done, Rebuild), done
    assert done.comparison.differing == 1
    assert {row[6] for row in before} == {0, 1}
    assert {row[6] for row in await short.rows("activity")} == {0}
