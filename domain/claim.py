"""Names that one aggregate at a time may hold, such as a post's slug.

An aggregate's `claims(state)` says what it holds. Whoever appends takes `claims(after) -
claims(before)` and releases `claims(before) - claims(after)` in the transaction of the events.
"""

from typing import NamedTuple


class Claim(NamedTuple):
    """One name: unique within its scope. Claims sort by scope, then key."""

    scope: str
    key: str
