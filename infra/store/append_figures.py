"""What the store counts of its appends: plain numbers that only grow, for `/metrics`."""

from bisect import bisect_left

GROUP_BOUNDS = (1, 2, 4, 8, 16, 32, 64, 128)
SECONDS_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)

RESULTS = ("appended", "conflict", "claim_taken", "key_used", "seen_changed")
"""By the verdicts of `append_events`."""


class AppendFigures:
    """Of one process's appends."""

    def __init__(self) -> None:
        self.results = [0] * len(RESULTS)
        """Appends, by what came of them."""
        self.unavailable = 0
        """Appends of which nobody knows."""
        self.events = 0
        self.groups = [0] * (len(GROUP_BOUNDS) + 1)
        """Groups, by how many appends they held."""
        self.grouped = 0
        """Appends in all groups."""
        self.durations = [0] * (len(SECONDS_BOUNDS) + 1)
        """Groups, by how long their statement took."""
        self.seconds = 0.0
        """That all statements took."""

    def wrote(self, appends: int, seconds: float) -> None:
        """Count a group that was written."""
        self.groups[bisect_left(GROUP_BOUNDS, appends)] += 1
        self.grouped += appends
        self.durations[bisect_left(SECONDS_BOUNDS, seconds)] += 1
        self.seconds += seconds
