"""The projector halts at what it cannot fold, says so, and goes on when an operator wants it."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import pytest
from uuid_utils.compat import uuid7

from commands.handle import Caller
from commands.ports import StoreUnavailableError
from commands.projections import skip_event
from domain.post import Edited, Post
from projections import search
from projections.following import Halted, Lease
from projections.registry import Projection
from projections.status import State
from projections.write import Put, Write
from tests.support.log import AT, Log, append, connected, numbered
from tests.support.projecting import (
    ACTIVITY,
    SEARCH,
    caught_up,
    folded,
    follower,
    projecting,
    projector_store,
    published,
    rows_of,
    status_of,
)
from tests.support.waiting import eventually

POISON = "what no fold can take"
CALLER = Caller(actor=None, at=AT, command="SkipEvent")


def failing(shows: Any, name: str = "search") -> Projection:  # noqa: ANN401 - any fold
    """Make a projection that has a bug."""
    return msgspec.structs.replace(SEARCH, name=name, shows=shows)


def breaks_on_poison(state: Post) -> Iterable[Write]:
    """Fold all but posts with one title."""
    if state.title == POISON:
        raise KeyError(state.id)
    return search.shows(state)


def refused_by_the_database(state: Post) -> Iterable[Write]:
    """Make, of posts with one title, rows that PostgreSQL cannot store."""
    for write in search.shows(state):
        if isinstance(write, Put) and state.title == POISON:
            yield Put(write.table, (*write.row[:-1], "a NUL: \x00"))
        else:
            yield write


async def test_an_event_that_cannot_be_folded_halts_its_projection_alone(log: Log) -> None:
    """What came before it is shown; what comes after waits, and the other projection goes on."""
    await published(log, "Before")
    await published(log, POISON)
    await published(log, "After")
    broken = failing(breaks_on_poison)
    async with projecting(log, [broken, ACTIVITY]):
        await caught_up(log, [ACTIVITY])

        async def halted() -> bool:
            return (await status_of(log, SEARCH)).state is State.HALTED

        assert await eventually(halted)
    status = await status_of(log, SEARCH)

    assert (status.position, status.lag_events) == (2, 4)
    assert status.halted is not None
    assert (status.halted.position, status.halted.type) == (3, "post.created.v1")
    assert status.halted.reason.startswith("KeyError")
    assert [row[4] for row in (await rows_of(log, SEARCH)).values()] == ["Before"]
    assert await rows_of(log, ACTIVITY) == await folded(log, ACTIVITY)


async def test_an_event_that_cannot_be_decoded_halts(log: Log, database_url: str) -> None:
    """So does one that this program does not know."""
    await published(log)
    async with connected(database_url) as owner:
        await owner.execute("set session_replication_role = replica")
        await owner.execute(
            "update events set type = 'post.unknown.v9', data = '{\"type\": \"post.unknown.v9\"}'"
            " where position = 2"
        )
    one = follower(log, SEARCH)
    await one.catch_up(asyncio.Event())
    status = await status_of(log, SEARCH)

    assert (status.state, status.position) == (State.HALTED, 1)
    assert status.halted is not None
    assert status.halted.type == "post.unknown.v9"


async def test_a_new_leader_tries_the_event_again(log: Log) -> None:
    """It may be a program that can fold it; if not, the projection stays halted there."""
    await published(log, POISON)
    stop = asyncio.Event()
    for _ in range(2):
        one = follower(log, failing(breaks_on_poison))
        await one.catch_up(stop)
        await one.catch_up(stop)
        assert (await status_of(log, SEARCH)).state is State.HALTED
        await one.give_up()
    await follower(log, SEARCH).catch_up(stop)

    assert (await status_of(log, SEARCH)).state is State.CURRENT
    assert await rows_of(log, SEARCH) == await folded(log, SEARCH)


async def test_rows_that_the_database_refuses_halt_at_their_event(log: Log) -> None:
    """Not at the batch that they came in, and without a word of what is in them."""
    for title in ("One", "Two", POISON, "Four"):
        await published(log, title)
    one = follower(log, failing(refused_by_the_database))
    await one.catch_up(asyncio.Event())
    status = await status_of(log, SEARCH)

    assert (status.state, status.position) == (State.HALTED, 5)
    assert status.halted is not None
    assert status.halted.position == 6
    assert status.halted.reason == "RowRefusedError: SQLSTATE 22P05"
    assert len(await rows_of(log, SEARCH)) == 2


class Slow:
    """A way to the database on which no batch of several rows is done in time."""

    def __init__(self, log: Log) -> None:
        self._store = projector_store(log)
        self.late = 0

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - all else as it is
        return getattr(self._store, name)

    async def write(
        self, projection: Projection, lease: Lease, writes: Sequence[Write], moved: tuple[int, int]
    ) -> bool:
        """Write a row, and run out of time for more."""
        if len(writes) > 1:
            self.late += 1
            raise StoreUnavailableError("no answer within 4 s")
        return await self._store.write(projection, lease, writes, moved)


async def test_a_batch_that_takes_too_long_is_cut_up(log: Log) -> None:
    """Or the projection would try it for ever."""
    for title in ("One", "Two", "Three"):
        await published(log, title)
    slow: Any = Slow(log)
    one = follower(log, SEARCH, slow)
    with pytest.raises(StoreUnavailableError):
        await one.catch_up(asyncio.Event())
    await one.catch_up(asyncio.Event())

    assert slow.late == 1
    assert await rows_of(log, SEARCH) == await folded(log, SEARCH)


async def test_what_is_skipped_is_left_out_for_good(log: Log) -> None:
    """The leader goes on after it, and so does whoever comes after that."""
    poisoned = await published(log, POISON)
    await log.store.append(append(poisoned, numbered(1), expected=2))
    await published(log, "After")
    stop = asyncio.Event()
    one = follower(log, failing(breaks_on_poison))
    await one.catch_up(stop)
    for position in (1, 2):
        await one.catch_up(stop)
        status = await status_of(log, SEARCH)
        assert status.halted is not None
        assert status.halted.position == position
        assert await skip_event(log.store, uuid7(), CALLER, "search", position, "It is broken.")
        await projector_store(log).go_on("search", position)
    again = await skip_event(log.store, uuid7(), CALLER, "search", 2, "It is broken.")
    await one.catch_up(stop)

    # Without its creation and its publication no other event of that post can be folded either.
    status = await status_of(log, SEARCH)
    assert not again
    assert status.halted is not None
    assert status.halted.position == 3
    await skip_event(log.store, uuid7(), CALLER, "search", 3, "It is broken.")
    await projector_store(log).go_on("search", 3)
    await one.catch_up(stop)
    assert (await status_of(log, SEARCH)).state is State.CURRENT
    assert [row[4] for row in (await rows_of(log, SEARCH)).values()] == ["After"]


async def test_a_later_event_of_a_stream_goes_on_without_the_skipped_one(log: Log) -> None:
    """Also for a process that loads the stream from the log."""
    stream = await published(log, "First")
    await log.store.append(append(stream, Edited(title=POISON), expected=2))
    stop = asyncio.Event()
    one = follower(log, failing(breaks_on_poison))
    await one.catch_up(stop)
    await skip_event(log.store, uuid7(), CALLER, "search", 3, "It is broken.")
    await projector_store(log).go_on("search", 3)
    await one.catch_up(stop)
    await one.catch_up(stop)
    await log.store.append(append(stream, Edited(content="More."), expected=3))
    await one.give_up()
    await follower(log, SEARCH).catch_up(stop)
    (row,) = (await rows_of(log, SEARCH)).values()

    assert row[4:] == ("First", "More.")
    assert await rows_of(log, SEARCH) == await folded(log, SEARCH)


async def test_a_checkpoint_past_the_log_is_refused(log: Log) -> None:
    """It folds nothing, also when the log has grown past it by then, and says what to do."""
    await published(log)
    await log.database.fetch("update projections set position = 9 where name = 'search'")
    stop = asyncio.Event()
    one = follower(log, SEARCH)
    await one.catch_up(stop)
    ahead = await status_of(log, SEARCH)
    for number in range(5):
        await published(log, f"Post {number}")
    await one.catch_up(stop)
    grown = await status_of(log, SEARCH)

    assert (ahead.state, ahead.lag_events) == (State.AHEAD, 0)
    assert ahead.halted == Halted(
        10,
        None,
        None,
        "the checkpoint 9 is past the end of the log, 2: was an older log restored? "
        "`ledgerpress projections repair` mends it",
    )
    assert (grown.state, grown.position) == (State.HALTED, 9)
    assert not await rows_of(log, SEARCH)
