"""The operations that download bytes, as the OpenAPI document describes them."""

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta

from api.file_answer import ShownBlob
from api.operation import IF_MATCH, IF_NONE_MATCH, Access, Operation, Parameter, Returns
from commands.outcomes import NotModified
from commands.ranges import MOST_RANGES
from domain.file_type import FileType

MULTIPART = "multipart/byteranges"

RANGE = Parameter(
    "Range",
    Annotated[str, Meta(examples=["bytes=0-65535"])],
    f"Only these bytes: one range, or up to {MOST_RANGES} that do not overlap.",
)
IF_RANGE = Parameter(
    "If-Range",
    Annotated[str, Meta(examples=['"0f1e2d"'])],
    "Heed Range only if this is still the ETag or the Last-Modified, else send all.",
)
WANT_DIGEST = Parameter(
    "Want-Content-Digest",
    Annotated[str, Meta(examples=["sha-256=1"])],
    "Send a Content-Digest of the very bytes of this answer (RFC 9530).",
)
OF_BYTES = (RANGE, IF_RANGE, IF_NONE_MATCH, IF_MATCH, WANT_DIGEST)
"""The header fields that every download understands."""

ERRORS_OF_BYTES = ("not_acceptable", "range_not_satisfiable")


def bytes_of(types: tuple[str, ...]) -> tuple[Returns, ...]:
    """Describe what a download of these media types returns."""
    bodies: Mapping[str, Any] = dict.fromkeys((*types, MULTIPART), Any)
    return (Returns(ShownBlob, bodies), Returns(NotModified))


def _download(name: str, types: tuple[str, ...]) -> Operation:
    return Operation(
        id=name,
        group="files",
        access=Access.OPTIONAL,
        headers=OF_BYTES,
        returns=bytes_of(types),
        errors=(*ERRORS_OF_BYTES, "file_not_found", "legal_hold"),
    )


DOWNLOAD_OPERATIONS: Mapping[str, Operation] = {
    "GET /files/{file_id}": _download("downloadFile", tuple(kind.value for kind in FileType)),
    "GET /videos/{file_id}": _download(
        "playVideo", tuple(kind.value for kind in FileType if kind.is_video)
    ),
    "GET /files/{file_id}/thumbnails/{width}": _download(
        "downloadThumbnail", (FileType.WEBP.value,)
    ),
}
