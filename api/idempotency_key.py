"""Reads the Idempotency-Key field, and tells two requests with one key apart.

The field is a structured string (IETF draft-ietf-httpapi-idempotency-key-header, section 2.1). Most
clients send the bare key without its quotes, so that is taken too and means the same key.
"""

import re
from hashlib import sha256

import http_sf

from api.headers import Headers
from commands.outcomes import Malformed

MAX_LENGTH = 255

_BARE = re.compile(r"[!\x23-\x7e]+")


def parse_idempotency_key(headers: Headers) -> str | Malformed | None:
    """Give the key, of 1 to 255 characters of ASCII; None where the request has none."""
    value = headers.one(b"idempotency-key")
    if value is None:
        return None
    value = value.strip(" \t")
    key = _quoted(value) if value.startswith('"') else _bare(value)
    if key is None or not 1 <= len(key) <= MAX_LENGTH:
        return Malformed(
            "malformed_header",
            f"Idempotency-Key must be one key of 1 to {MAX_LENGTH} visible ASCII characters, "
            'best as a quoted string such as "8e03978e-40d5-43e8-bc93-6894a57f9324".',
            "Idempotency-Key",
        )
    return key


def _bare(value: str) -> str | None:
    return value if _BARE.fullmatch(value) is not None else None


def _quoted(value: str) -> str | None:
    try:
        item = http_sf.parse(value.encode("latin-1"), tltype="item")
    except http_sf.StructuredFieldError:
        return None
    if isinstance(item, tuple) and isinstance(item[0], str):
        return item[0]
    return None


def fingerprint(method: str, path: str, content_type: str, body: bytes) -> bytes:
    """Digest what makes a request the same request (SHA-256); the body is taken byte by byte."""
    digest = sha256()
    for part in (method.encode(), path.encode(), content_type.encode()):
        digest.update(len(part).to_bytes(8))
        digest.update(part)
    digest.update(body)
    return digest.digest()
