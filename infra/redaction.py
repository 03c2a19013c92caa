"""What must not be in a log, and how it is found: by the names of fields, and in any text.

It hides rather too much: what was once written to a file cannot be taken back. `infra/logs.py`
sends everything that is logged through it. No I/O.
"""

import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from structlog.typing import EventDict, WrappedLogger

REDACTED = "***"
_DEEPEST = 8
_LONGEST = 65_536
"""Of a text, in characters; what comes after is left out."""
_PAIR = 2

_NAMES = (
    r"(?:pass(?:word|wd|phrase)|secret|token|authori[sz]ation|cookie|credential|signature|e[-_]?mail"
    r"|(?:api|idempotency|private)[-_]?key|(?:recovery|one[-_]?time)[-_]?code)"
)
# Names of people and of their files are told by the whole name of a field alone.
_SECRET_NAME = re.compile(
    rf"{_NAMES}|^(?:(?:display|full|first|last|given|family|user|file)[-_]?)?name$", re.IGNORECASE
)
# Bounded, as all that follows: the time must not grow with the square of a text without spaces.
_NAMED = rf"{_NAMES}[\w-]{{0,40}}"
_DOUBLE = r'"(?:[^"\\\n]|\\.)*"?'
_SINGLE = r"'(?:[^'\\\n]|\\.)*'?"
# In the last but one form text is quoted within text, or it is a list: where it ends is uncertain.
_VALUE = rf"b?{_DOUBLE}|b?{_SINGLE}|(?:\\+[\"']|b?[\[({{])[^\n]*|[^\s,;&}}\])]+"
_UNTIL_NEXT_ERROR = r"(?s:.*?)(?=\n\n(?:The above exception|During handling)|\nHINT:|\Z)"
_AT = "\0"
"""Stands for the @ of an address of a server, until those of people are gone."""

_SECRET_TEXT: tuple[tuple[re.Pattern[str], str], ...] = (
    # The user of an address and all after it; then the query, which may be a signed link's.
    (
        re.compile(r"(\b[a-z][a-z0-9+.-]{0,20}://)[^\s\"'<>]{0,512}@", re.IGNORECASE),
        rf"\1{REDACTED}{_AT}",
    ),
    (re.compile(r"((?:\w://|(?<![\w.<])/)[^\s\"'<>?]{0,256})\?[^\s\"'<>]+"), rf"\1?{REDACTED}"),
    # Header fields as lines, whose values have several parts.
    (
        re.compile(
            r"((?:proxy-)?authori[sz]ation|(?:set-)?cookie|x-api-key|idempotency-key)(\s*:\s*)"
            r"(?!\s|b?[\"']|[\\\[({])[^\r\n]*",
            re.IGNORECASE,
        ),
        rf"\1\2{REDACTED}",
    ),
    (re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]+", re.IGNORECASE), rf"\1 {REDACTED}"),
    # Whatever is assigned to a telling name, in the ways of Python, JSON, forms and header fields.
    (
        re.compile(rf"({_NAMED}\\*[\"']?\s*(?:=>|[:=])\s*)(?:{_VALUE})", re.IGNORECASE),
        rf"\1{REDACTED}",
    ),
    (
        re.compile(rf"({_NAMED}[\"']\s*,\s*)(?:b?{_DOUBLE}|b?{_SINGLE})", re.IGNORECASE),
        rf"\1{REDACTED}",
    ),
    # PostgreSQL and its client quote the values that they refuse.
    (re.compile(rf"(\bDETAIL:){_UNTIL_NEXT_ERROR}"), rf"\1 {REDACTED}"),
    (re.compile(r"(invalid input for query argument [^:\n]*: )[^\n]*"), rf"\1{REDACTED}"),
    (
        re.compile(rf"(invalid input (?:syntax|value) for [^:\n]*: ){_UNTIL_NEXT_ERROR}"),
        rf"\1{REDACTED}",
    ),
    (re.compile(r"(\[parameters: )[^\n]*"), rf"\1{REDACTED}"),
    # Secrets that show by their form: web tokens, password hashes, and what is random and long.
    (re.compile(r"\beyJ[\w-]*\.[\w-]*(?:\.[\w-]*)?"), REDACTED),
    (re.compile(r"\$(?:argon2\w*|2[abxy]|scrypt)\$\S+"), REDACTED),
    (
        re.compile(r"(?<![\w-])(?=[\w-]*[a-z])(?=[\w-]*[A-Z])(?=[\w-]*\d)[\w-]{43,}", re.ASCII),
        REDACTED,
    ),
    # Addresses of people.
    (re.compile(r"[^\s@\"'<>()\[\],;:]{1,256}@[^\s@\"'<>()\[\],;:]+"), REDACTED),
    (re.compile(r"\"[^\"\n]{1,256}\"@[^\s@\"'<>()\[\],;:]+"), REDACTED),
)


def redact(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Hide what has a secret's name, and what looks like a secret anywhere in the text."""
    return {name: _redacted(name, value, 0) for name, value in event.items()}


def redacted_text(text: str) -> str:
    """Hide what looks like a secret in a text."""
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST]}..."
    text = text.replace(_AT, "\ufffd")
    for pattern, replacement in _SECRET_TEXT:
        text = pattern.sub(replacement, text)
    return text.replace(_AT, "@")


def _redacted(name: str, value: object, depth: int) -> object:
    if _SECRET_NAME.search(name):
        return REDACTED
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return redacted_text(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return redacted_text(repr(bytes(value)))
    if isinstance(value, Mapping | Sequence | AbstractSet) and depth == _DEEPEST:
        return REDACTED  # its text would have names and values, but not which belongs to which
    if isinstance(value, Mapping):
        return {
            redacted_text(str(key)): _redacted(_text(key), each, depth + 1)
            for key, each in value.items()
        }
    if isinstance(value, Sequence | AbstractSet):
        items = list(value)
        if len(items) == _PAIR and _SECRET_NAME.search(_text(items[0])):
            return [_redacted("", items[0], depth + 1), REDACTED]  # a header field of ASGI
        return [_redacted("", item, depth + 1) for item in items]
    # Other objects are shown by their text, so that no renderer looks inside them.
    return redacted_text(repr(value))


def _text(key: object) -> str:
    return key.decode("latin-1") if isinstance(key, bytes) else str(key)
