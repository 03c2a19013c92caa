"""Strict decoding of `name=value&...`, for query strings and form bodies alike, and re-encoding.

The form is WHATWG's `application/x-www-form-urlencoded`; unlike it, nothing is repaired here: a bad
escape, text that is not UTF-8 and control characters that no field means are errors.
"""

import re
from urllib.parse import quote, unquote_to_bytes

_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")

_IN_QUERIES = "!$&'()*+,;=:@/?%"
"""What stands in a query as it is (RFC 3986, section 3.4), beside letters, digits and `-._~`."""


class PairsError(Exception):
    """What is wrong with the text, and the name of the field at fault where it is known."""

    def __init__(self, reason: str, name: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.name = name


def decode_pairs(raw: bytes, *, most: int) -> dict[str, str]:
    """Decode at most so many fields, each of them once; raises PairsError. Empty parts are skipped.

    Raises, unlike its callers, as both of them turn the fault into an outcome of their own.
    """
    if raw.count(b"&") >= most:
        raise PairsError(f"There are more than {most} fields.")
    pairs: dict[str, str] = {}
    for part in raw.split(b"&"):
        if not part:
            continue
        raw_name, _, raw_value = part.partition(b"=")
        name = _decode(raw_name, None)
        if name in pairs:
            raise PairsError("The field is given more than once.", name)
        pairs[name] = _decode(raw_value, name)
    return pairs


def reencoded(query: bytes) -> str:
    """Write any query so that it can stand in an address; what is well formed is left as it is."""
    return quote(_BAD_ESCAPE.sub(b"%25", query), safe=_IN_QUERIES)


def _decode(raw: bytes, name: str | None) -> str:
    if _BAD_ESCAPE.search(raw) is not None:
        raise PairsError("A percent sign must be followed by two hexadecimal digits.", name)
    try:
        text = unquote_to_bytes(raw.replace(b"+", b" ")).decode()
    except UnicodeDecodeError:
        raise PairsError("The text is not valid UTF-8.", name) from None
    if "\0" in text:
        raise PairsError("The text holds the character NUL.", name)
    return text
