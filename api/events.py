"""The requests that read the log itself, oldest first; they are for auditors alone.

A page comes as JSON, everything asked for at once as `application/x-ndjson`, and what happens from
now on as server-sent events. An entry has one form in all of them: `commands/log_entry.py`.
"""

from hashlib import blake2b
from typing import Any

import msgspec
from litestar import Request, get
from litestar.types import ASGIApp

from api.answer import Answer, Field, StreamedAnswer
from api.conditional import shown
from api.etag import list_tag
from api.exchange import Exchange
from api.log_query import (
    DEFAULT_LIMIT,
    LARGEST,
    MAX_LIMIT,
    LogQuery,
    parse_category,
    parse_log_query,
)
from api.log_streaming import closing, ndjson, server_sent
from api.negotiation import JSON_TYPE, best
from api.post_history import IMMUTABLE
from api.query import parse_integer
from api.requests import id_in_path, no_query, not_acceptable, required_role
from api.responses import PRIVATE, VARY, respond
from commands.log_entry import encode_entry
from commands.outcomes import (
    Forbidden,
    Malformed,
    NotAcceptable,
    NotFound,
    Outcome,
)
from commands.ports import LogEntry, LogFilter
from domain.stream import Actor, Role, Stream

PAGE_BYTES = 1024 * 1024
"""A page ends early rather than grow past this by more than one entry."""

NDJSON_TYPE = "application/x-ndjson"
SSE_TYPE = "text/event-stream"

EVENT_NOT_FOUND = NotFound("event_not_found")
STREAM_NOT_FOUND = NotFound("stream_not_found")

_SCHEMA_VERSION = 1
"""Part of every tag; a change to how an entry is written needs a new one."""

_STREAMED: list[Field] = [
    (b"vary", VARY.encode()),
    (b"cache-control", b"private, no-store"),
    (b"x-accel-buffering", b"no"),  # a proxy shall pass it on piece by piece
]

Incoming = Request[Any, Any, Any]


@get("/events")
async def read_log(request: Incoming) -> ASGIApp:
    """Read the log, oldest first."""
    exchange = Exchange.of(request.scope)
    refused = await _refused(exchange)
    return respond(refused, exchange) if refused is not None else await _read(request, exchange)


@get("/streams/{category:str}/{stream_id:str}")
async def read_stream(request: Incoming) -> ASGIApp:
    """Read one stream, oldest first."""
    exchange = Exchange.of(request.scope)
    refused = await _refused(exchange)
    if refused is not None:
        return respond(refused, exchange)
    stream = await _existing_stream(exchange)
    if not isinstance(stream, Stream):
        return respond(stream, exchange)
    return await _read(request, exchange, stream)


@get("/events/{position:str}")
async def read_event(request: Incoming) -> Answer:
    """Read the event at a position."""
    exchange = Exchange.of(request.scope)
    return respond(await _event(exchange), exchange)


@get("/events/live")
async def follow_log(request: Incoming) -> ASGIApp:
    """Follow the log: server-sent events, from now on or from a position.

    The id of each is its position, so that a client which sends Last-Event-ID when it comes back
    misses nothing. The answer ends when the process shuts down and when the token expires.
    """
    exchange = Exchange.of(request.scope)
    begun = await _begin_to_follow(exchange)
    if not isinstance(begun, LogQuery):
        return respond(begun, exchange)
    log, readiness = exchange.services.log, exchange.services.readiness
    after = await log.head() if begun.after is None else begun.after

    async def may_go_on() -> bool:
        return await _refused(exchange) is None

    pieces = server_sent(
        log.tail(begun.which, after=after),
        request.receive,
        may_go_on,
        lambda: readiness.draining,
    )
    return StreamedAnswer(200, [(b"content-type", SSE_TYPE.encode()), *_STREAMED], pieces)


HANDLERS = (read_log, read_stream, read_event, follow_log)


async def _refused(exchange: Exchange) -> Outcome | None:
    """Say why the caller does not get the log, or nothing."""
    refusal = Forbidden("Only auditors read the log.")
    actor = await required_role(exchange, "Reading the log", refusal, Role.AUDITOR)
    return None if isinstance(actor, Actor) else actor


async def _read(request: Incoming, exchange: Exchange, stream: Stream | None = None) -> ASGIApp:
    """Answer with a page or with everything, whichever the client likes better."""
    media_type = best(exchange.headers, (JSON_TYPE, NDJSON_TYPE))
    if isinstance(media_type, NotAcceptable):
        return respond(media_type, exchange)
    paged = media_type == JSON_TYPE
    path = "/events" if stream is None else f"/streams/{stream}"
    most = MAX_LIMIT if paged else LARGEST
    asked = parse_log_query(exchange.query, path=path, stream=stream, most=most)
    if isinstance(asked, Malformed):
        return respond(asked, exchange)
    if paged:
        return respond(await _page(exchange, asked), exchange)
    log = exchange.services.log
    # Up to the present end of the log, or a slow reader might never get there.
    end = await log.head() + 1
    entries = log.entries(asked.which, after=asked.after or 0, before=end, limit=asked.limit)
    fields = [(b"content-type", NDJSON_TYPE.encode()), *_STREAMED]
    return StreamedAnswer(200, fields, ndjson(entries, request.receive))


async def _page(exchange: Exchange, asked: LogQuery) -> Outcome:
    limit = asked.limit or DEFAULT_LIMIT
    lines: list[bytes] = []
    digest = blake2b(digest_size=16, person=b"log page")
    size = last = 0
    following: int | None = None
    # One more than asked for tells whether there is another page.
    entries = exchange.services.log.entries(asked.which, after=asked.after or 0, limit=limit + 1)
    async with closing(entries):
        async for entry in entries:
            if len(lines) == limit or size >= PAGE_BYTES:
                following = last
                break
            line = encode_entry(entry)
            lines.append(line)
            digest.update(entry.event_id.bytes)
            size += len(line)
            last = entry.position
    links = [asked.link("first", None)]
    if following is not None:
        links.append(asked.link("next", following))
    cursor = b"null" if following is None else b"%d" % following
    return shown(
        exchange,
        b'{"items":[%b],"nextAfter":%b}' % (b",".join(lines), cursor),
        tag=list_tag(_SCHEMA_VERSION, f"{asked.name} {following}", digest.digest()),
        modified=None,
        # What is before another page never changes again; the last page may grow.
        caching=(PRIVATE if following is None else IMMUTABLE, VARY),
        history=asked.path,
        links=links,
    )


async def _existing_stream(exchange: Exchange) -> Stream | Outcome:
    stream_id = id_in_path(exchange, "stream_id")
    if isinstance(stream_id, Malformed):
        return stream_id
    category = parse_category(exchange.parameter("category"))
    if category is None:
        return STREAM_NOT_FOUND
    stream = Stream(category, stream_id)
    first = await _first(exchange, LogFilter(stream=stream))
    return STREAM_NOT_FOUND if first is None else stream


async def _event(exchange: Exchange) -> Outcome:
    refused = await _refused(exchange) or not_acceptable(exchange) or no_query(exchange)
    if refused is not None:
        return refused
    text = exchange.parameter("position")
    position = parse_integer("position", text, least=1, most=LARGEST)
    if isinstance(position, Malformed):
        return position
    entry = await _first(exchange, LogFilter(), after=position - 1)
    if entry is None or entry.position != position:
        return EVENT_NOT_FOUND
    return shown(
        exchange,
        encode_entry(entry),
        tag=f"{_SCHEMA_VERSION}.{position}",
        modified=entry.at,
        caching=(IMMUTABLE, VARY),
        history="/events",
    )


async def _first(exchange: Exchange, which: LogFilter, *, after: int = 0) -> LogEntry | None:
    entries = exchange.services.log.entries(which, after=after, limit=1)
    async with closing(entries):
        async for entry in entries:
            return entry
    return None


async def _begin_to_follow(exchange: Exchange) -> LogQuery | Outcome:
    refused = await _refused(exchange)
    if refused is not None:
        return refused
    if best(exchange.headers, (SSE_TYPE,)) != SSE_TYPE:
        return NotAcceptable((SSE_TYPE,))
    asked = parse_log_query(exchange.query, path="/events/live")
    if isinstance(asked, Malformed):
        return asked
    last = exchange.headers.one(b"last-event-id")
    if last is None:
        return asked
    after = parse_integer("Last-Event-ID", last, least=0, most=LARGEST)
    if isinstance(after, Malformed):
        return Malformed("malformed_header", after.detail, "Last-Event-ID")
    return msgspec.structs.replace(asked, after=after)
