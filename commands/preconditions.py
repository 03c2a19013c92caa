"""The conditions a client set on a request, and whether a version meets them.

Pure: `api/conditional.py` parses the headers into `Preconditions`, the command loop and the reads
ask `evaluate`. Tags are compared as strings, so whoever renders the tag decides what it is made of.
"""

from datetime import datetime, timedelta
from enum import Enum, auto

import msgspec


class AnyTag(Enum):
    """`*`: any current representation will do."""

    ANY = auto()


class Tags(msgspec.Struct, frozen=True):
    """A list of entity tags: opaque parts, told apart by strength."""

    strong: frozenset[str] = frozenset()
    weak: frozenset[str] = frozenset()


class Preconditions(msgspec.Struct, frozen=True):
    """The conditional headers of one request; None where a header is absent or invalid."""

    if_match: Tags | AnyTag | None = None
    if_unmodified_since: datetime | None = None
    if_none_match: Tags | AnyTag | None = None
    if_modified_since: datetime | None = None


class Verdict(Enum):
    """What the preconditions say of a representation."""

    PROCEED = auto()
    NOT_MODIFIED = auto()
    FAILED = auto()


NO_PRECONDITIONS = Preconditions()


def evaluate(
    conditions: Preconditions, *, tag: str | None, modified: datetime | None, safe: bool
) -> Verdict:
    """Evaluate in the order of RFC 9110, section 13.2.2, for an existing representation.

    `safe` is true for GET and HEAD: a match of If-None-Match is then NOT_MODIFIED instead of
    FAILED, and If-Modified-Since counts. Dates are compared in whole seconds, as HTTP writes them;
    without a time of the representation they do not count (sections 13.1.3 and 13.1.4).
    Without a tag no list of tags matches, and `*` does.
    """
    if conditions.if_match is not None:
        if isinstance(conditions.if_match, Tags) and tag not in conditions.if_match.strong:
            return Verdict.FAILED
    elif (
        modified is not None
        and conditions.if_unmodified_since is not None
        and _seconds(modified) > conditions.if_unmodified_since
    ):
        return Verdict.FAILED
    if conditions.if_none_match is not None:
        listed = conditions.if_none_match
        if isinstance(listed, AnyTag) or tag in listed.strong or tag in listed.weak:
            return Verdict.NOT_MODIFIED if safe else Verdict.FAILED
    elif (
        safe
        and modified is not None
        and conditions.if_modified_since is not None
        and _seconds(modified) <= conditions.if_modified_since
    ):
        return Verdict.NOT_MODIFIED
    return Verdict.PROCEED


def _seconds(moment: datetime) -> datetime:
    return moment - timedelta(microseconds=moment.microsecond)
