"""What one error means: a row of the problem catalogue."""

from typing import NamedTuple


class Problem(NamedTuple):
    """What one error means, in sentences for whoever writes the client."""

    status: int
    title: str
    meaning: str
    remedy: str
    """What the client should do."""
    reference: str
    """Where it is defined: a section of the guide, of an RFC, or of the HTTP contract."""
