"""The request that downloads a thumbnail: a smaller picture of an image, made after its upload."""

from typing import Any

from litestar import Request, get
from litestar.types import ASGIApp

from api.content_disposition import content_disposition
from api.downloads import PRIVATE_COPY, PUBLIC_COPY, find_file
from api.exchange import Exchange
from api.file_answer import ShownBlob, blob_answer
from api.responses import respond
from api.route_table import direct
from commands.files import FILE_NOT_FOUND
from domain.file import Thumbnail
from domain.file_type import FileType
from projections.file_queries import FileHead
from projections.files import content_tag, thumbnails_in

Incoming = Request[Any, Any, Any]


async def thumbnail_by_width(exchange: Exchange) -> ASGIApp:
    """Answer with the bytes of a thumbnail, to whoever may see the image."""
    found = await find_file(exchange)
    if not isinstance(found, tuple):
        return respond(found, exchange)
    _, head = found
    width = exchange.parameter("width")
    for thumbnail in thumbnails_in(head):
        if str(thumbnail.width) == width:
            return blob_answer(exchange, _shown(head, thumbnail))
    return respond(FILE_NOT_FOUND, exchange)


@get("/files/{file_id:str}/thumbnails/{width:str}", opt=direct(thumbnail_by_width))
async def thumbnail(request: Incoming) -> ASGIApp:
    """Download a thumbnail of an image, 320, 640 or 1280 pixels wide, as WebP.

    None is wider than its image. They are there some seconds after the upload; the metadata tell.
    """
    return await thumbnail_by_width(Exchange.of(request.scope))


HANDLERS = (thumbnail,)


def _shown(head: FileHead, thumbnail: Thumbnail) -> ShownBlob:
    return ShownBlob(
        digest=thumbnail.digest,
        tag=content_tag(thumbnail.digest),
        size=thumbnail.size,
        mime=FileType.WEBP,
        modified=head.updated_at,
        disposition=content_disposition(
            None,
            otherwise=f"{head.id}-{thumbnail.width}",
            extension=FileType.WEBP.extension,
            inline=True,
        ),
        cache_control=PUBLIC_COPY if head.shown else PRIVATE_COPY,
        vary="Accept" if head.shown else "Accept, Authorization",
        history=f"/streams/file/{head.id}",
    )
