"""What imports tell of the lines of a file, whatever they import."""

from collections.abc import Mapping
from enum import StrEnum

import msgspec


class Result(StrEnum):
    """What became of a line."""

    TAKEN = "taken"
    KNOWN = "known"
    REFUSED = "refused"


class LineResult(msgspec.Struct, frozen=True):
    """What is told of a line."""

    line: int
    result: Result
    reason: str = ""


def summary(things: str, counts: Mapping[Result, int]) -> str:
    """Say the numbers."""
    return (
        f"{things}: {counts[Result.TAKEN]:,} taken, {counts[Result.KNOWN]:,} known already, "
        f"{counts[Result.REFUSED]:,} refused"
    )
