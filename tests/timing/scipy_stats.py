"""SciPy's tests, with types: it has none of its own."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats  # type: ignore[import-untyped]  # SciPy has no types

RESAMPLES = 20_000
"""Of which the tails that decide still hold some."""
_SEED = 1

Floats = NDArray[np.float64]


def signed_rank(differences: Floats, alternative: Literal["two-sided", "less", "greater"]) -> float:
    """Give p of Wilcoxon's signed-rank test that differences centre on zero, or on no such side."""
    return float(stats.wilcoxon(differences, alternative=alternative).pvalue)


def bootstrap_interval(ours: Floats, theirs: Floats, confidence: float) -> tuple[float, float]:
    """Give the interval of the difference of medians, drawing pairs anew (percentile bootstrap)."""

    def difference(ours: Floats, theirs: Floats, axis: int) -> Floats:
        found: Floats = np.median(ours, axis=axis) - np.median(theirs, axis=axis)
        return found

    found = stats.bootstrap(
        (ours, theirs),
        difference,
        paired=True,
        n_resamples=RESAMPLES,
        batch=1000,
        confidence_level=confidence,
        method="percentile",
        rng=np.random.default_rng(_SEED),
    )
    return float(found.confidence_interval.low), float(found.confidence_interval.high)
