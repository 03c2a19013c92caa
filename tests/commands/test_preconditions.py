"""Specifies whether a version meets the conditions that a client set."""

from datetime import UTC, datetime, timedelta

import pytest

from commands.preconditions import (
    NO_PRECONDITIONS,
    AnyTag,
    Preconditions,
    Tags,
    Verdict,
    evaluate,
)

TAG = "1.7"
WHOLE = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
MODIFIED = WHOLE + timedelta(microseconds=654_321)
BEFORE, AFTER = WHOLE - timedelta(seconds=1), WHOLE + timedelta(seconds=1)

MINE = Tags(strong=frozenset({"1.6", TAG}))
MINE_WEAKLY = Tags(weak=frozenset({TAG}))
OTHERS = Tags(strong=frozenset({"1.6"}), weak=frozenset({"1.5"}))
NONE = Tags()

PROCEED, NOT_MODIFIED, FAILED = Verdict.PROCEED, Verdict.NOT_MODIFIED, Verdict.FAILED


def verdicts(conditions: Preconditions) -> tuple[Verdict, Verdict]:
    """Give the verdicts on a safe and on an unsafe method."""
    return (
        evaluate(conditions, tag=TAG, modified=MODIFIED, safe=True),
        evaluate(conditions, tag=TAG, modified=MODIFIED, safe=False),
    )


def test_without_conditions_everything_proceeds() -> None:
    """No condition holds back nothing."""
    assert verdicts(NO_PRECONDITIONS) == (PROCEED, PROCEED)


@pytest.mark.parametrize(
    ("listed", "verdict"),
    [
        (AnyTag.ANY, PROCEED),
        (MINE, PROCEED),
        (MINE_WEAKLY, FAILED),
        (OTHERS, FAILED),
        (NONE, FAILED),
    ],
)
def test_if_match_compares_strongly(listed: Tags | AnyTag, verdict: Verdict) -> None:
    """A weak tag never meets If-Match (RFC 9110, section 13.1.1), whatever the method."""
    assert verdicts(Preconditions(if_match=listed)) == (verdict, verdict)


@pytest.mark.parametrize(
    ("listed", "safe", "unsafe"),
    [
        (AnyTag.ANY, NOT_MODIFIED, FAILED),
        (MINE, NOT_MODIFIED, FAILED),
        (MINE_WEAKLY, NOT_MODIFIED, FAILED),
        (OTHERS, PROCEED, PROCEED),
        (NONE, PROCEED, PROCEED),
    ],
)
def test_if_none_match_compares_weakly(
    listed: Tags | AnyTag, safe: Verdict, unsafe: Verdict
) -> None:
    """A match, weak or strong, is 304 when reading and 412 otherwise (section 13.1.2)."""
    assert verdicts(Preconditions(if_none_match=listed)) == (safe, unsafe)


@pytest.mark.parametrize(
    ("since", "safe"), [(BEFORE, PROCEED), (WHOLE, NOT_MODIFIED), (AFTER, NOT_MODIFIED)]
)
def test_if_modified_since_counts_when_reading_alone(since: datetime, safe: Verdict) -> None:
    """Whole seconds are compared, and other methods ignore the field (section 13.1.3)."""
    assert verdicts(Preconditions(if_modified_since=since)) == (safe, PROCEED)


@pytest.mark.parametrize(
    ("since", "verdict"), [(BEFORE, FAILED), (WHOLE, PROCEED), (AFTER, PROCEED)]
)
def test_if_unmodified_since_counts_for_every_method(since: datetime, verdict: Verdict) -> None:
    """A change after the date fails (section 13.1.4); a part of a second is no change."""
    assert verdicts(Preconditions(if_unmodified_since=since)) == (verdict, verdict)


def test_if_match_outranks_if_unmodified_since() -> None:
    """The date is not looked at where tags are given (section 13.2.2, steps 1 and 2)."""
    met = Preconditions(if_match=MINE, if_unmodified_since=BEFORE)
    failed = Preconditions(if_match=OTHERS, if_unmodified_since=AFTER)

    assert verdicts(met) == (PROCEED, PROCEED)
    assert verdicts(failed) == (FAILED, FAILED)


def test_if_none_match_outranks_if_modified_since() -> None:
    """The date is not looked at where tags are given (section 13.2.2, steps 3 and 4)."""
    changed = Preconditions(if_none_match=OTHERS, if_modified_since=AFTER)
    same = Preconditions(if_none_match=MINE, if_modified_since=BEFORE)

    assert verdicts(changed) == (PROCEED, PROCEED)
    assert verdicts(same) == (NOT_MODIFIED, FAILED)


def test_failing_comes_before_not_modified() -> None:
    """If-Match and If-Unmodified-Since are judged before the conditions that give 304."""
    by_tag = Preconditions(if_match=OTHERS, if_none_match=MINE)
    by_date = Preconditions(if_unmodified_since=BEFORE, if_none_match=MINE)

    assert verdicts(by_tag) == (FAILED, FAILED)
    assert verdicts(by_date) == (FAILED, FAILED)


def test_both_kinds_must_hold() -> None:
    """A met If-Match does not excuse from If-None-Match."""
    conditions = Preconditions(if_match=MINE, if_none_match=MINE)

    assert verdicts(conditions) == (NOT_MODIFIED, FAILED)
