"""Checks what the header fields say of a request's body, before any of it is read."""

import re
from enum import StrEnum

from api.headers import Headers
from api.media_type import parse_media_type, split_list
from commands.outcomes import BodyTooLarge, Malformed, UnsupportedMediaType


class ContentKind(StrEnum):
    """The media types of bodies that some resource takes."""

    JSON = "application/json"
    MERGE_PATCH = "application/merge-patch+json"
    FORM = "application/x-www-form-urlencoded"
    MULTIPART = "multipart/form-data"


_BY_NAME = {kind.value: kind for kind in ContentKind}


_DIGITS = re.compile(r"[0-9]+", re.ASCII)
_ENOUGH_DIGITS = 18
"""More of them, leading zeros aside, make a length beyond any limit; `int` need not see them."""


def check_body_headers(
    headers: Headers, *, method: str, accepts: tuple[ContentKind, ...], max_bytes: int
) -> ContentKind | UnsupportedMediaType | BodyTooLarge | Malformed:
    """Tell what kind of body comes, or why it is refused unread.

    `method` is that of the request and `accepts` what its resource takes. The length is looked at
    first: 413 before 415, as neither type nor coding makes a body smaller.
    """
    length = _check_length(headers, max_bytes)
    if length is not None:
        return length
    codings = headers.combined(b"content-encoding")
    if codings is not None and any(each.lower() != "identity" for each in split_list(codings)):
        return UnsupportedMediaType(
            "The body must be sent without a content coding.", tuple(accepts), method, coding=True
        )
    return _kind(headers.one(b"content-type"), method, accepts)


def _check_length(headers: Headers, max_bytes: int) -> BodyTooLarge | Malformed | None:
    length = headers.one(b"content-length")
    if length is None:
        return None
    if _DIGITS.fullmatch(length) is None:
        return Malformed(
            "malformed_header", "Content-Length must be one decimal number.", "Content-Length"
        )
    significant = length.lstrip("0")
    if len(significant) > _ENOUGH_DIGITS or int(significant or "0") > max_bytes:
        return BodyTooLarge(max_bytes)
    return None


def _kind(
    value: str | None, method: str, accepts: tuple[ContentKind, ...]
) -> ContentKind | UnsupportedMediaType:
    def refused(detail: str) -> UnsupportedMediaType:
        return UnsupportedMediaType(detail, tuple(accepts), method)

    if value is None:
        return refused("The request has no Content-Type.")
    plain = _BY_NAME.get(value)
    if plain in accepts:  # nearly every body says its type without parameters
        return plain
    media = parse_media_type(value)
    if media is None:
        return refused("The Content-Type is not one media type.")
    kind = _BY_NAME.get(media.essence)
    if kind not in accepts:
        return refused(f"This resource does not take {media.essence[:100]}.")
    for name, charset in media.parameters:
        if name == "charset" and charset.lower() != "utf-8":
            return refused("The body must be encoded as UTF-8.")
    return kind
