"""The clock: read here, at the edge, and passed in everywhere else."""

from datetime import UTC, datetime


def now() -> datetime:
    """Read the clock."""
    return datetime.now(UTC)
