"""Answers with a blob: conditions, ranges and header fields, and the bytes in bounded memory.

For whatever is kept as a blob: files, thumbnails, exports. Who may see it is decided before, by the
caller of `blob_answer`. Where the server can (ASGI's `http.response.zerocopysend`), a blob that is
a file of this machine's is left for it to send; any other is read and sent piece by piece, no
faster than the client takes it.
"""

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from functools import lru_cache
from typing import Any

import http_sf
import msgspec
import structlog
from litestar.types import Message, Receive, Scope, Send

from api.answer import Answer, Field
from api.conditional import parse_if_range, settled
from api.digest_fields import sha256_field
from api.etag import quote
from api.exchange import Exchange
from api.headers import Headers
from api.log_streaming import client_left
from api.negotiation import best
from api.responses import respond
from api.times import http_date
from commands.file_store import Blob, OpenBlobs, StorageUnavailableError
from commands.outcomes import (
    NotAcceptable,
    NotModified,
    Outcome,
    RangeNotSatisfiable,
    Unavailable,
)
from commands.ranges import Part, Parts, Unsatisfiable, Whole, select

PIECE_BYTES = 256 * 1024
MOST_HASHED_BYTES = 16 * 1024 * 1024
"""The longest part whose Content-Digest is made: that takes reading it once more, before it."""

SANDBOX: Field = (
    b"content-security-policy",
    b"sandbox; default-src 'none'; frame-ancestors 'none'",
)
"""Whatever a file turns out to be, a browser that shows it runs nothing and loads nothing."""

_STORAGE_DOWN = Unavailable("service_degraded", "The file storage does not answer.", retry_after=2)
_REGION = "http.response.zerocopysend"
_log = structlog.get_logger()
_Sections = tuple["bytes | Part", ...]
"""What a body is made of, in order: bytes of our own and parts of the blob."""


class ShownBlob(msgspec.Struct, frozen=True):
    """A blob as it is shown: all that its header fields say."""

    digest: str
    """SHA-256 in hexadecimal, which is the blob's name too."""
    tag: str
    """The opaque part of its strong entity tag."""
    size: int
    mime: str
    modified: datetime
    """When it came to be there; its bytes have been the same ever since."""
    disposition: bytes
    """See `content_disposition`."""
    cache_control: str
    vary: str
    history: str
    """Where one reads how it changed, for a client whose condition fails."""


def blob_answer(
    exchange: Exchange, blob: ShownBlob, blobs: OpenBlobs | None = None
) -> "Answer | BlobAnswer":
    """Answer GET or HEAD with a blob that whoever asks may see.

    It is one of the files' unless `blobs` says where else it is.
    """
    outcome = _settled(exchange, blob)
    if outcome is not None:
        answer = respond(outcome, exchange)
        if isinstance(outcome, NotModified):
            answer.fields.append(SANDBOX)  # what a 304 says replaces what a cache keeps
        return answer
    selected = select(
        exchange.headers.combined(b"range"),
        is_get=not exchange.head,
        size=blob.size,
        tag=blob.tag,
        modified=blob.modified,
        if_range=parse_if_range(exchange.headers),
    )
    if isinstance(selected, Unsatisfiable):
        return respond(RangeNotSatisfiable(blob.size), exchange)
    return BlobAnswer(exchange, blob, selected, blobs or exchange.services.open_blobs)


def _settled(exchange: Exchange, blob: ShownBlob) -> Outcome | None:
    """Answer without the blob where that is possible: 406, 412, 304."""
    acceptable = best(exchange.headers, (blob.mime,))
    if isinstance(acceptable, NotAcceptable):
        return acceptable
    return settled(
        exchange,
        tag=blob.tag,
        modified=blob.modified,
        caching=(blob.cache_control, blob.vary),
        history=blob.history,
    )


class BlobAnswer:
    """200 or 206 with a blob or parts of it."""

    def __init__(
        self,
        exchange: Exchange,
        blob: ShownBlob,
        selected: Whole | Part | Parts,
        blobs: OpenBlobs,
    ) -> None:
        self._blob = blob
        self._blobs = blobs
        self._wants_digest = wants_sha256(exchange.headers)
        self._head_only = exchange.head
        self._exchange = exchange
        self.status = 200 if isinstance(selected, Whole) else 206
        self.fields = _fields(blob)
        self._sections: _Sections
        match selected:
            case Whole():
                self.fields.append((b"content-type", blob.mime.encode()))
                self._sections = (Part(0, blob.size - 1),) if blob.size else ()
            case Part():
                self.fields.append((b"content-type", blob.mime.encode()))
                self.fields.append(_content_range(selected, blob.size))
                self._sections = (selected,)
            case Parts():
                boundary = secrets.token_hex(16)
                kind = f"multipart/byteranges; boundary={boundary}"
                self.fields.append((b"content-type", kind.encode()))
                self._sections = tuple(_multipart(selected, blob, boundary.encode()))
        self._length = sum(map(_length, self._sections))
        self.fields.append((b"content-length", b"%d" % self._length))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it. The blob is opened before the answer begins, so that failing is a 5xx."""
        try:
            source = await self._blobs.take(self._blob.digest)
        except StorageUnavailableError:
            _log.exception("storage unavailable", request_id=self._exchange.request_id)
            await respond(_STORAGE_DOWN, self._exchange)(scope, receive, send)
            return
        try:
            if source.size != self._blob.size:
                raise EOFError(f"the blob {self._blob.digest} is not as long as it was")
            if self._wants_digest and not self._head_only:
                await self._add_content_digest(source)
            await send(
                {"type": "http.response.start", "status": self.status, "headers": self.fields}
            )
            if self._head_only or not self._sections:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
            elif source.descriptor is not None and _REGION in (scope.get("extensions") or ()):
                await self._send_regions(source.descriptor, send)
            else:
                await self._send_pieces(source, receive, send)
        finally:
            source.close()

    async def _send_regions(self, descriptor: int, send: Send) -> None:
        file = _File(descriptor)
        last = len(self._sections) - 1
        for number, section in enumerate(self._sections):
            more = number < last
            if isinstance(section, bytes):
                await send({"type": "http.response.body", "body": section, "more_body": more})
            else:
                region: Any = {  # of an extension that Litestar's types leave out
                    "type": _REGION,
                    "file": file,
                    "offset": section.first,
                    "count": section.length,
                    "more_body": more,
                }
                await send(region)

    async def _send_pieces(self, source: Blob, receive: Receive, send: Send) -> None:
        left = self._length
        async with client_left(receive) as gone:
            for section in self._sections:
                async for piece in _pieces(source, section):
                    if gone.is_set():
                        return
                    left -= len(piece)
                    message: Message = {
                        "type": "http.response.body",
                        "body": bytes(piece),
                        "more_body": left > 0,
                    }
                    await send(message)

    async def _add_content_digest(self, source: Blob) -> None:
        """Say what is sent in this answer hashes to (RFC 9530), unless it is too long."""
        if self.status == 200:  # noqa: PLR2004 - all of it, without a coding
            self.fields.append((b"content-digest", _digest_field(self._blob.digest)))
        elif self._length <= MOST_HASHED_BYTES:
            hasher = hashlib.sha256()
            for section in self._sections:
                async for piece in _pieces(source, section):
                    await asyncio.to_thread(hasher.update, piece)
            self.fields.append((b"content-digest", sha256_field(hasher.digest())))


class _File:
    """An open file, as ASGI wants one."""

    __slots__ = ("_descriptor",)

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def fileno(self) -> int:
        return self._descriptor


def wants_sha256(headers: Headers) -> bool:
    """Tell whether the client wants a Content-Digest of a kind that we make (RFC 9530, 4)."""
    wanted = headers.combined(b"want-content-digest")
    if wanted is None:
        return False
    try:
        weights: Any = http_sf.parse(wanted.encode("latin-1"), tltype="dictionary")
    except ValueError:
        return False  # a wish that cannot be read is none
    weight = weights.get("sha-256", (0,))[0]
    return isinstance(weight, int) and weight > 0


def _fields(blob: ShownBlob) -> list[Field]:
    return [
        (b"etag", quote(blob.tag).encode()),
        (b"last-modified", http_date(blob.modified).encode()),
        (b"accept-ranges", b"bytes"),
        (b"cache-control", blob.cache_control.encode()),
        (b"vary", blob.vary.encode()),
        (b"content-disposition", blob.disposition),
        SANDBOX,
        (b"repr-digest", _digest_field(blob.digest)),
    ]


@lru_cache(maxsize=1024)
def _digest_field(digest: str) -> bytes:
    return sha256_field(bytes.fromhex(digest))


def _content_range(part: Part, size: int) -> Field:
    return b"content-range", b"bytes %d-%d/%d" % (part.first, part.last, size)


def _multipart(selected: Parts, blob: ShownBlob, boundary: bytes) -> Iterator[bytes | Part]:
    """Lay out a body of several parts (RFC 9110, section 14.6)."""
    line_break = b""
    for part in selected.parts:
        name, value = _content_range(part, blob.size)
        yield b"%b--%b\r\ncontent-type: %b\r\n%b: %b\r\n\r\n" % (
            line_break,
            boundary,
            blob.mime.encode(),
            name,
            value,
        )
        yield part
        line_break = b"\r\n"
    yield b"\r\n--%b--\r\n" % boundary


def _length(section: bytes | Part) -> int:
    return section.length if isinstance(section, Part) else len(section)


async def _pieces(source: Blob, section: bytes | Part) -> AsyncIterator[bytes | memoryview]:
    if isinstance(section, bytes):
        yield section
        return
    offset = section.first
    while offset <= section.last:
        piece = await source.read(offset, min(PIECE_BYTES, section.last + 1 - offset))
        if not piece:
            raise EOFError("the blob is shorter than it was when it was opened")
        offset += len(piece)
        yield piece
