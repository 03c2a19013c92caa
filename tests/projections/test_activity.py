"""The fold of authors' activity: what counts as what, and on which day."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.post import (
    Archived,
    Category,
    Created,
    Deleted,
    Edited,
    FilesChanged,
    LegalHoldLifted,
    LegalHoldPlaced,
    PostEvent,
    Published,
    Renamed,
    Restored,
    Reverted,
    Scheduled,
    Unpublished,
    Unscheduled,
)
from projections.activity import COUNTERS, counter, evolve, leaves
from projections.registry import PROJECTIONS
from tests.domain.test_post_properties import BEGINNINGS, EVENTS
from tests.support.given import ID, START

CREATED = Created(ID, "One", "one", "Text.", Category.TECH)

COUNTED: list[tuple[PostEvent, str | None]] = [
    (CREATED, "created"),
    (Edited(title="Two"), "edited"),
    (FilesChanged(None, (ID,)), "edited"),
    (Renamed("two"), "edited"),
    (Reverted(1, "One", "Text.", Category.TECH), "edited"),
    (Scheduled(START), "scheduled"),
    (Unscheduled(), "unpublished"),
    (Published(), "published"),
    (Unpublished(), "unpublished"),
    (Archived(), "archived"),
    (Deleted(), "deleted"),
    (Restored(), "restored"),
    (LegalHoldPlaced("Order", "urn:court:1"), None),
    (LegalHoldLifted(), None),
]


@pytest.mark.parametrize(("event", "counted"), COUNTED, ids=lambda each: type(each).__name__)
def test_what_counts_as_what(event: PostEvent, counted: str | None) -> None:
    """Each event adds to one counter of its day, or to none."""
    before = (
        None if isinstance(event, Created) else evolve(None, CREATED, id=ID, version=1, at=START)
    )
    after = evolve(before, event, id=ID, version=2, at=START + timedelta(days=1))
    rows = [put.row for put in leaves(before, event, after)]

    assert counter(event) == counted
    expected = [int(name == counted) for name in COUNTERS]
    assert rows == ([] if counted is None else [(ID, date(2026, 3, 2), ID, *expected)])


def test_every_event_is_in_the_table_above() -> None:
    """A new event shows up here."""
    assert {type(event) for event, _ in COUNTED} == set(get_args(PostEvent))


def test_days_are_those_of_utc() -> None:
    """Whatever offset a time was recorded with."""
    late = datetime(2026, 3, 1, 23, 30, tzinfo=timezone(timedelta(hours=-2)))

    assert evolve(None, CREATED, id=ID, version=1, at=late).day == date(2026, 3, 2)


def test_a_history_without_its_beginning_is_damaged() -> None:
    """Nobody knows whose activity it is."""
    with pytest.raises(ValueError, match="does not begin"):
        evolve(None, Published(), id=ID, version=1, at=START)


@given(BEGINNINGS, st.lists(st.tuples(EVENTS, st.integers(0, 2000)), max_size=25))
def test_rows_count_the_events_of_each_day(
    beginning: Created, rest: list[tuple[PostEvent, int]]
) -> None:
    """The last row of each day has the number of events of each kind on it."""
    rows: dict[Any, tuple[Any, ...]] = {}
    days: dict[date, Counter[str]] = {}
    at, state = START, None
    for version, (event, minutes) in enumerate([(beginning, 0), *rest], start=1):
        at += timedelta(minutes=minutes)
        after = evolve(state, event, id=ID, version=version, at=at)
        for write in PROJECTIONS["activity"].fold(state, event, after):
            assert write is not None
            row: Any = write
            rows[row.row[1]] = row.row
        counted = counter(event)
        if counted is not None:
            days.setdefault(at.astimezone(UTC).date(), Counter())[counted] += 1
        state = after

    assert rows == {
        day: (ID, day, ID, *(counts[name] for name in COUNTERS)) for day, counts in days.items()
    }
