"""The requests about files as things: their metadata, the list of one's own, deleting one.

`uploads.py` takes their bytes and `downloads.py` gives them.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from litestar import Request, delete, get

from api.answer import Answer
from api.conditional import parse_conditions, shown
from api.exchange import Exchange
from api.file_visibility import hidden
from api.likely import as_likely
from api.pages import page_answer, parse_page
from api.requests import (
    id_in_path,
    no_query,
    not_acceptable,
    read_nothing,
    refused_headers,
    required_actor,
)
from api.responses import PRIVATE, VARY, respond
from commands.files import (
    FILE_NOT_FOUND,
    FILE_NOT_YOURS,
    Deletion,
    SealedName,
    delete_file,
)
from commands.outcomes import Malformed, Outcome, Unauthenticated
from commands.preconditions import NO_PRECONDITIONS
from domain import file_access
from domain.stream import Actor
from projections.file_queries import FileHead, FilePlace
from projections.files import SCHEMA_VERSION, FileRow, body, metadata_tag

Incoming = Request[Any, Any, Any]

_NEVER = datetime(9999, 12, 31, tzinfo=UTC)
_NEWEST = FilePlace(_NEVER, UUID(int=2**128 - 1))


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
    name = None
    if file_access.may_always_see(actor, owner_id=head.owner_id):
        (name,) = await _names(exchange, [head])
    return shown(
        exchange,
        body(head, name),
        tag=metadata_tag(head.version, named=name is not None),
        modified=head.updated_at,
        caching=(PRIVATE, VARY),
        history=f"/streams/file/{head.id}",
    )


async def _list(exchange: Exchange) -> Outcome:
    actor = await required_actor(exchange, "Listing one's own files")
    if isinstance(actor, Unauthenticated):
        return actor
    asked = parse_page(exchange, "/files")
    if isinstance(asked, Malformed):
        return asked
    refused = not_acceptable(exchange)
    if refused is not None:
        return refused
    place = _NEWEST if asked.before is None else FilePlace(*asked.before)
    rows = await exchange.services.file_queries.own(actor.account_id, place, asked.limit + 1)
    page, following = asked.split(rows, lambda row: (row.created_at, row.id))
    items = b",".join(map(body, page, await _names(exchange, page)))
    return page_answer(exchange, asked, items, following, schema=SCHEMA_VERSION)


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
