"""The operations on files as the OpenAPI document describes them, but for those that give bytes.

Those are in `download_operations.py`.
"""

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta, Struct

from api.negotiation import JSON_TYPE
from api.operation import (
    CURSOR,
    IDEMPOTENCY_KEY,
    IF_MATCH,
    IF_NONE_MATCH,
    LIMIT,
    READS,
    Access,
    Operation,
    Returns,
)
from commands.outcomes import Created, Deleted, Found, NotModified
from projections.files import FileBody

_FILE = {JSON_TYPE: FileBody}


class UploadForm(Struct, frozen=True):
    """A form with one file. Other members, of which there may be five, are ignored."""

    # `format` is OpenAPI 3.0's word for it, which generators still go by.
    file: Annotated[
        str,
        Meta(
            extra_json_schema={
                "contentMediaType": "application/octet-stream",
                "format": "binary",
            }
        ),
    ]


class FilePage(Struct, frozen=True, rename="camel"):
    """A page of a list of files."""

    items: list[FileBody]
    next_cursor: str | None


FILE_OPERATIONS: Mapping[str, Operation] = {
    "POST /upload": Operation(
        id="uploadFile",
        group="files",
        who="authors",
        headers=(IDEMPOTENCY_KEY,),
        body=UploadForm,
        returns=(Returns(Created, _FILE, ("Repr-Digest",)),),
        errors=(
            "contended",
            "file_too_large",
            "forbidden",
            "idempotency_key_in_flight",
            "idempotency_key_reused",
            "image_too_large",
            "image_unreadable",
            "mime_mismatch",
            "mime_not_allowed",
            "no_file",
            "not_acceptable",
            "quota_exceeded",
            "storage_full",
            "too_many_files",
        ),
    ),
    "GET /files": Operation(
        id="listFiles",
        group="files",
        who="oneself",
        query=(
            LIMIT,
            CURSOR,
        ),
        headers=(IF_NONE_MATCH,),
        returns=(
            Returns(Found, {JSON_TYPE: FilePage}, ("ETag", "Vary", "Link")),
            Returns(NotModified),
        ),
        errors=(*READS, "bad_cursor"),
    ),
    "GET /files/{file_id}/metadata": Operation(
        id="readFileMetadata",
        group="files",
        access=Access.OPTIONAL,
        headers=(IF_NONE_MATCH,),
        returns=(Returns(Found, _FILE, ("ETag", "Last-Modified", "Vary")), Returns(NotModified)),
        errors=(*READS, "file_not_found", "legal_hold"),
    ),
    "DELETE /files/{file_id}": Operation(
        id="deleteFile",
        group="files",
        who="its owner, and admins",
        headers=(IF_MATCH,),
        returns=(Returns(Deleted),),
        errors=("contended", "file_in_use", "file_not_found", "forbidden", "not_acceptable"),
    ),
}
