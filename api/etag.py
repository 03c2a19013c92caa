"""Entity tags: what ours are made of, and how they are written in a header field.

A tag is strong and never made of a clock: the schema version of the read model that rendered the
bytes and the version of what they show, so that it changes when either does (RFC 9110, 8.8.3).
"""

import re
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from hashlib import blake2b
from uuid import UUID

_POST_TAG = re.compile(r"(0|[1-9]\d{0,9})\.([1-9]\d{0,18})", re.ASCII)
_DIGEST_BYTES = 16


def quote(opaque: str) -> str:
    """Write an opaque tag as a strong entity tag, ready for the ETag field."""
    return f'"{opaque}"'


def post_tag(schema: int, version: int) -> str:
    """Make the opaque tag of a post: `<schema version>.<stream version>`."""
    return f"{schema}.{version}"


def version_in(opaque: str, schema: int) -> int | None:
    """Read the stream version out of a post's opaque tag; None if it is not of this schema."""
    found = _POST_TAG.fullmatch(opaque)
    if found is None or int(found[1]) != schema:
        return None
    return int(found[2])


def list_tag(schema: int, page: str, items: Iterable[tuple[UUID, int]]) -> str:
    """Make the opaque tag of one page of a list: `<schema version>.<digest in 22 characters>`.

    `page` names the page and its rendering (the query, the media type, the next cursor); `items`
    are the id and version of each thing on it, in order.
    """
    digest = blake2b(page.encode(), digest_size=_DIGEST_BYTES, person=b"page")
    # The page's own digest first: whatever its length, items cannot be taken for a part of it.
    over_items = blake2b(digest.digest(), digest_size=_DIGEST_BYTES, person=b"items")
    over_items.update(b"".join(id_.bytes + version.to_bytes(8) for id_, version in items))
    return f"{schema}.{urlsafe_b64encode(over_items.digest()).rstrip(b'=').decode()}"
