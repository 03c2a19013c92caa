"""What the client would like to get: Accept (RFC 9110, section 12.5.1) and Prefer (RFC 7240)."""

import re
from functools import lru_cache
from typing import NamedTuple

from api.headers import Headers
from api.media_type import MediaType, parse_media_type, split_list
from commands.outcomes import NotAcceptable

JSON_TYPE = "application/json"
HTML_TYPE = "text/html"

_QUALITY = re.compile(r"0(?:\.\d{0,3})?|1(?:\.0{0,3})?", re.ASCII)
_RETURN = re.compile(
    r'return[ \t]*=[ \t]*(?:minimal|"minimal"|(?P<other>[^ \t;]+))(?=[ \t]*(?:;|\Z))', re.IGNORECASE
)
_CACHED_LENGTH = 256
"""Longer fields are rare and parsed each time, so that the cache stays small."""


class _Range(NamedTuple):
    media: MediaType
    quality: float

    def specificity(self) -> tuple[int, int]:
        if self.media.essence == "*/*":
            return 0, 0
        if self.media.essence.endswith("/*"):
            return 1, 0
        return 2, len(self.media.parameters)

    def covers(self, offered: MediaType) -> bool:
        essence = self.media.essence
        if essence == "*/*":
            return True
        if essence.endswith("/*"):
            return offered.essence.startswith(essence[:-1])
        return essence == offered.essence and all(
            parameter in offered.parameters or _is_utf8(parameter)
            for parameter in self.media.parameters
        )


def best(headers: Headers, available: tuple[str, ...]) -> str | NotAcceptable:
    """Choose the media type that the client likes best of what there is, listed by our liking.

    The most specific range that covers a type gives its quality; `q=0` rules it out. Equal
    qualities go by our order. Elements that are malformed are ignored, and a field that holds
    nothing else counts as absent: section 12.5.1 lets a server disregard the field, and an answer
    helps more than an error about a wish.
    """
    accept = headers.combined(b"accept")
    if accept is None or accept == "*/*":
        return available[0]
    if len(accept) <= _CACHED_LENGTH:
        return _best(accept, available)
    return _best.__wrapped__(accept, available)


@lru_cache(maxsize=256)
def _best(accept: str, available: tuple[str, ...]) -> str | NotAcceptable:
    ranges = [found for item in split_list(accept) if (found := _range(item)) is not None]
    if not ranges:
        return available[0]
    ranges.sort(key=_Range.specificity, reverse=True)
    chosen = max(available, key=lambda offered: _quality(offered, ranges))
    return chosen if _quality(chosen, ranges) > 0 else NotAcceptable(available)


def _range(item: str) -> _Range | None:
    media = parse_media_type(item)
    if media is None or (media.essence.startswith("*/") and media.essence != "*/*"):
        return None
    for at, (name, value) in enumerate(media.parameters):
        if name == "q":
            if _QUALITY.fullmatch(value) is None:
                return None
            # What follows the weight was never given a meaning (RFC 9110, appendix B.3).
            return _Range(MediaType(media.essence, media.parameters[:at]), float(value))
    return _Range(media, 1.0)


def _quality(offered: str, ranges: list[_Range]) -> float:
    media = parse_media_type(offered)
    if media is None:
        raise ValueError(f"{offered!r} is not a media type")
    return next((each.quality for each in ranges if each.covers(media)), 0.0)


def _is_utf8(parameter: tuple[str, str]) -> bool:
    """All text that we send is UTF-8, whether its type says so or not."""
    name, value = parameter
    return name == "charset" and value.lower() in {"utf-8", "utf8"}


def prefers_minimal(headers: Headers) -> bool:
    """Tell whether the client asks for `return=minimal` (RFC 7240, section 4.2).

    Where `return` stands several times, the first counts (section 2).
    """
    prefer = headers.combined(b"prefer")
    if prefer is None:
        return False
    for item in split_list(prefer):
        found = _RETURN.match(item)
        if found is not None:
            return found["other"] is None
    return False
