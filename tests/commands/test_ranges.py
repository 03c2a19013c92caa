"""Specifies which bytes a request gets, by example and beside a second, naive model."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commands.ranges import (
    MOST_RANGES,
    IfRange,
    Part,
    Parts,
    Selection,
    Unsatisfiable,
    Whole,
    select,
)

TAG = "abc"
WHOLE_SECOND = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
MODIFIED = WHOLE_SECOND + timedelta(microseconds=654_321)
HUGE = "9" * 5000
WHOLE, NOTHING = Whole(), Unsatisfiable()


def of_100(asked: str | None, if_range: IfRange | None = None) -> Selection:
    """Select from a hundred bytes."""
    return select(asked, is_get=True, size=100, tag=TAG, modified=MODIFIED, if_range=if_range)


def of_nothing(asked: str) -> Selection:
    """Select from an empty representation."""
    return select(asked, is_get=True, size=0, tag=TAG, modified=MODIFIED)


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=10-19", 10, 19),
        ("bytes=99-99", 99, 99),
        ("bytes=0-", 0, 99),
        ("bytes=99-", 99, 99),
        ("bytes=90-100", 90, 99),
        ("bytes=90-999999", 90, 99),
        (f"bytes=90-{HUGE}", 90, 99),
        ("bytes=0-99", 0, 99),
        ("bytes=-1", 99, 99),
        ("bytes=-100", 0, 99),
        ("bytes=-101", 0, 99),
        (f"bytes=-{HUGE}", 0, 99),
        ("bytes=0000000000000000000000010-00019", 10, 19),
        ("BYTES=10-19", 10, 19),
        (" \tbytes=10-19\t ", 10, 19),
        ("bytes= 10-19", 10, 19),
        ("bytes=,10-19", 10, 19),
        ("bytes=10-19 , ,\t,", 10, 19),
    ],
)
def test_one_range_is_one_part(asked: str, first: int, last: int) -> None:
    """Its end is clamped to the size (RFC 9110, section 14.1.2)."""
    assert of_100(asked) == Part(first, last)


@pytest.mark.parametrize(
    ("asked", "parts"),
    [
        ("bytes=0-0,2-3", [(0, 0), (2, 3)]),
        ("bytes=0-9,10-19", [(0, 9), (10, 19)]),
        ("bytes=50-59,10-19,-5", [(50, 59), (10, 19), (95, 99)]),
        ("bytes=0-0,100-,-1", [(0, 0), (99, 99)]),
        ("bytes=" + ",".join(f"{n}-{n}" for n in range(10)), [(n, n) for n in range(10)]),
    ],
)
def test_several_ranges_are_parts_in_the_order_asked_for(
    asked: str, parts: list[tuple[int, int]]
) -> None:
    """Neighbours stay apart, and what cannot be satisfied is left out of a set that can."""
    assert of_100(asked) == Parts(tuple(Part(first, last) for first, last in parts))


@pytest.mark.parametrize(
    "asked", ["bytes=5-6,100-", "bytes=100-200,5-6", "bytes=5-6,-0", f"bytes=5-6,{HUGE}-"]
)
def test_a_set_that_leaves_one_range_is_one_part(asked: str) -> None:
    """No multipart answer for a single range (section 15.3.7.2)."""
    assert of_100(asked) == Part(5, 6)


@pytest.mark.parametrize(
    "asked",
    [
        "bytes=100-",
        "bytes=100-200",
        "bytes=-0",
        "bytes=-000",
        f"bytes={HUGE}-",
        f"bytes={HUGE}-{HUGE}",
        "bytes=100-,200-",
    ],
)
def test_nothing_satisfiable(asked: str) -> None:
    """Past the end there is nothing, nor in the last no bytes."""
    assert of_100(asked) == NOTHING


@pytest.mark.parametrize(
    "asked",
    [
        "bytes",
        "bytes=",
        "bytes= ",
        "bytes=,",
        "bytes=-",
        "bytes=abc",
        "bytes=5",
        "bytes=9-5",
        f"bytes={HUGE}1-{HUGE}0",
        "bytes=0-0,9-5",
        "bytes=5-6-7",
        "bytes=--5",
        "bytes=+5-6",
        "bytes=0x5-6",
        "bytes=1_0-20",
        "bytes=1.0-20",
        "bytes=5 -6",
        "bytes=5- 6",
        "bytes=- 6",
        "bytes =5-6",
        "bytes 5-6",
        "bytes:5-6",
        "bytes=5-6;7-8",
        "bytes=5-6, bytes=7-8",
        "bytes=\u0665-\u0666",
        "bytes=\xb2-\xb3",
        "bytes=0-0\x00",
        "bytes=0-0\n",
    ],
)
def test_bad_syntax_of_bytes(asked: str) -> None:
    """A set that breaks the grammar, or a range that ends before it begins, gives nothing."""
    assert of_100(asked) == NOTHING


@pytest.mark.parametrize(
    "asked", ["", " ", "=0-5", "0-5", "items=0-5", "bytesx=0-5", "byte=0-5", "sheep", "seconds=1-"]
)
def test_an_unknown_unit_is_ignored(asked: str) -> None:
    """Whoever asks in other units gets all of it (section 14.2)."""
    assert of_100(asked) == WHOLE


@pytest.mark.parametrize(
    "asked",
    [
        "bytes=0-5,5-9",
        "bytes=0-,50-59",
        "bytes=50-59,0-",
        "bytes=90-,-5",
        "bytes=10-19,10-19",
        "bytes=0-9,90-999,-5",
        "bytes=0-," + ",".join(f"5-{n}" for n in range(5, 1300)),
        "bytes=" + ",".join(f"{n}-{n}" for n in range(11)),
        "bytes=" + ",".join(f"{n}-{n}" for n in range(95, 106)),
    ],
)
def test_overlapping_or_too_many_ranges(asked: str) -> None:
    """They are the attack of CVE-2011-3192, or an accident; more than ten count as asked for."""
    assert of_100(asked) == NOTHING


def test_no_range_or_another_method() -> None:
    """Only GET has ranges: HEAD says what GET would without one."""
    assert of_100(None) == WHOLE
    assert select("bytes=0-5", is_get=False, size=100, tag=TAG, modified=MODIFIED) == WHOLE
    assert select("bytes=100-", is_get=False, size=100, tag=TAG, modified=MODIFIED) == WHOLE


@pytest.mark.parametrize(
    ("asked", "selection"),
    [
        ("bytes=0-0", NOTHING),
        ("bytes=0-", NOTHING),
        ("bytes=-0", NOTHING),
        ("bytes=abc", NOTHING),
        ("bytes=-5", WHOLE),
        ("bytes=0-,-5", WHOLE),
    ],
)
def test_nothing_of_an_empty_representation(asked: str, selection: Selection) -> None:
    """Its last bytes are all of it, which no Content-Range can say; other bytes it has not."""
    assert of_nothing(asked) == selection


@pytest.mark.parametrize(
    ("if_range", "current"),
    [
        (IfRange(strong_tag=TAG), True),
        (IfRange(strong_tag="other"), False),
        (IfRange(date=WHOLE_SECOND), True),
        (IfRange(date=WHOLE_SECOND - timedelta(seconds=1)), False),
        (IfRange(date=WHOLE_SECOND + timedelta(seconds=1)), False),
        (IfRange(), False),
    ],
)
def test_if_range_wants_exactly_the_current_bytes(if_range: IfRange, *, current: bool) -> None:
    """Else all of it is sent, also where the range is wrong (section 13.1.5)."""
    assert of_100("bytes=0-5", if_range) == (Part(0, 5) if current else WHOLE)
    assert of_100("bytes=100-", if_range) == (NOTHING if current else WHOLE)
    assert of_100("bytes=abc", if_range) == (NOTHING if current else WHOLE)


def test_a_date_needs_a_time_to_compare_with() -> None:
    """Without a Last-Modified no date is current."""
    selection = select(
        "bytes=0-5",
        is_get=True,
        size=100,
        tag=TAG,
        modified=None,
        if_range=IfRange(date=WHOLE_SECOND),
    )

    assert selection == WHOLE


class Asked(msgspec.Struct, frozen=True):
    """A range as a client means it: `first` to `last`, from `first` on, or the `last` so many."""

    first: int | None
    last: int | None

    def text(self, zeros: str) -> str:
        """Write it, with zeros before its numbers."""
        first = "" if self.first is None else f"{zeros}{self.first}"
        last = "" if self.last is None else f"{zeros}{self.last}"
        return f"{first}-{last}"

    def bytes_of(self, size: int) -> list[int] | None:
        """List the positions one by one; None where it ends before it begins."""
        if self.first is None:
            assert self.last is not None
            return [at for at in range(size) if size - at <= self.last]
        if self.last is not None and self.last < self.first:
            return None
        return [
            at for at in range(size) if at >= self.first and (self.last is None or at <= self.last)
        ]


NUMBERS = st.integers(0, 5) | st.integers(0, 40) | st.integers(0, 10**30)
ASKED = st.builds(Asked, NUMBERS, NUMBERS | st.none()) | st.builds(Asked, st.none(), NUMBERS)
SEPARATORS = st.sampled_from([",", ", ", " ,", "\t,\t", ",,", " , ,"])


def naive(asked: list[Asked], size: int) -> Selection:
    """Select by listing every byte; as slow and plain as can be."""
    listed = [each.bytes_of(size) for each in asked]
    if len(listed) > MOST_RANGES or None in listed:
        return NOTHING
    given_away = [places for places in listed if places]
    if not given_away:
        wants_end = any(each.first is None and each.last for each in asked)
        return WHOLE if size == 0 and wants_end else NOTHING
    flat = [place for places in given_away for place in places]
    if len(flat) != len(set(flat)):
        return NOTHING
    parts = tuple(Part(places[0], places[-1]) for places in given_away)
    return parts[0] if len(parts) == 1 else Parts(parts)


@settings(max_examples=500)
@given(
    asked=st.lists(ASKED, min_size=1, max_size=12),
    size=st.integers(0, 40),
    separator=SEPARATORS,
    zeros=st.sampled_from(["", "0", "0" * 30]),
)
def test_it_selects_what_the_naive_model_selects(
    asked: list[Asked], size: int, separator: str, zeros: str
) -> None:
    """Whatever sets of ranges, sizes and ways to write them."""
    text = "bytes=" + separator.join(each.text(zeros) for each in asked)
    selected = select(text, is_get=True, size=size, tag=TAG, modified=None)

    assert selected == naive(asked, size)


@given(
    text=st.text(alphabet="bytes=0123456789-, \t", max_size=60)
    | st.text(alphabet="0123456789-, \t", max_size=40).map("bytes={}".format)
    | st.text(max_size=40).map("bytes={}".format),
    size=st.integers(0, 50),
)
def test_any_text_has_an_answer_within_the_representation(text: str, size: int) -> None:
    """Nothing raises, and no part is empty, out of bounds or sent twice."""
    selected = select(text, is_get=True, size=size, tag=TAG, modified=None)

    parts = selected.parts if isinstance(selected, Parts) else (selected,)
    ranges = [range(part.first, part.last + 1) for part in parts if isinstance(part, Part)]
    places = [place for each in ranges for place in each]
    assert all(ranges)
    assert len(places) == len(set(places))
    assert all(0 <= place < size for place in places)
    assert not isinstance(selected, Parts) or 2 <= len(ranges) <= MOST_RANGES
