"""Group commit: appends that are written together, and do each other neither good nor harm."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from commands.ports import Append, Appended, AppendResult, ClaimTaken, Conflict, KeyUsed
from domain.post import Edited
from infra.store.event_store import GROUP_APPENDS
from tests.support.log import (
    APPEND_LOCK,
    ARCHIVED,
    AT,
    Log,
    a_stream,
    account_row,
    answer,
    append,
    appends_wait,
    connected,
    in_the_log,
    numbered,
    slug,
    together,
    until,
)


@asynccontextmanager
async def a_group_on_its_way(
    log: Log, url: str, *appends: Append
) -> AsyncIterator[list[asyncio.Task[AppendResult]]]:
    """Hold a group of appends at the moment when it has been sent and is not written yet."""
    async with connected(url) as other, connected(url) as owner:
        await other.execute("begin")
        await other.fetch("select pg_advisory_xact_lock($1)", APPEND_LOCK)
        tasks = [asyncio.create_task(log.store.append(each)) for each in appends]
        await until(lambda: appends_wait(owner))
        yield tasks
        await other.execute("commit")


async def test_appends_of_one_moment_are_one_transaction(log: Log, database_url: str) -> None:
    """What many callers append at once is committed by one transaction."""
    await together(log, *(append(a_stream()) for _ in range(50)))

    async with connected(database_url) as owner:
        transactions = await owner.fetchval("select count(distinct xmin::text) from events")
    assert transactions == 1


async def test_each_keeps_its_own_result(log: Log, database_url: str) -> None:
    """In one group some are refused, each for its reason, and the others stand, in their order."""
    held, used = a_stream(), a_stream()
    await log.store.append(append(held, takes=[slug("held")], first_answer=answer("used")))
    first, last = a_stream(), a_stream("account")

    results = await together(
        log,
        append(first, ARCHIVED, ARCHIVED, takes=[slug("free")], first_answer=answer("fresh")),
        append(held, expected=7),
        append(a_stream(), takes=[slug("held")]),
        append(used, first_answer=answer("used")),
        append(last, puts=[account_row(last.id)]),
    )

    assert results == [
        Appended(version=2, position=3),
        Conflict(actual=1),
        ClaimTaken(),
        KeyUsed(),
        Appended(version=1, position=4),
    ]
    assert [row[1] for row in await in_the_log(database_url)] == [held, first, first, last]


async def test_order_within_a_stream_is_kept(log: Log) -> None:
    """Appends to one stream that wait together are written in the order in which they came."""
    stream, other = a_stream(), a_stream()

    results = await together(
        log,
        *(
            append(one, numbered(version), expected=version)
            for version in range(20)
            for one in (stream, other)
        ),
    )

    assert [r.version for r in results if isinstance(r, Appended)] == [
        version for version in range(1, 21) for _ in range(2)
    ]
    assert [r.event for r in await log.store.read_stream(stream)] == [
        numbered(version) for version in range(20)
    ]


async def test_rivals_for_a_claim_or_a_key_take_turns(log: Log) -> None:
    """Of appends in one group that want the same claim or key the first gets it."""
    claims = await together(log, *(append(a_stream(), takes=[slug("a")]) for _ in range(3)))
    keys = await together(log, *(append(a_stream(), first_answer=answer("k")) for _ in range(3)))

    assert [type(result) for result in claims] == [Appended, ClaimTaken, ClaimTaken]
    assert [type(result) for result in keys] == [Appended, KeyUsed, KeyUsed]


async def test_a_released_claim_passes_on_at_once(log: Log) -> None:
    """Who asks for a claim after its holder asked to release it gets it."""
    holder, next_one = a_stream(), a_stream()
    await log.store.append(append(holder, takes=[slug("a")]))

    results = await together(
        log, append(holder, expected=1, releases=[slug("a")]), append(next_one, takes=[slug("a")])
    )

    assert [type(result) for result in results] == [Appended, Appended]


async def test_more_than_a_group_are_all_written(log: Log, database_url: str) -> None:
    """The queue drains in groups of bounded size, each append once."""
    many = 3 * GROUP_APPENDS + 1

    results = await together(log, *(append(a_stream()) for _ in range(many)))

    positions = [result.position for result in results if isinstance(result, Appended)]
    assert positions == list(range(1, many + 1))
    assert len(await in_the_log(database_url)) == many


async def test_a_caller_that_leaves_before_it_is_sent_writes_nothing(
    log: Log, database_url: str
) -> None:
    """Its append is dropped from the queue; those beside it are written."""
    left, stayed = a_stream(), a_stream()
    async with a_group_on_its_way(log, database_url, append(a_stream())) as tasks:
        leaving = asyncio.create_task(log.store.append(append(left)))
        staying = asyncio.create_task(log.store.append(append(stayed)))
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.wait([leaving])

    await asyncio.wait([*tasks, staying])
    assert leaving.cancelled()
    assert isinstance(staying.result(), Appended)
    assert left not in [row[1] for row in await in_the_log(database_url)]


async def test_a_caller_that_leaves_after_it_was_sent_harms_nobody(
    log: Log, database_url: str
) -> None:
    """Its append is written all the same, and the others of the group get their results."""
    left, stayed = a_stream(), a_stream()
    async with a_group_on_its_way(log, database_url, append(left), append(stayed)) as tasks:
        tasks[0].cancel()
        await asyncio.wait([tasks[0]])

    assert tasks[0].cancelled()
    assert await tasks[1] == Appended(version=1, position=2)
    assert [row[1] for row in await in_the_log(database_url)] == [left, stayed]
    assert isinstance(await log.store.append(append(a_stream())), Appended)


NUL = "\x00"


def poisoned(poison: str) -> Append:
    """Make an append that types forbid, or that the checks of its caller should have stopped."""
    stream = a_stream("account")
    put = account_row(stream.id)
    match poison:
        case "NUL in a claim":
            return append(stream, takes=[slug(NUL)])
        case "NUL in a stored key":
            return append(stream, first_answer=answer(NUL))
        case "NUL in a row":
            return append(stream, puts=[account_row(stream.id, email_hash=NUL)])
        case "a text for a number":
            return append(stream, puts=[put._replace(row=(stream.id, "1", *put.row[2:]))])
        case "a number too large":
            return append(stream, puts=[account_row(stream.id, version=2**31)])
        case "a row too short":
            return append(stream, puts=[put._replace(row=put.row[:-1])])
        case "an unknown table":
            return append(stream, puts=[put._replace(table=put.table._replace(name="events"))])
        case "a row that breaks a constraint":
            return append(stream, puts=[put, account_row(stream.id, email_hash="other")])
        case "a lone surrogate":
            return append(stream, Edited(title="\ud800"))
        case "a text for a time":
            return append(stream, at=str(AT))  # type: ignore[arg-type]  # the poison
        case "an expected version too large":
            return append(stream, expected=2**31)
        case "no list of claims":
            sane = append(stream)
            return Append(stream, 0, sane.events, sane.metadata, sane.at, takes=None)  # type: ignore[arg-type]  # the poison
        case _:
            raise ValueError(poison)


@pytest.mark.parametrize(
    "poison",
    [
        "NUL in a claim",
        "NUL in a stored key",
        "NUL in a row",
        "a text for a number",
        "a number too large",
        "a row too short",
        "an unknown table",
        "a row that breaks a constraint",
        "a lone surrogate",
        "a text for a time",
        "an expected version too large",
        "no list of claims",
    ],
)
async def test_a_poison_append_harms_no_other(log: Log, database_url: str, poison: str) -> None:
    """It raises for its own caller alone and writes nothing; the rest of the group is written."""
    before, after = a_stream(), a_stream()

    first, failed, last = await together(log, append(before), poisoned(poison), append(after))

    assert isinstance(failed, Exception)
    assert first == Appended(version=1, position=1)
    assert last == Appended(version=1, position=2)
    assert [row[1] for row in await in_the_log(database_url)] == [before, after]


async def test_a_hint_that_fails_harms_no_append(log: Log) -> None:
    """Hints may be lost; what they tell of may not."""
    loop, complaints = asyncio.get_running_loop(), list[str]()
    loop.set_exception_handler(lambda _, context: complaints.append(context["message"]))

    def lose() -> None:
        raise ConnectionError("no broker")

    try:
        log.hints.to_others(lose)
        results = [await log.store.append(append(a_stream())) for _ in range(3)]
        await asyncio.sleep(0)
    finally:
        loop.set_exception_handler(None)

    assert results == [Appended(version=1, position=position) for position in (1, 2, 3)]
    assert len(complaints) == 3
