"""Conditional requests: the header fields as data (RFC 9110, section 13.1), reads answered by them.

Whether a version meets them is decided in `commands/preconditions.py`.
"""

import re
import time
from collections.abc import Sequence
from datetime import datetime

from api.exchange import Exchange
from api.headers import Headers
from api.times import parse_http_date
from commands.outcomes import Found, Malformed, NotModified, Outcome, StaleVersion
from commands.preconditions import (
    NO_PRECONDITIONS,
    AnyTag,
    Preconditions,
    Tags,
    Verdict,
    evaluate,
)
from commands.ranges import IfRange

# One element of a list of entity tags, up to its comma. Elements may be empty (section 5.6.1.2).
# Commas may stand inside a tag, and `w/` in lowercase is not the mark of a weak one (8.8.3).
_ETAGC = r"[!\x23-\x7e\x80-\xff]"
_ELEMENT = re.compile(rf'[ \t]*(?:(W/)?"({_ETAGC}*)"[ \t]*)?(?:,|\Z)')
_ONE_STRONG = re.compile(rf'"({_ETAGC}*)"')

Caching = tuple[str, str]
"""Who may keep an answer and what it varies by: the values of Cache-Control and Vary."""


def settled(
    exchange: Exchange,
    *,
    tag: str,
    modified: datetime | None,
    caching: Caching,
    history: str,
) -> Malformed | NotModified | StaleVersion | None:
    """Answer a read by its conditions alone: 304, 412, 400; None where it is to be sent.

    The last thing to ask before an answer of 200 (section 13.2.1). `modified` is None where no time
    tells one state from the next, as on pages of lists: dates then decide nothing. `history` is
    where a client whose condition fails reads what changed.
    """
    conditions = parse_conditions(exchange.headers)
    if isinstance(conditions, Malformed):
        return conditions
    match evaluate(conditions, tag=tag, modified=modified, safe=True):
        case Verdict.PROCEED:
            return None
        case Verdict.NOT_MODIFIED:
            return NotModified(tag, *caching)
        case Verdict.FAILED:
            return StaleVersion(tag, history)


def shown(
    exchange: Exchange,
    body: bytes,
    *,
    tag: str,
    modified: datetime | None,
    caching: Caching,
    history: str,
    links: Sequence[str] = (),
) -> Outcome:
    """Show what a read found, unless its conditions settle the matter."""
    return settled(exchange, tag=tag, modified=modified, caching=caching, history=history) or Found(
        body, tag, modified, *caching, tuple(links)
    )


def parse_conditions(headers: Headers) -> Preconditions | Malformed:
    """Read the four conditional fields that select by tag or date.

    A malformed list of tags is an error that names its field: to guess at a condition is to lose an
    update. Malformed dates are ignored, as sections 13.1.3 and 13.1.4 demand.
    """
    if not (
        b"if-none-match" in headers
        or b"if-match" in headers
        or b"if-modified-since" in headers
        or b"if-unmodified-since" in headers
    ):
        return NO_PRECONDITIONS
    if_match = _tags(headers, b"if-match", "If-Match")
    if isinstance(if_match, Malformed):
        return if_match
    if_none_match = _tags(headers, b"if-none-match", "If-None-Match")
    if isinstance(if_none_match, Malformed):
        return if_none_match
    return Preconditions(
        if_match=if_match,
        if_unmodified_since=_date(headers, b"if-unmodified-since"),
        if_none_match=if_none_match,
        if_modified_since=_date(headers, b"if-modified-since"),
    )


def parse_if_range(headers: Headers) -> IfRange | None:
    """Read If-Range (section 13.1.5): one tag or one date.

    What is neither holds for nothing, so that whoever sent it gets all of the representation.
    """
    value = headers.one(b"if-range")
    if value is None:
        return None
    value = value.strip(" \t")
    tag = _ONE_STRONG.fullmatch(value)
    if tag is not None:
        return IfRange(strong_tag=tag[1])
    return IfRange(date=parse_http_date(value, this_year=time.gmtime().tm_year))


def _tags(headers: Headers, name: bytes, shown: str) -> Tags | AnyTag | Malformed | None:
    value = headers.combined(name)
    if value is None:
        return None
    alone = _ONE_STRONG.fullmatch(value)
    if alone is not None:  # nearly every revalidation looks like this
        return Tags(frozenset((alone[1],)))
    if value.strip(" \t") == "*":
        return AnyTag.ANY
    strong = set[str]()
    weak = set[str]()
    at = 0
    while at < len(value):
        element = _ELEMENT.match(value, at)
        if element is None:
            return Malformed(
                "malformed_header",
                f'{shown} must be "*" alone or a list of quoted entity tags such as "1.7".',
                shown,
            )
        at = element.end()
        if element[2] is not None:
            (strong if element[1] is None else weak).add(element[2])
    return Tags(frozenset(strong), frozenset(weak))


def _date(headers: Headers, name: bytes) -> datetime | None:
    value = headers.one(name)
    if value is None:
        return None
    # Dates of two digits need the present year; nothing else here depends on a clock.
    return parse_http_date(value.strip(" \t"), this_year=time.gmtime().tm_year)
