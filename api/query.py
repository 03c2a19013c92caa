"""Reads query strings and the values that stand in parameters and paths.

One reading or none: unknown and repeated parameters, and numbers, ids and times in any but their
plain form, are errors (400 `bad_parameter`) that name the parameter.
"""

import re
from collections.abc import Set as AbstractSet
from datetime import date, datetime
from functools import lru_cache
from uuid import UUID

from api.times import parse_rfc3339
from api.urlencoded import PairsError, decode_pairs
from commands.outcomes import Malformed

DEFAULT_LIMIT = 50
MAX_LIMIT = 100

_MOST_PARAMETERS = 32
_INTEGER = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_SHOWN_NAME = 100


def parse_query(raw: bytes, known: AbstractSet[str]) -> dict[str, str] | Malformed:
    """Decode a query string (without `?`) whose parameters must all be known and come once."""
    if not raw:
        return {}
    try:
        parameters = decode_pairs(raw, most=_MOST_PARAMETERS)
    except PairsError as error:
        return bad_parameter(error.name, error.reason)
    for name in parameters:
        if name not in known:
            listed = ", ".join(sorted(known)) or "none"
            return bad_parameter(name, f"The parameter is not known here; there are: {listed}.")
    return parameters


def parse_integer(name: str, text: str, *, least: int, most: int) -> int | Malformed:
    """Read a decimal integer without sign, spaces, underscores or leading zeros."""
    if _INTEGER.fullmatch(text) is not None and least <= (value := int(text)) <= most:
        return value
    return bad_parameter(name, f"The value must be an integer from {least} to {most}.")


def parse_limit(text: str | None) -> int | Malformed:
    """Read how many items a page may hold: 1 to 100, and 50 where it is not said."""
    if text is None:
        return DEFAULT_LIMIT
    return parse_integer("limit", text, least=1, most=MAX_LIMIT)


def parse_moment(name: str, text: str) -> datetime | Malformed:
    """Read an RFC 3339 time with its offset, as UTC."""
    moment = parse_rfc3339(text)
    if moment is not None:
        return moment
    hint = " In a query string the plus sign is written %2B." if " " in text else ""
    return bad_parameter(
        name, f"The value must be a time with an offset, such as 2026-11-23T03:09:49Z.{hint}"
    )


def parse_date(name: str, text: str) -> date | Malformed:
    """Read an RFC 3339 date, a day of UTC."""
    if _DATE.fullmatch(text) is not None:
        try:
            return date.fromisoformat(text)
        except ValueError:
            pass
    return bad_parameter(name, "The value must be a date such as 2026-11-23.")


@lru_cache(maxsize=4096)
def parse_uuid(text: str) -> UUID | None:
    """Read a UUID in its canonical form, in either case of letters; None for any other text."""
    return UUID(text) if _UUID.fullmatch(text) is not None else None


def bad_parameter(name: str | None, reason: str) -> Malformed:
    """Make the error about one parameter, or about the whole query string where name is None."""
    if name is None:
        return Malformed("bad_parameter", f"The query string: {reason}")
    shown = name[:_SHOWN_NAME]
    return Malformed("bad_parameter", f"{shown}: {reason}", shown)
