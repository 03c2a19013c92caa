"""The projector: catches up and keeps up, and there is one leader at a time."""

import asyncio

import msgspec
import pytest
from uuid_utils.compat import uuid7

from domain.post import Published
from projections import search
from projections.following import Lease
from projections.status import State
from projections.write import Put
from tests.support.log import (
    AT,
    AUTHOR,
    CREATED,
    Log,
    a_stream,
    append,
    numbered,
    open_log,
)
from tests.support.projecting import (
    ACTIVITY,
    SEARCH,
    caught_up,
    expire_lease,
    folded,
    follower,
    projecting,
    projector_store,
    published,
    rows_of,
    status_of,
)
from tests.support.waiting import eventually


async def test_it_folds_what_is_there_and_what_comes(log: Log) -> None:
    """A hint wakes it, so that what was appended shows at once."""
    await published(log)
    async with projecting(log):
        await caught_up(log)
        before = await status_of(log, SEARCH)
        for number in range(20):
            await published(log, f"Post {number}")
            await caught_up(log)
        after = await status_of(log, SEARCH)

    assert (before.state, before.position) == (State.CURRENT, 2)
    assert (after.state, after.position, after.head) == (State.CURRENT, 42, 42)
    assert await rows_of(log, SEARCH) == await folded(log, SEARCH)
    assert await rows_of(log, ACTIVITY) == await folded(log, ACTIVITY)


async def test_a_hint_that_is_lost_costs_half_a_second(log: Log, database_url: str) -> None:
    """It looks by itself too: what another process appends is folded without any word of it."""
    async with projecting(log), open_log(database_url) as other:
        await caught_up(log)
        await published(other)

        await caught_up(log)
    assert len(await rows_of(log, SEARCH)) == 1


async def test_events_of_others_are_passed_over(log: Log) -> None:
    """The checkpoint is a position in the whole log."""
    await published(log, category="page")
    async with projecting(log):
        await caught_up(log)

    assert (await status_of(log, SEARCH)).position == 2
    assert not await rows_of(log, SEARCH)


async def test_rows_and_checkpoint_are_written_together_or_not_at_all(log: Log) -> None:
    """A batch from another position than the checkpoint's leaves nothing."""
    stream = await published(log)
    store = projector_store(log)
    lease = await store.take(SEARCH, uuid7())
    assert isinstance(lease, Lease)
    row = (stream.id, 2, AUTHOR, AT, "A title", "Text.")
    put = Put(search.POST_SEARCH, row)

    assert not await store.write(SEARCH, lease, [put], (1, 2))
    assert not await rows_of(log, SEARCH)
    assert await store.write(SEARCH, lease, [put], (0, 2))
    assert await rows_of(log, SEARCH) == {("post_search", (stream.id,)): row}
    assert (await status_of(log, SEARCH)).position == 2


async def test_there_is_one_leader(log: Log) -> None:
    """Nobody else leads while a lease runs; it is free once given up, or when its time is over."""
    first, second, third = (follower(log, SEARCH) for _ in range(3))
    stop = asyncio.Event()
    await first.catch_up(stop)
    await second.catch_up(stop)

    assert (first.leads, second.leads) == (True, False)
    await first.give_up()
    await second.catch_up(stop)
    assert second.leads
    await expire_lease(log, SEARCH)
    await third.catch_up(stop)
    assert third.leads


async def test_who_was_taken_over_writes_nothing(log: Log) -> None:
    """A leader that slept past its lease finds itself fenced off, though it knows of nothing."""
    paused, successor = follower(log, SEARCH), follower(log, SEARCH)
    stop = asyncio.Event()
    await published(log)
    await paused.catch_up(stop)
    await expire_lease(log, SEARCH)
    await successor.catch_up(stop)
    await published(log, "Another")
    await paused.catch_up(stop)

    assert (paused.leads, successor.leads) == (False, True)
    assert (await status_of(log, SEARCH)).position == 2
    await successor.catch_up(stop)
    assert await rows_of(log, SEARCH) == await folded(log, SEARCH)


async def test_two_at_once_do_the_work_of_one(log: Log, database_url: str) -> None:
    """However they take turns, rows are those of the fold."""
    async with open_log(database_url) as other, projecting(log), projecting(other):
        for number in range(30):
            await published(log, f"Post {number}")
            if number % 10 == 5:
                await expire_lease(log, SEARCH)
        await caught_up(log)

    assert await rows_of(log, SEARCH) == await folded(log, SEARCH)


async def test_another_schema_version_is_left_alone(log: Log) -> None:
    """During a deploy each program writes the tables of its own version, and no others."""
    newer = follower(log, msgspec.structs.replace(SEARCH, schema_version=2))
    await newer.catch_up(asyncio.Event())

    assert not newer.leads


async def test_states_that_do_not_fit_are_loaded_again(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory is bounded, and long histories are read a piece at a time."""
    monkeypatch.setattr("workers.page_folder.MEMORY_BYTES", 0)
    monkeypatch.setattr("workers.projector.PAGE_ROWS", 7)
    streams = [a_stream() for _ in range(5)]
    for stream in streams:
        await log.store.append(append(stream, CREATED, Published()))
    for version in range(2, 40):
        for stream in streams:
            await log.store.append(append(stream, numbered(version), expected=version))
    one = follower(log, SEARCH)
    await one.catch_up(asyncio.Event())

    assert (await status_of(log, SEARCH)).state is State.CURRENT
    assert await rows_of(log, SEARCH) == await folded(log, SEARCH)


async def test_it_stops_in_the_middle_of_much_work(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends after the page it is at, and gives the lease up."""
    monkeypatch.setattr("workers.projector.PAGE_ROWS", 1)
    for number in range(200):
        await published(log, f"Post {number}")
    async with projecting(log):

        async def begun() -> bool:
            return (await status_of(log, SEARCH)).position > 0

        assert await eventually(begun)
    status = await status_of(log, SEARCH)
    rows = await log.database.fetch("select leader from projections where leader is not null")

    assert status.position < 400
    assert not rows
