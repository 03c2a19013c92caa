"""When a webhook's delivery is tried again, given up, or the webhook disabled. Pure.

The delays are those of the Standard Webhooks specification ("Deliverability and reliability").
"""

from datetime import timedelta
from typing import assert_never

from msgspec import Struct

DELAYS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""Between an attempt that failed and the next. The first attempt is made at once."""
MOST_ATTEMPTS = len(DELAYS) + 1
JITTER = 0.2
"""A delay is up to so much of itself longer: what failed together shall not come together again."""
LONGEST_WAIT = timedelta(hours=24)
"""What a receiver may ask for by Retry-After at the most."""
FAILING_FOR = timedelta(days=3)
"""How long every attempt must have failed before the webhook is disabled. It is shorter than all
the delays together, so that an outage of a receiver disables the webhook before it costs an event:
resumed, the webhook goes on with everything."""

_OK, _REDIRECTS, _ERRORS = 200, 300, 400
_GONE = 410
_SLOW_DOWN = frozenset({429, 503})


class Answered(Struct, frozen=True):
    """The receiver's answer."""

    status: int
    retry_after: timedelta | None = None


class NoAnswer(Struct, frozen=True):
    """There was none."""

    reason: str
    """A code: what was the matter, never the text of an error."""


Attempt = Answered | NoAnswer
"""How an attempt ended."""


class Delivered(Struct, frozen=True):
    """The receiver has it."""


class Again(Struct, frozen=True):
    """It is tried again."""

    delay: timedelta


class Dead(Struct, frozen=True):
    """It was tried often enough: operators see to it."""


class Gone(Struct, frozen=True):
    """The receiver wants nothing any more."""


Verdict = Delivered | Again | Dead | Gone


def judge(attempt: Attempt, attempts: int, jitter: float) -> Verdict:
    """Say what becomes of an event after an attempt.

    `attempts` is how many there were, with this one; `jitter` is from 0 to 1.
    """
    if isinstance(attempt, Answered):
        if _OK <= attempt.status < _REDIRECTS:
            return Delivered()
        if attempt.status == _GONE:
            return Gone()
    if attempts >= MOST_ATTEMPTS:
        return Dead()
    return Again(max(delay(attempts, jitter), pause_asked_for(attempt) or timedelta()))


def delay(failures: int, jitter: float) -> timedelta:
    """Give the time to wait after so many failures, one at least."""
    return DELAYS[min(failures, len(DELAYS)) - 1] * (1 + JITTER * jitter)


def pause_asked_for(attempt: Attempt) -> timedelta | None:
    """Give how long the receiver wants to be left alone, within bounds."""
    if not isinstance(attempt, Answered) or attempt.status not in _SLOW_DOWN:
        return None
    if attempt.retry_after is None:
        return None
    return min(max(attempt.retry_after, timedelta()), LONGEST_WAIT)


def reason(attempt: Attempt) -> str | None:
    """Say in a code why an attempt failed; None where it did not."""
    match attempt:
        case NoAnswer():
            return attempt.reason
        case Answered(status) if _OK <= status < _REDIRECTS:
            return None
        case Answered(status):
            return "redirected" if _REDIRECTS <= status < _ERRORS else "refused"
        case _:
            assert_never(attempt)
