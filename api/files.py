"""The requests about files as things: their metadata, the list of one's own, deleting one.

`uploads.py` takes their bytes and `downloads.py` gives them.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import Request, delete, get

from api.answer import Answer
from api.conditional import parse_conditions
from api.cursor import Cursor, decode_cursor, encode_cursor
from api.etag import list_tag
from api.exchange import Exchange
from api.file_visibility import hidden
from api.likely import as_likely
from api.query import parse_limit, parse_query
from api.requests import (
    id_in_path,
    no_query,
    not_acceptable,
    read_nothing,
    refused_headers,
    required_actor,
)
from api.responses import PRIVATE, respond
from commands.files import (
    FILE_NOT_FOUND,
    FILE_NOT_YOURS,
    Deletion,
    SealedName,
    delete_file,
)
from commands.outcomes import Found, Malformed, NotModified, Outcome, StaleVersion, Unauthenticated
from commands.preconditions import NO_PRECONDITIONS, Verdict, evaluate
from domain import file_access
from domain.stream import Actor
from projections.file_queries import FileHead, FilePlace
from projections.files import SCHEMA_VERSION, FileRow, body, metadata_tag

Incoming = Request[Any, Any, Any]

_LIST = "files"
_NEVER = datetime(9999, 12, 31, tzinfo=UTC)
_NEWEST = FilePlace(_NEVER, UUID(int=2**128 - 1))
_CACHING = (PRIVATE, "Accept, Authorization")


class Asked(msgspec.Struct, frozen=True):
    """Which page of one's own files."""

    limit: int
    cursor: Cursor | None

    @property
    def after(self) -> FilePlace:
        """The place from which on to list."""
        return _NEWEST if self.cursor is None else FilePlace(self.cursor.at, self.cursor.id)

    def link(self, relation: str, cursor: str | None) -> str:
        """Write a link to another page of the list."""
        query: dict[str, str | int] = {"limit": self.limit}
        if cursor is not None:
            query["cursor"] = cursor
        return f'</files?{urlencode(query)}>; rel="{relation}"'


@get("/files")
async def list_files(request: Incoming) -> Answer:
    """List one's own files, newest first."""
    exchange = Exchange.of(request.scope)
    return respond(await _list(exchange), exchange)


@get("/files/{file_id:str}/metadata")
async def read_metadata(request: Incoming) -> Answer:
    """Read what is known of a file.

    Whoever may see the file may read it; its name shows itself to its owner, auditors and admins.
    """
    exchange = Exchange.of(request.scope)
    return respond(await _metadata(exchange), exchange)


@delete("/files/{file_id:str}", status_code=200)
async def remove(request: Incoming) -> Answer:
    """Delete a file for good. If-Match takes the ETag of the file itself."""
    exchange = Exchange.of(request.scope)
    outcome = await as_likely(exchange, lambda actor: _delete(exchange, actor))
    return respond(outcome, exchange)


HANDLERS = (list_files, read_metadata, remove)


async def _metadata(exchange: Exchange) -> Outcome:
    actor = await exchange.actor()
    if isinstance(actor, Unauthenticated):
        return actor
    file_id = id_in_path(exchange, "file_id")
    if isinstance(file_id, Malformed):
        return file_id
    head = await exchange.services.file_queries.head(file_id)
    refused = hidden(actor, head) or not_acceptable(exchange) or no_query(exchange)
    if refused is not None:
        return refused
    assert head is not None  # noqa: S101 - else it would be hidden
    return await _shown(exchange, actor, head)


async def _shown(exchange: Exchange, actor: Actor | None, head: FileHead) -> Outcome:
    conditions = parse_conditions(exchange.headers)
    if isinstance(conditions, Malformed):
        return conditions
    name = None
    if file_access.may_always_see(actor, owner_id=head.owner_id):
        (name,) = await _names(exchange, [head])
    current = metadata_tag(head.version, named=name is not None)
    match evaluate(conditions, tag=current, modified=head.updated_at, safe=True):
        case Verdict.NOT_MODIFIED:
            return NotModified(current, *_CACHING)
        case Verdict.FAILED:
            return StaleVersion(current, f"/streams/file/{head.id}")
        case Verdict.PROCEED:
            return Found(body(head, name), current, head.updated_at, *_CACHING)


async def _list(exchange: Exchange) -> Outcome:
    actor = await required_actor(exchange, "Listing one's own files")
    if isinstance(actor, Unauthenticated):
        return actor
    asked = _parse(exchange.query)
    if isinstance(asked, Malformed):
        return asked
    refused = not_acceptable(exchange)
    if refused is not None:
        return refused
    conditions = parse_conditions(exchange.headers)
    if isinstance(conditions, Malformed):
        return conditions
    queries = exchange.services.file_queries
    rows = await queries.own(actor.account_id, asked.after, asked.limit + 1)
    page = rows[: asked.limit]
    cursor = _cursor(page[-1]) if len(rows) > len(page) else None
    names = await _names(exchange, page)
    current = list_tag(SCHEMA_VERSION, f"{asked.limit} {asked.cursor} {cursor}", _digest(page))
    # A page's time would say nothing of the files that left it: only its tag counts.
    match evaluate(conditions, tag=current, modified=None, safe=True):
        case Verdict.NOT_MODIFIED:
            return NotModified(current, *_CACHING)
        case Verdict.FAILED:
            return StaleVersion(current, "/files")
        case Verdict.PROCEED:
            links = [asked.link("first", None)]
            if cursor is not None:
                links.append(asked.link("next", cursor))
            items = b",".join(map(body, page, names))
            following = b"null" if cursor is None else b'"%s"' % cursor.encode()
            shown = b'{"items":[%s],"nextCursor":%s}' % (items, following)
            return Found(shown, current, None, *_CACHING, tuple(links))


def _parse(query: bytes) -> Asked | Malformed:
    parameters = parse_query(query, frozenset({"cursor", "limit"}))
    if isinstance(parameters, Malformed):
        return parameters
    limit = parse_limit(parameters.get("limit"))
    if isinstance(limit, Malformed):
        return limit
    text = parameters.get("cursor")
    cursor = None if text is None else decode_cursor(text, of_list=_LIST)
    return cursor if isinstance(cursor, Malformed) else Asked(limit, cursor)


def _cursor(row: FileRow) -> str:
    return encode_cursor(Cursor.of(row.created_at, row.id), of_list=_LIST)


def _digest(page: Sequence[FileRow]) -> bytes:
    return blake2b(
        b"".join([row.id.bytes + row.version.to_bytes(4) for row in page]), digest_size=16
    ).digest()


async def _names(exchange: Exchange, rows: Sequence[FileRow]) -> Sequence[str | None]:
    sealed = [SealedName(row.owner_id, row.id, row.name_sealed) for row in rows]
    return await exchange.services.files.names.open(sealed)


async def _delete(exchange: Exchange, actor: Actor | Unauthenticated | None) -> Outcome:
    if actor is None or isinstance(actor, Unauthenticated):
        return actor or Unauthenticated("Deleting a file needs an access token.")
    file_id = id_in_path(exchange, "file_id")
    if isinstance(file_id, Malformed):
        return file_id
    conditions = parse_conditions(exchange.headers)
    asked = Deletion(
        check=lambda: refused_headers(exchange, None, conditions),
        conditions=NO_PRECONDITIONS if isinstance(conditions, Malformed) else conditions,
        read=lambda: read_nothing(exchange),
    )
    caller = exchange.caller(actor, "DeleteFile")
    outcome = await delete_file(exchange.services.files, caller, file_id, asked)
    if outcome == FILE_NOT_FOUND:
        head = await exchange.services.file_queries.head(file_id)
        if hidden(actor, head) is None:  # a post shows it: there is nothing to hide
            return FILE_NOT_YOURS
    return outcome
