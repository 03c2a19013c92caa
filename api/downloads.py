"""The requests that download files, whole or in ranges; `file_answer.py` sends the bytes."""

from typing import Any

from litestar import Request, get
from litestar.types import ASGIApp

from api.content_disposition import content_disposition
from api.exchange import Exchange
from api.file_answer import ShownBlob, blob_answer
from api.file_visibility import hidden
from api.requests import id_in_path
from api.responses import respond
from api.route_table import direct
from commands.files import FILE_NOT_FOUND, SealedName
from commands.outcomes import Malformed, Outcome, Unauthenticated
from domain import file_access
from domain.file_type import FileType
from domain.stream import Actor
from projections.file_queries import FileHead
from projections.files import content_tag

PUBLIC_COPY = "public, max-age=3600, immutable"
"""The bytes never change, who may see them does: a hold or an erasure is everywhere in an hour."""
PRIVATE_COPY = "private, max-age=31536000, immutable"

Incoming = Request[Any, Any, Any]


async def file_by_id(exchange: Exchange) -> ASGIApp:
    """Answer with the bytes of a file."""
    found = await find_file(exchange)
    if isinstance(found, tuple):
        return blob_answer(exchange, await _shown(exchange, *found))
    return respond(found, exchange)


async def video_by_id(exchange: Exchange) -> ASGIApp:
    """Answer with the bytes of a file that is a video."""
    found = await find_file(exchange)
    if isinstance(found, tuple) and not FileType(found[1].mime).is_video:
        found = FILE_NOT_FOUND
    if isinstance(found, tuple):
        return blob_answer(exchange, await _shown(exchange, *found))
    return respond(found, exchange)


@get("/files/{file_id:str}", opt=direct(file_by_id))
async def download(request: Incoming) -> ASGIApp:
    """Download a file, or ranges of it.

    It is shown to everybody where a published post shows it, and always to its owner. Query
    parameters have no meaning here and are ignored.
    """
    return await file_by_id(Exchange.of(request.scope))


@get("/videos/{file_id:str}", opt=direct(video_by_id))
async def play(request: Incoming) -> ASGIApp:
    """Play a file that is a video; a player seeks by ranges."""
    return await video_by_id(Exchange.of(request.scope))


HANDLERS = (download, play)


async def find_file(exchange: Exchange) -> Outcome | tuple[Actor | None, FileHead]:
    """Find the file of the path and who asks, if they may see it; else say what to answer."""
    actor = await exchange.actor()
    if isinstance(actor, Unauthenticated):
        return actor
    file_id = id_in_path(exchange, "file_id")
    if isinstance(file_id, Malformed):
        return file_id
    head = await exchange.services.file_queries.head(file_id)
    refused = hidden(actor, head)
    if refused is not None or head is None:
        return refused or FILE_NOT_FOUND
    return actor, head


async def _shown(exchange: Exchange, actor: Actor | None, head: FileHead) -> ShownBlob:
    """Say of a file what the header fields of its bytes say."""
    assert head.digest is not None  # noqa: S101 - only a deleted file has none
    kind = FileType(head.mime)
    name = None
    if head.name_sealed is not None and file_access.may_always_see(actor, owner_id=head.owner_id):
        sealed = SealedName(head.owner_id, head.id, head.name_sealed)
        (name,) = await exchange.services.files.names.open([sealed])
    public = head.shown and name is None  # names are personal: no shared cache keeps one
    return ShownBlob(
        digest=head.digest,
        tag=content_tag(head.digest),
        size=head.size,
        mime=head.mime,
        modified=head.created_at,
        disposition=content_disposition(
            name, otherwise=str(head.id), extension=kind.extension, inline=kind.inline
        ),
        cache_control=PUBLIC_COPY if public else PRIVATE_COPY,
        vary="Accept" if public else "Accept, Authorization",
        history=f"/streams/file/{head.id}",
    )
