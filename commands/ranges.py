"""Which bytes of a representation a request gets: Range and If-Range as one decision.

Pure: `api/conditional.py` reads If-Range into data, `api/file_answer.py` asks `select` and sends
the bytes. The grammar and its meaning are those of RFC 9110, section 14; where the standard leaves
a choice, it is made in docs/adr/0017-ranges-and-downloads.md.
"""

import re
from datetime import datetime, timedelta
from itertools import pairwise

import msgspec

MOST_RANGES = 10
"""So many may stand in one request; each costs a part of the answer and its header fields."""

_UNIT = "bytes"
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]*")
_RANGE = re.compile(r"(?:([0-9]+)-([0-9]*)|-([0-9]+))", re.ASCII)
_SPACE = " \t"


class IfRange(msgspec.Struct, frozen=True):
    """The one validator of If-Range; neither where it is weak or malformed, which never matches."""

    strong_tag: str | None = None
    """The opaque part of a strong entity tag."""
    date: datetime | None = None


class Whole(msgspec.Struct, frozen=True):
    """200: all of it, as if no range had been asked for."""


class Part(msgspec.Struct, frozen=True, order=True):
    """206: the bytes from `first` to `last`, both among them."""

    first: int
    last: int

    @property
    def length(self) -> int:
        """Count the bytes, of which there is always one."""
        return self.last - self.first + 1


class Parts(msgspec.Struct, frozen=True):
    """206 in several parts, in the order in which they were asked for; two at least."""

    parts: tuple[Part, ...]


class Unsatisfiable(msgspec.Struct, frozen=True):
    """416: nothing of what was asked for can be given, or it is no set of ranges of bytes."""


Selection = Whole | Part | Parts | Unsatisfiable

_WHOLE = Whole()
_UNSATISFIABLE = Unsatisfiable()


def select(
    asked: str | None,
    *,
    is_get: bool,
    size: int,
    tag: str,
    modified: datetime | None,
    if_range: IfRange | None = None,
) -> Selection:
    """Decide what of a representation of `size` bytes answers the Range field `asked`.

    Only GET knows ranges (section 14.2). `tag` is the opaque part of the current, strong entity tag
    and `modified` a time at which the bytes became what they are, in whole seconds a strong
    validator too (section 8.8.2.2): both are compared exactly (section 13.1.5). To be asked after
    the preconditions, and only where the answer would be 200.
    """
    if asked is None or not is_get:
        return _WHOLE
    text = asked.strip(_SPACE)
    unit = _TOKEN.match(text)
    if unit is None or unit[0].lower() != _UNIT:
        return _WHOLE  # a unit that is not known here, or none
    if if_range is not None and not _is_current(if_range, tag, modified):
        return _WHOLE
    if text[unit.end() : unit.end() + 1] != "=":
        return _UNSATISFIABLE
    return _select_set(text[unit.end() + 1 :], size)


def _is_current(if_range: IfRange, tag: str, modified: datetime | None) -> bool:
    if if_range.strong_tag is not None:
        return if_range.strong_tag == tag
    if if_range.date is None or modified is None:
        return False
    return if_range.date == modified - timedelta(microseconds=modified.microsecond)


def _select_set(text: str, size: int) -> Selection:
    """Select by the list of ranges; its elements may be empty (section 5.6.1.2)."""
    elements = [element for each in text.split(",") if (element := each.strip(_SPACE))]
    if not 0 < len(elements) <= MOST_RANGES:
        return _UNSATISFIABLE
    parts: list[Part] = []
    suffix_of_nothing = False
    for element in elements:
        found = _RANGE.fullmatch(element)
        if found is None:
            return _UNSATISFIABLE
        first, last, suffix = found.groups()
        if suffix is not None:
            length = min(_number(suffix), size)
            suffix_of_nothing |= size == 0 and bool(suffix.strip("0"))
            first_byte, last_byte = size - length, size - 1
        else:
            if last and _is_below(last, first):
                return _UNSATISFIABLE
            first_byte = _number(first)
            last_byte = min(_number(last), size - 1) if last else size - 1
        if first_byte <= last_byte:
            parts.append(Part(first_byte, last_byte))
    if not parts:
        # A suffix of an empty representation is satisfiable (section 14.1.2) and has no byte to
        # name in Content-Range: all of nothing is what there is to send.
        return _WHOLE if suffix_of_nothing else _UNSATISFIABLE
    if len(parts) == 1:
        return parts[0]
    return _UNSATISFIABLE if _overlap(parts) else Parts(tuple(parts))


def _overlap(parts: list[Part]) -> bool:
    in_order = sorted(parts)
    return any(after.first <= before.last for before, after in pairwise(in_order))


_ENOUGH_DIGITS = 18
_BEYOND = int(1e18)
"""Past the end of anything; what has more digits need not be read as a number at all."""


def _number(digits: str) -> int:
    if len(digits) > _ENOUGH_DIGITS:
        digits = digits.lstrip("0") or "0"
        if len(digits) > _ENOUGH_DIGITS:
            return _BEYOND
    return int(digits)


def _is_below(one: str, other: str) -> bool:
    one, other = one.lstrip("0"), other.lstrip("0")
    return (len(one), one) < (len(other), other)
