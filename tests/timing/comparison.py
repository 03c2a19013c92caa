"""Whether two kinds of attempt take the same time, as far as a client can tell.

Attempts come in blocks: one of each kind, in random order, right after one another. What else the
machine does changes slowly beside a block, so that most of it cancels out in the differences
within blocks; all that is said here is of these.

"No difference was found" would prove nothing: a noisy machine finds none. So the burden of proof is
the other way round: two kinds are the SAME only once a difference of `MARGIN` or more is refuted,
and that by two methods that assume different things. Both must agree:

- Wilcoxon's signed-rank test, twice and one-sided: the differences lie above -MARGIN, and below
  +MARGIN (two one-sided tests for equivalence). It takes the differences to be symmetrical.
- A bootstrap of whole blocks: the interval of the difference of the medians lies between the same
  two bounds. It takes nothing but the blocks to be alike.

They are DIFFERENT once both refute that the difference is smaller than the margin. Else nothing is
known yet, and more blocks are needed: noise costs time, and never the truth of a verdict.

Several comparisons, looked at several times, have several chances to err. So the error of a whole
test, `ERROR`, is shared out evenly among all of them (Bonferroni), which holds however they depend
on each other.
"""

from collections.abc import Mapping, Sequence
from enum import Enum

import msgspec
import numpy as np
from numpy.typing import NDArray

from tests.timing.scipy_stats import bootstrap_interval, signed_rank

MARGIN = 0.1
"""Of the median time of the kind that is compared with.

Leaving out any part of the work on a password makes a far larger difference: argon2id is a quarter
of the time, bcrypt of cost 10 the rest, one step of its cost a third. Smaller differences, such as
a query more, are found by the test that compares the operations themselves.
"""
ERROR = 0.01
"""The chance that any verdict of a test is wrong, at most."""

Times = Sequence[float]
"""In seconds, one for each block."""


class Verdict(Enum):
    """What is known of two kinds."""

    SAME = "same"
    DIFFERENT = "different"
    UNDECIDED = "undecided"


class Comparison(msgspec.Struct, frozen=True):
    """A kind beside another. The difference and its bounds are parts of the other's median."""

    difference: float
    """Of the medians."""
    low: float
    high: float
    p: float
    """That the times are no different, by Wilcoxon's test. Without influence on the verdict:
    with enough blocks any difference is significant, however small."""
    verdict: Verdict


def compare(times: Times, baseline: Times, *, chances: int) -> Comparison:
    """Compare a kind with another, block by block, when there are so many chances to err."""
    ours, theirs = np.asarray(times), np.asarray(baseline)
    median = float(np.median(theirs))
    ours, theirs = ours / median, theirs / median
    each = ERROR / chances
    low, high = bootstrap_interval(ours, theirs, 1 - each)
    return Comparison(
        difference=float(np.median(ours)) - 1,
        low=low,
        high=high,
        p=signed_rank(ours - theirs, "two-sided"),
        verdict=_verdict(ours - theirs, low, high, each),
    )


def compare_all(times: Mapping[str, Times], baseline: str, *, looks: int) -> dict[str, Comparison]:
    """Compare each kind with one of them, when it is looked at so many times."""
    others = [kind for kind in times if kind != baseline]
    chances = len(others) * looks
    return {kind: compare(times[kind], times[baseline], chances=chances) for kind in others}


def _verdict(differences: NDArray[np.float64], low: float, high: float, error: float) -> Verdict:
    above = signed_rank(differences + MARGIN, "greater") <= error
    below = signed_rank(differences - MARGIN, "less") <= error
    if above and below and low > -MARGIN and high < MARGIN:
        return Verdict.SAME
    longer = signed_rank(differences - MARGIN, "greater") <= error and low > MARGIN
    shorter = signed_rank(differences + MARGIN, "less") <= error and high < -MARGIN
    return Verdict.DIFFERENT if longer or shorter else Verdict.UNDECIDED
