"""The rule by which times are compared, on times that are known."""

import numpy as np
import pytest

from tests.timing.comparison import ERROR, MARGIN, Verdict, compare

BLOCKS = 200
CHANCES = 12


@pytest.mark.parametrize(
    ("longer", "noise", "verdict"),
    [
        (0.0, 0.03, Verdict.SAME),
        (0.02, 0.03, Verdict.SAME),
        (MARGIN, 0.03, Verdict.UNDECIDED),
        (0.0, 1.0, Verdict.UNDECIDED),
        (0.25, 0.1, Verdict.DIFFERENT),
        (-0.25, 0.1, Verdict.DIFFERENT),
    ],
)
def test_verdict(longer: float, noise: float, verdict: Verdict) -> None:
    """Only a difference that is surely smaller, or surely larger, than the margin is decided."""
    chance = np.random.default_rng(1)
    weather = 1 + chance.exponential(0.3, BLOCKS)  # what hits a whole block alike
    unknown = weather + chance.exponential(noise, BLOCKS)
    known = weather + chance.exponential(noise, BLOCKS) + longer * np.median(unknown)

    assert compare(list(known), list(unknown), chances=CHANCES).verdict is verdict


def test_error_of_verdicts() -> None:
    """Times that differ by just the margin are called the same no more often than is allowed."""
    chance = np.random.default_rng(2)
    verdicts = []
    for _ in range(100):
        unknown = 1 + chance.exponential(0.05, BLOCKS)
        known = 1 + chance.exponential(0.05, BLOCKS) + MARGIN * np.median(unknown)
        verdicts.append(compare(list(known), list(unknown), chances=1).verdict)

    assert verdicts.count(Verdict.SAME) <= 100 * ERROR
