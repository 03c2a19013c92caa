"""Entity tags: what ours are made of, and how they are written in a header field.

A tag is strong and never made of a clock: the schema version of the read model that rendered the
bytes and the version of what they show, so that it changes when either does (RFC 9110, 8.8.3).
"""

import re
from base64 import urlsafe_b64encode
from hashlib import blake2b

_POST_TAG = re.compile(r"(0|[1-9]\d{0,9})\.([1-9]\d{0,18})", re.ASCII)
_DIGEST_BYTES = 16


def quote(opaque: str) -> str:
    """Write an opaque tag as a strong entity tag, ready for the ETag field."""
    return f'"{opaque}"'


def version_in(opaque: str, schema: int) -> int | None:
    """Read the stream version out of a post's opaque tag; None if it is not of this schema."""
    found = _POST_TAG.fullmatch(opaque)
    if found is None or int(found[1]) != schema:
        return None
    return int(found[2])


def list_tag(schema: int, page: str, digest: bytes) -> str:
    """Make the opaque tag of one page of a list: `<schema version>.<digest in 22 characters>`.

    `page` names the page and its rendering (the query, the media type, the next cursor); `digest`
    is that of the ids and versions on it, in order, of a fixed length.
    """
    over_page = blake2b(digest + page.encode(), digest_size=_DIGEST_BYTES, person=b"page")
    return f"{schema}.{urlsafe_b64encode(over_page.digest()).rstrip(b'=').decode()}"
