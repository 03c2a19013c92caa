"""Digests as header fields show them: Repr-Digest and Content-Digest (RFC 9530)."""

from base64 import b64encode


def sha256_field(digest: bytes) -> bytes:
    """Give the value of a field with one SHA-256 (a dictionary, RFC 9530, section 2)."""
    return b"sha-256=:%b:" % b64encode(digest)
