"""What work counts of itself, for whoever shows it: plain numbers that only grow.

Those of requests are in `api/metrics.py`, those of appends in `infra/store/append_figures.py`.
"""

from collections import defaultdict


class WorkFigures:
    """Of the workers of one process."""

    def __init__(self) -> None:
        self.attempts: dict[tuple[str, str], int] = defaultdict(int)
        """At jobs, by their kind and by what came of them."""
        self.attempt_seconds: dict[str, float] = defaultdict(float)
        """That all attempts took, by the kind of the jobs."""
        self.followed: dict[str, int] = defaultdict(int)
        """Events of the log that were passed, by whatever follows it."""
