"""Reading the log: everything or a part of it, both ways, in bounded memory."""

import tracemalloc
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import TypedDict

import pytest
from uuid_utils.compat import uuid7

from commands.ports import EVERYTHING, LogFilter, Metadata
from domain.stream import Stream
from infra.store import event_log
from tests.support.log import (
    ARCHIVED,
    AT,
    AUTHOR,
    CREATED,
    METADATA,
    Log,
    a_stream,
    append,
    connected,
    numbered,
    open_log,
    positions,
)

POST, OTHER_POST, ACCOUNT = a_stream(), a_stream(), a_stream("account")
SOMEBODY = uuid7()


class Range(TypedDict, total=False):
    """Which positions, which way."""

    after: int
    before: int | None
    backwards: bool
    limit: int | None


@pytest.fixture
async def log(database_url: str) -> AsyncIterator[Log]:
    """Open a log of eight events: positions 1 to 8."""
    by_somebody = Metadata(command="Test", actor=SOMEBODY)
    by_nobody = Metadata(command="Test")
    async with open_log(database_url) as log:
        await log.store.append(append(POST, CREATED, ARCHIVED))
        await log.store.append(append(ACCOUNT, at=AT + timedelta(1), metadata=by_nobody))
        await log.store.append(
            append(OTHER_POST, CREATED, at=AT + timedelta(2), metadata=by_somebody)
        )
        await log.store.append(
            append(POST, numbered(3), numbered(4), expected=2, at=AT + timedelta(3))
        )
        await log.store.append(
            append(OTHER_POST, ARCHIVED, expected=1, at=AT + timedelta(3), metadata=by_somebody)
        )
        await log.store.append(append(Stream("account", POST.id), at=AT + timedelta(4)))
        yield log


async def read(log: Log, which: LogFilter = EVERYTHING, **where: object) -> list[int]:
    """Tell the positions of the entries."""
    return [entry.position async for entry in log.log.entries(which, **where)]  # type: ignore[arg-type]  # as the parameters say


FILTERS: list[tuple[LogFilter, list[int]]] = [
    (EVERYTHING, [1, 2, 3, 4, 5, 6, 7, 8]),
    (LogFilter(category="post"), [1, 2, 4, 5, 6, 7]),
    (LogFilter(category="account"), [3, 8]),
    (LogFilter(category="unknown"), []),
    (LogFilter(stream=POST), [1, 2, 5, 6]),
    (LogFilter(stream=Stream("account", POST.id)), [8]),
    (LogFilter(category="account", stream=POST), []),
    (LogFilter(type="post.archived.v1"), [2, 3, 7, 8]),
    (LogFilter(actor=AUTHOR), [1, 2, 5, 6, 8]),
    (LogFilter(actor=SOMEBODY, type="post.archived.v1"), [7]),
    (LogFilter(since=AT + timedelta(2)), [4, 5, 6, 7, 8]),
    (LogFilter(until=AT + timedelta(2)), [1, 2, 3]),
    (LogFilter(stream=POST, since=AT + timedelta(1), until=AT + timedelta(3)), []),
    (LogFilter(category="post", since=AT + timedelta(1), until=AT + timedelta(4)), [4, 5, 6, 7]),
]
RANGES: list[Range] = [
    {},
    {"after": 3},
    {"before": 6},
    {"after": 2, "before": 7},
    {"after": 8},
    {"after": 5, "before": 3},
    {"limit": 2},
    {"limit": 1, "after": 4},
    {"limit": 100},
]


@pytest.mark.parametrize("page_rows", [1, 3, 500])
async def test_filters_ranges_and_directions(
    log: Log, monkeypatch: pytest.MonkeyPatch, page_rows: int
) -> None:
    """Each filter, over each range, both ways, gives what it says, wherever pages end."""
    monkeypatch.setattr(event_log, "PAGE_ROWS", page_rows)
    for which, matching in FILTERS:
        for where in RANGES:
            after, before = where.get("after", 0), where.get("before") or 9
            within = [position for position in matching if after < position < before]

            forwards = await read(log, which, **where)
            backwards = await read(log, which, **where, backwards=True)

            assert forwards == within[: where.get("limit")], (which, where)
            assert backwards == within[::-1][: where.get("limit")], (which, where)


@pytest.mark.parametrize("page_rows", [1, 3, 500])
async def test_events_are_decoded_in_pages(
    log: Log, monkeypatch: pytest.MonkeyPatch, page_rows: int
) -> None:
    """The decoded log is the entries' positions, streams, versions, ids and times."""
    monkeypatch.setattr(event_log, "PAGE_ROWS", page_rows)

    pages = [page async for page in log.log.recorded(after=1)]
    entries = [entry async for entry in log.log.entries(after=1)]

    assert [len(page) for page in pages] == {1: [1] * 7, 3: [3, 3, 1], 500: [7]}[page_rows]
    assert [(r.position, r.stream, r.version, r.event_id, r.at) for p in pages for r in p] == [
        (e.position, e.stream, e.version, e.event_id, e.at) for e in entries
    ]
    assert [r.event for page in pages for r in page][:2] == [ARCHIVED, ARCHIVED]
    assert positions([page async for page in log.log.recorded(LogFilter(stream=POST))]) == [
        1,
        2,
        5,
        6,
    ]


async def test_the_head_is_the_last_position(log: Log, database_url: str) -> None:
    """It is 0 in an empty log."""
    async with connected(database_url) as owner:
        await owner.execute("alter table events disable trigger user")

        assert await log.log.head() == 8

        await owner.execute("truncate events")

        assert await log.log.head() == 0
        assert await read(log) == []


async def test_a_request_id_of_any_kind_is_no_obstacle(log: Log) -> None:
    """A filter on the actor minds neither NUL in metadata nor what only looks like an actor."""
    odd = Metadata(
        command="Test", actor=SOMEBODY, request_id=f'\x00 \U0001f600 \\ "actor":"{AUTHOR}"'
    )
    await log.store.append(append(a_stream(), metadata=odd))

    assert await read(log, LogFilter(actor=SOMEBODY)) == [4, 7, 9]
    assert await read(log, LogFilter(actor=AUTHOR)) == [1, 2, 5, 6, 8]


async def test_a_page_ends_before_it_holds_too_many_bytes(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages stay within the bound in bytes but for a single larger event; nothing is left out."""
    monkeypatch.setattr(event_log, "PAGE_BYTES", 10_000)
    sizes = [4000, 4000, 4000, 4000, 50_000, 100, 100, 9900, 9000]
    await log.store.append(
        append(a_stream(), *(numbered(n, size=size) for n, size in enumerate(sizes)))
    )

    pages = [page async for page in log.log.recorded(after=8)]
    forwards = await read(log, after=8)
    backwards = await read(log, after=8, backwards=True)

    # A page takes the event that crosses the bound and ends there.
    assert [len(page) for page in pages] == [3, 2, 3, 1]
    assert forwards == list(range(9, 18))
    assert backwards == forwards[::-1]


async def test_memory_is_bounded_whatever_the_log_holds(log: Log) -> None:
    """Reading 64 MB of large events holds a few pages at a time."""
    big = 800_000
    for number in range(80):
        await log.store.append(append(a_stream(), numbered(number, size=big)))
    tracemalloc.start()
    try:
        read_bytes = 0
        async for entry in log.log.entries():
            read_bytes += len(entry.data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert read_bytes > 80 * big
    assert peak < 6 * event_log.PAGE_BYTES


async def test_a_reader_may_leave_at_any_moment(log: Log) -> None:
    """Pages on their way are dropped, and their connections are free again."""
    for _ in range(20):
        entries = log.log.entries()
        await anext(entries)
        await entries.aclose()  # type: ignore[attr-defined]  # it is a generator

    assert await read(log) == list(range(1, 9))


async def test_metadata_says_who_and_why(log: Log) -> None:
    """Auditors get the metadata as it was stored."""
    [first] = [entry async for entry in log.log.entries(limit=1)]

    assert first.type == "post.created.v1"
    assert first.metadata == (
        f'{{"command":"Test","actor":"{METADATA.actor}","requestId":"request-1"}}'
    )
