"""What an export made, by a signed link that needs no token; and how one goes, live."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import datetime
from typing import Any

import msgspec
from litestar import Request, get
from litestar.types import ASGIApp, Receive

from api.answer import Answer, Field, StreamedAnswer
from api.content_disposition import content_disposition
from api.events import SSE_TYPE
from api.exchange import Exchange
from api.exports import body_of, location, own_export, show, status_of
from api.file_answer import BlobAnswer, ShownBlob, blob_answer
from api.log_query import LARGEST
from api.log_streaming import client_left
from api.negotiation import best
from api.query import parse_integer, parse_query
from api.requests import id_in_path, no_query
from api.responses import respond
from commands.exports import KIND, ExportStore
from commands.file_store import Blob, BlobMissingError, StorageUnavailableError
from commands.jobs import JOB_NOT_FOUND
from commands.outcomes import Done, Forbidden, Malformed, NotAcceptable, Outcome
from commands.ports import StoreUnavailableError
from domain.job import JobStatus
from projections.jobs import JobRow

ZIP_TYPE = "application/zip"
LOOK_SECONDS = 0.5
HEARTBEAT_SECONDS = 15.0

_BAD_LINK = Forbidden(
    "The link is not valid, or not any more: ask for the export's state to get another.",
    "download_link_invalid",
)
_PARAMETERS = frozenset({"expires", "signature"})
_LATEST = 32_503_680_000
"""The year 3000, in seconds since 1970."""
_STREAMED: list[Field] = [
    (b"content-type", SSE_TYPE.encode()),
    (b"vary", b"Accept, Authorization"),
    (b"cache-control", b"private, no-store"),
    (b"x-accel-buffering", b"no"),  # a proxy shall pass it on piece by piece
]

Incoming = Request[Any, Any, Any]

_encode = msgspec.json.Encoder().encode


@get("/exports/{export_id:str}/download")
async def download_export(request: Incoming) -> ASGIApp:
    """Download the ZIP, or go on with a download that was interrupted."""
    exchange = Exchange.of(request.scope)
    found = await _signed(exchange)
    if not isinstance(found, JobRow):
        return respond(found, exchange)
    now = exchange.now()
    if status_of(found, now) is not JobStatus.COMPLETED:
        return respond(show(exchange, found), exchange)
    return _zip(exchange, found, now)


@get("/exports/{export_id:str}/events")
async def follow_export(request: Incoming) -> ASGIApp:
    """Follow an export: a server-sent event for each change, until it is over.

    Whoever comes back after the end gets 204, which tells a browser not to come again.
    """
    exchange = Exchange.of(request.scope)
    begun = await _begin_to_follow(exchange)
    if not isinstance(begun, JobRow):
        return respond(begun, exchange)
    readiness = exchange.services.readiness

    async def look() -> JobRow | None:
        found = await own_export(exchange, "Seeing an export")
        return found if isinstance(found, JobRow) else None

    pieces = _server_sent(exchange, look, request.receive, lambda: readiness.draining)
    return StreamedAnswer(200, [*_STREAMED], pieces)


HANDLERS = (download_export, follow_export)


async def _signed(exchange: Exchange) -> JobRow | Outcome:
    export_id = id_in_path(exchange, "export_id")
    if isinstance(export_id, Malformed):
        return export_id
    parameters = parse_query(exchange.query, _PARAMETERS)
    if isinstance(parameters, Malformed):
        return parameters
    expires = parse_integer("expires", parameters.get("expires", ""), least=0, most=_LATEST)
    if isinstance(expires, Malformed):
        return expires
    signature = parameters.get("signature", "")
    links = exchange.services.download_links
    if not links.good(location(export_id), expires, signature, exchange.now()):
        return _BAD_LINK
    found = await exchange.services.job_queries.by_id(export_id)
    return JOB_NOT_FOUND if found is None or found.kind != KIND else found


def _zip(exchange: Exchange, job: JobRow, now: datetime) -> Answer | BlobAnswer:
    body = body_of(job, now)
    assert body.sha256 is not None  # noqa: S101 - it is completed
    assert body.size is not None  # noqa: S101 - as above
    assert job.result is not None  # noqa: S101 - as above
    shown = ShownBlob(
        digest=body.sha256,
        tag=body.sha256,
        size=body.size,
        mime=ZIP_TYPE,
        modified=job.updated_at,
        disposition=content_disposition(
            f"ledgerpress-{job.updated_at:%Y-%m-%d}",
            otherwise="ledgerpress",
            extension="zip",
            inline=False,
        ),
        cache_control="private, no-store",
        vary="Accept",
        history=location(job.id),
    )
    place = _Place(exchange.services.exports.store, str(job.result["file"]))
    return blob_answer(exchange, shown, place)


class _Place:
    """Where one export is, for whoever sends it."""

    def __init__(self, store: ExportStore, name: str) -> None:
        self._store = store
        self._name = name

    async def take(self, digest: str) -> Blob:  # noqa: ARG002 - there is but this one
        try:
            return await self._store.open(self._name)
        except BlobMissingError as error:
            # Removed since the job was read: whoever comes again gets 410.
            raise StorageUnavailableError(str(error)) from error


async def _begin_to_follow(exchange: Exchange) -> JobRow | Outcome:
    found = await own_export(exchange, "Following an export")
    if not isinstance(found, JobRow):
        return found
    if best(exchange.headers, (SSE_TYPE,)) != SSE_TYPE:
        return NotAcceptable((SSE_TYPE,))
    refused = no_query(exchange)
    if refused is not None:
        return refused
    last = exchange.headers.one(b"last-event-id")
    if last is None:
        return found
    seen = parse_integer("Last-Event-ID", last, least=0, most=LARGEST)
    if isinstance(seen, Malformed):
        return Malformed("malformed_header", seen.detail, "Last-Event-ID")
    return Done() if not found.open and seen >= found.version else found


async def _server_sent(
    exchange: Exchange,
    look: Callable[[], Awaitable[JobRow | None]],
    receive: Receive,
    is_draining: Callable[[], bool],
) -> AsyncGenerator[bytes]:
    """Write an event for each version that is seen, and a comment into each long silence.

    `look` finds the job for as long as the caller may see it.
    """
    loop = asyncio.get_running_loop()
    seen = 0
    next_beat = loop.time() + HEARTBEAT_SECONDS
    async with client_left(receive) as gone:
        yield b"retry: 2000\n\n"
        while not (gone.is_set() or is_draining()):
            try:
                job = await look()
            except StoreUnavailableError:
                return
            if job is None:
                return
            if job.version != seen:
                seen = job.version
                shown = _encode(body_of(job, exchange.now()))
                yield b"id: %d\ndata: %b\n\n" % (seen, shown)
                next_beat = loop.time() + HEARTBEAT_SECONDS
            if not job.open:
                return
            if loop.time() >= next_beat:
                next_beat = loop.time() + HEARTBEAT_SECONDS
                yield b":\n\n"
            await asyncio.sleep(LOOK_SECONDS)
