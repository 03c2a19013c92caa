"""Specifies when a delivery is tried again, given up, or the webhook disabled."""

from datetime import timedelta

import pytest

from domain.webhook_retries import (
    DELAYS,
    FAILING_FOR,
    JITTER,
    LONGEST_WAIT,
    MOST_ATTEMPTS,
    Again,
    Answered,
    Dead,
    Delivered,
    Gone,
    NoAnswer,
    delay,
    judge,
    pause_asked_for,
    reason,
)

HOUR = timedelta(hours=1)


def test_the_delays_are_those_of_the_specification() -> None:
    """Ten attempts within 75 hours, 35 minutes and 5 seconds."""
    assert MOST_ATTEMPTS == 10
    assert sum(DELAYS, timedelta()) == timedelta(hours=75, minutes=35, seconds=5)
    assert sum(DELAYS, timedelta()) > FAILING_FOR


@pytest.mark.parametrize("status", [200, 204, 299])
def test_2xx_is_success(status: int) -> None:
    """Whatever the attempt."""
    assert judge(Answered(status), MOST_ATTEMPTS, 0) == Delivered()
    assert reason(Answered(status)) is None


@pytest.mark.parametrize("status", [199, 301, 302, 307, 308, 400, 404, 408, 422, 500, 502, 504])
def test_anything_else_is_tried_again(status: int) -> None:
    """Also what claims that it never can succeed: receivers are mended."""
    for attempts, wait in enumerate(DELAYS, start=1):
        assert judge(Answered(status), attempts, 0) == Again(wait)
    assert judge(Answered(status), MOST_ATTEMPTS, 0) == Dead()


def test_no_answer_is_tried_again() -> None:
    """A time-out, a refused connection, a name that leads inside."""
    assert judge(NoAnswer("timeout"), 1, 0) == Again(DELAYS[0])
    assert judge(NoAnswer("timeout"), MOST_ATTEMPTS, 0) == Dead()
    assert reason(NoAnswer("timeout")) == "timeout"


def test_gone_is_for_good() -> None:
    """410 at any attempt."""
    assert judge(Answered(410), 1, 0) == Gone()
    assert judge(Answered(410), MOST_ATTEMPTS, 0) == Gone()


def test_jitter_makes_a_delay_longer() -> None:
    """By up to a fifth, never shorter."""
    assert delay(3, 0) == DELAYS[2]
    assert delay(3, 1) == DELAYS[2] * (1 + JITTER)
    assert delay(1000, 0) == DELAYS[-1]


@pytest.mark.parametrize(
    ("status", "asked", "pause"),
    [
        (429, HOUR, HOUR),
        (503, HOUR, HOUR),
        (500, HOUR, None),
        (301, HOUR, None),
        (429, None, None),
        (503, timedelta(days=400), LONGEST_WAIT),
        (503, timedelta(seconds=-5), timedelta()),
    ],
)
def test_a_pause_is_granted_within_bounds(
    status: int, asked: timedelta | None, pause: timedelta | None
) -> None:
    """To those who may ask for one, and no longer than a day."""
    answer = Answered(status, asked)

    assert pause_asked_for(answer) == pause
    assert judge(answer, 1, 0) == Again(max(pause or timedelta(), DELAYS[0]))


def test_why_it_failed_is_a_code() -> None:
    """Redirects are told apart, as they are never followed."""
    assert reason(Answered(302)) == "redirected"
    assert reason(Answered(500)) == "refused"
