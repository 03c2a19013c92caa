"""The grammar of media types and of comma-separated lists, shared by the fields that use them.

RFC 9110, sections 5.6.1 (lists), 5.6.6 (parameters) and 8.3.1 (media types). Every pattern here
takes time linear in the length of the field: quantifiers are possessive and alternatives begin with
different characters.
"""

import re
from typing import NamedTuple

_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]++"
_QUOTED = r'"(?:[^"\\]|\\.)*+"'
# A quotation mark that is never closed runs to the end, so that no element is scanned twice.
_LIST_ELEMENT = re.compile(r'(?:[^",]++|"(?:[^"\\]++|\\.?)*+"?)++', re.DOTALL)
_MEDIA_TYPE = re.compile(rf"({_WORD}/{_WORD})")
_PARAMETER = re.compile(rf"[ \t]*+;[ \t]*+(?:({_WORD})=({_WORD}|{_QUOTED}))?", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


class MediaType(NamedTuple):
    """A media type or range: `type/subtype` in lowercase, and its parameters in order.

    Names of parameters are in lowercase, their values as they were meant, without quotes.
    """

    essence: str
    parameters: tuple[tuple[str, str], ...]


def split_list(value: str) -> list[str]:
    """Split a list field at the commas outside quoted strings; empty elements are left out."""
    return [item for part in _LIST_ELEMENT.findall(value) if (item := part.strip(" \t"))]


def parse_media_type(text: str) -> MediaType | None:
    """Read a media type with parameters; None where it is malformed."""
    text = text.strip(" \t")
    essence = _MEDIA_TYPE.match(text)
    if essence is None:
        return None
    parameters = []
    at = essence.end()
    while at < len(text):
        found = _PARAMETER.match(text, at)
        if found is None:
            return None
        at = found.end()
        if found[1] is not None:
            parameters.append((found[1].lower(), unquote(found[2])))
    return MediaType(essence[1].lower(), tuple(parameters))


def unquote(value: str) -> str:
    """Give what a token or quoted string means."""
    return _ESCAPED.sub(r"\1", value[1:-1]) if value.startswith('"') else value
