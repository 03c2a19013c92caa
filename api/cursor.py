"""Cursors: where a page of a list ended, in a form that clients pass back and do not look into.

A cursor is 33 bytes in base64url: a format byte, the sort time in microseconds since 1970, the id,
and a checksum over these and over the list that it belongs to. The checksum finds a cursor that was
cut, edited or taken from another list; it grants nothing, so it needs no secret.
"""

import re
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import NamedTuple, Self
from uuid import UUID

from commands.outcomes import Malformed

_FORMAT = 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_PAYLOAD = struct.Struct(">Bq16s")
_CHECKSUM_BYTES = 8
# 33 bytes are 44 characters with no padding and no spare bits: each cursor has one spelling.
_SYNTAX = re.compile(r"[A-Za-z0-9_-]{44}", re.ASCII)


class Cursor(NamedTuple):
    """The sort key of the last item of a page."""

    micros: int
    """Its sort time, in microseconds since 1970 UTC."""
    id: UUID

    @classmethod
    def of(cls, at: datetime, id_: UUID) -> Self:
        """Make one of a sort time."""
        return cls((at - _EPOCH) // _MICROSECOND, id_)

    @property
    def at(self) -> datetime:
        """The sort time."""
        return _EPOCH + self.micros * _MICROSECOND


def encode_cursor(cursor: Cursor, *, of_list: str) -> str:
    """Write a cursor. `of_list` names the list with its filters, such as `posts?status=draft`."""
    payload = _PAYLOAD.pack(_FORMAT, cursor.micros, cursor.id.bytes)
    return urlsafe_b64encode(payload + _checksum(payload, of_list)).decode()


def decode_cursor(text: str, *, of_list: str) -> Cursor | Malformed:
    """Read a cursor that `encode_cursor` wrote for the same list; anything else is an error."""
    if _SYNTAX.fullmatch(text) is None:
        return _BAD
    raw = urlsafe_b64decode(text)
    payload, checksum = raw[: _PAYLOAD.size], raw[_PAYLOAD.size :]
    if checksum != _checksum(payload, of_list):
        return _BAD
    format_, micros, id_ = _PAYLOAD.unpack(payload)
    return Cursor(micros, UUID(bytes=id_)) if format_ == _FORMAT else _BAD


def _checksum(payload: bytes, of_list: str) -> bytes:
    # The payload's length is fixed, so that the two cannot run into each other.
    return blake2b(
        payload + of_list.encode(), digest_size=_CHECKSUM_BYTES, person=b"cursor"
    ).digest()


_BAD = Malformed(
    "bad_cursor",
    "cursor: The value is not a cursor that this list gave out; begin again without it.",
    "cursor",
)
