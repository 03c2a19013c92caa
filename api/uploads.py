"""POST /upload: one file, streamed to where it stays while it is counted and hashed.

The order of checks is that of the HTTP contract. Nothing is recorded before the bytes are in place,
and whatever ends a request before that leaves nothing behind: `commands/file_store.py` says how.
"""

import asyncio
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, post

from api.answer import Answer
from api.content import ContentKind
from api.digest_fields import sha256_field
from api.exchange import Exchange
from api.file_form import AROUND_BYTES, FileForm
from api.idempotency import Remember, once_read
from api.idempotency_key import fingerprint, parse_idempotency_key
from api.likely import as_likely
from api.media_type import parse_media_type
from api.requests import check_headers
from api.responses import respond
from api.route_table import direct, takes
from commands.file_store import (
    Busy,
    Inspected,
    NoRoom,
    Received,
    StorageFullError,
    StorageUnavailableError,
    Unfit,
    Upload,
)
from commands.files import NewFile, may_upload, upload_file
from commands.images import ImageFault
from commands.outcomes import (
    BodyTooLarge,
    Created,
    FileTypeRefused,
    InsufficientStorage,
    Malformed,
    Outcome,
    Replayed,
    Unauthenticated,
    Unavailable,
)
from domain.file_type import ALLOWED
from domain.refusal import RejectedByValue
from domain.stream import Actor

Incoming = Request[Any, Any, Any]

_FORM = (ContentKind.MULTIPART,)
_LONGEST_BOUNDARY = 70
"""RFC 2046, section 5.1.1."""


class _Taken(msgspec.Struct):
    """What has come of the upload so far, for the answer's fields."""

    received: Received | None = None


async def upload_answer(exchange: Exchange) -> Answer:
    """Answer POST /upload."""
    taken = _Taken()
    try:
        outcome = await _upload(exchange, taken)
    except StorageFullError:
        outcome = InsufficientStorage("storage_full", "There is no room left for files.")
    except StorageUnavailableError:
        outcome = Unavailable(
            "service_degraded", "The place where files are kept does not answer.", retry_after=2
        )
    answer = respond(outcome, exchange)
    if isinstance(outcome, Created | Replayed) and taken.received is not None:
        # Of what Location leads to (RFC 9530, section 3.1), so that the client can compare.
        digest = sha256_field(bytes.fromhex(taken.received.digest))
        answer.fields.append((b"repr-digest", digest))
    return answer


@post("/upload", opt=takes(*_FORM) | direct(upload_answer))
async def upload(request: Incoming) -> Answer:
    """Upload a file: the member `file` of a form, JPEG, PNG, WebP, PDF, MP4 or WebM.

    What it is said to be must be what its bytes are. Repr-Digest is that of the file itself, which
    is at Location.
    """
    return await upload_answer(Exchange.of(request.scope))


HANDLERS = (upload,)


async def _upload(exchange: Exchange, taken: _Taken) -> Outcome:
    # As in `api/likely.py`, but the body comes only once: whoever was known to be allowed is
    # believed until the append, and any other answer is given only by what the database says now.
    likely = await exchange.actor(likely=True)
    if isinstance(likely, Actor) and may_upload(likely) is None:
        outcome = await _upload_of(exchange, likely.account_id, taken)
        if isinstance(outcome, Created):
            return outcome
        return _denied(await exchange.actor()) or outcome
    actor = await exchange.actor()
    denied = _denied(actor)
    if denied is not None or not isinstance(actor, Actor):
        return denied or Unauthenticated("Uploading a file needs an access token.")
    return await _upload_of(exchange, actor.account_id, taken)


def _denied(actor: Actor | Unauthenticated | None) -> Outcome | None:
    return actor if isinstance(actor, Unauthenticated) else may_upload(actor)


async def _upload_of(exchange: Exchange, owner_id: UUID, taken: _Taken) -> Outcome:
    limit = exchange.services.max_upload_bytes
    kind = check_headers(exchange, _FORM, max_bytes=limit + AROUND_BYTES)
    if isinstance(kind, BodyTooLarge):
        return BodyTooLarge(limit, "file_too_large")
    if not isinstance(kind, ContentKind):
        return kind
    form = _form(exchange, limit)
    if isinstance(form, Malformed):
        return form
    key = parse_idempotency_key(exchange.headers)
    if isinstance(key, Malformed):
        return key
    # A repeat gets the first answer also when there would be no room for another file.
    at_least = 0 if key is not None else _least(exchange)
    async with exchange.services.uploads.begin(owner_id, at_least=at_least) as begun:
        if isinstance(begun, Busy):
            return Unavailable("overloaded", "Too many uploads are under way.", retry_after=2)
        if isinstance(begun, NoRoom):
            return _no_room(begun)
        return await _take(exchange, owner_id, begun, form, taken)


def _form(exchange: Exchange, limit: int) -> FileForm | Malformed:
    media = parse_media_type(exchange.headers.one(b"content-type") or "")
    boundaries = [] if media is None else [v for n, v in media.parameters if n == "boundary"]
    boundary = boundaries[0] if len(boundaries) == 1 else ""
    if not 1 <= len(boundary) <= _LONGEST_BOUNDARY or not boundary.isascii():
        return Malformed(
            "malformed_header",
            f"Content-Type must give one boundary of 1 to {_LONGEST_BOUNDARY} ASCII characters.",
            "Content-Type",
        )
    return FileForm(boundary, limit)


def _least(exchange: Exchange) -> int:
    """Tell how large the file is at least, as far as the length of the whole body tells."""
    return max(0, int(exchange.headers.one(b"content-length") or 0) - AROUND_BYTES)


async def _take(
    exchange: Exchange, owner_id: UUID, upload: Upload, form: FileForm, taken: _Taken
) -> Outcome:
    found: Inspected | None = None

    async def read() -> bytes | Outcome:
        nonlocal found
        fault = await _receive(exchange, upload, form)
        if fault is not None:
            return fault
        received = taken.received = await upload.finish()
        inspected = upload.inspect()
        if not isinstance(inspected, Inspected) or inspected.type is not form.type:
            return _unfit(inspected, form)
        found = inspected
        # The bytes of the form differ each time, as boundaries do; what it says does not.
        said = msgspec.json.encode((received.digest, inspected.type, form.name))
        return fingerprint(exchange.method, exchange.path, "", said)

    async def do(remember: Remember | None) -> Outcome:
        assert found is not None and taken.received is not None  # noqa: S101, PT018 - it was read
        new = NewFile(
            file_id=exchange.services.new_id(),
            received=taken.received,
            type=found.type,
            name=form.name,
            width=found.width,
            height=found.height,
        )
        sealing = None
        if form.name is not None:  # the key is read while the disk works
            seal = exchange.services.files.names.seal(owner_id, new.file_id, form.name)
            sealing = asyncio.ensure_future(seal)
        try:
            no_room = await upload.keep()
            if no_room is not None:
                return _no_room(no_room)
            return await _record(exchange, upload, new, remember, sealing)
        finally:
            if sealing is not None:
                sealing.cancel()

    return await once_read(exchange, owner_id, read, 201, do)


async def _receive(exchange: Exchange, upload: Upload, form: FileForm) -> Outcome | None:
    """Pass the file on as it comes; give what is wrong with the form."""
    async for piece in exchange.pieces():
        for part in form.feed(piece):
            if not isinstance(part, bytes):
                return part
            await upload.write(part)
    return form.end()


async def _record(
    exchange: Exchange,
    upload: Upload,
    new: NewFile,
    remember: Remember | None,
    sealing: asyncio.Future[str | None] | None,
) -> Outcome:
    # The body may have taken minutes: the append checks what was known of the caller.
    async def attempt(actor: Actor | Unauthenticated | None) -> Outcome:
        denied = _denied(actor)
        if denied is not None or not isinstance(actor, Actor):
            return denied or Unauthenticated("The session is over.", token_given=True)
        caller, files = exchange.caller(actor, "UploadFile"), exchange.services.files
        return await upload_file(files, caller, upload, new, remember, sealing)

    return await as_likely(exchange, attempt)


def _unfit(inspected: Inspected | Unfit | ImageFault, form: FileForm) -> Outcome:
    match inspected:
        case ImageFault.UNREADABLE:
            return RejectedByValue("image_unreadable", "The image's header cannot be read.", "file")
        case ImageFault.TOO_LARGE:
            return RejectedByValue(
                "image_too_large", "The image has more pixels than are taken.", "file"
            )
        case Inspected(type=kind):
            detail = f"The file is said to be {form.type}, and its bytes are {kind}."
        case _:
            detail = f"The file is said to be {form.type}, and its bytes are not."
    return FileTypeRefused("mime_mismatch", detail, ALLOWED)


def _no_room(no_room: NoRoom) -> InsufficientStorage:
    return InsufficientStorage(
        "quota_exceeded",
        f"Your files may have {no_room.quota} bytes together; delete some to make room.",
    )
