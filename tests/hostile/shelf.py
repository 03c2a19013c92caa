"""Good requests that wait to be sent again: until they were done, or nobody may any more."""

from typing import NamedTuple

from tests.hostile.good import Good
from tests.hostile.good_requests import GOOD
from tests.hostile.stock import Stock

_SAFE = frozenset({"GET", "HEAD"})
_REFUSED = 400
_PAST = frozenset({401, 404, 409, 410, 412})
"""Whoever asks, or what it is about, is not what it was."""


class Kept(NamedTuple):
    """A good request, and the token of whoever may send it."""

    good: Good
    token: str | None


class Shelf:
    """One good request of each operation, made when it is asked for."""

    def __init__(self, stock: Stock) -> None:
        self._stock = stock
        self._kept: dict[str, Kept] = {}

    def take(self, operation: str) -> Kept:
        """Give a request of an operation."""
        kept = self._kept.get(operation)
        if kept is None:
            good = GOOD[operation](self._stock)
            kept = self._kept[operation] = Kept(good, self._stock.token(good.caller))
        return kept

    def used(self, kept: Kept, status: int) -> None:
        """Drop a request that may have been done, or that cannot be done any more."""
        changes = kept.good.method not in _SAFE
        if (changes and status < _REFUSED) or status in _PAST:
            self.drop(kept.good.operation)

    def drop(self, operation: str) -> None:
        """Make another one the next time."""
        self._kept.pop(operation, None)
