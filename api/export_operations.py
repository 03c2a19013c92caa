"""The operations on exports as the OpenAPI document describes them."""

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta

from api.download_operations import ERRORS_OF_BYTES, OF_BYTES, bytes_of
from api.events import SSE_TYPE
from api.export_download import ZIP_TYPE
from api.exports import ExportAsked, ExportBody, ExportPage
from api.negotiation import JSON_TYPE
from api.operation import (
    CURSOR,
    IDEMPOTENCY_KEY,
    IF_NONE_MATCH,
    LIMIT,
    READS,
    Access,
    Operation,
    Parameter,
    Returns,
)
from commands.outcomes import Accepted, Done, Found, NotModified, ResultReady

_WAIT = Parameter(
    "Prefer", str, "`wait=N`: wait up to N seconds, 20 at most, for the end; `respond-async`."
)
_OWN = "its owner"

EXPORT_OPERATIONS: Mapping[str, Operation] = {
    "POST /exports": Operation(
        id="requestExport",
        group="exports",
        headers=(IDEMPOTENCY_KEY, _WAIT),
        returns=(
            Returns(Accepted, {JSON_TYPE: ExportAsked}, sometimes=("Preference-Applied",)),
            Returns(ResultReady),
        ),
        errors=(
            *READS,
            "contended",
            "idempotency_key_in_flight",
            "idempotency_key_reused",
            "malformed_header",
        ),
    ),
    "GET /exports": Operation(
        id="listExports",
        group="exports",
        query=(
            LIMIT,
            CURSOR,
        ),
        headers=(IF_NONE_MATCH,),
        returns=(
            Returns(Found, {JSON_TYPE: ExportPage}, ("ETag", "Link", "Vary")),
            Returns(NotModified),
        ),
        errors=(*READS, "bad_cursor"),
    ),
    "GET /exports/{export_id}": Operation(
        id="readExport",
        group="exports",
        who=_OWN,
        headers=(_WAIT,),
        returns=(
            Returns(Found, {JSON_TYPE: ExportBody}, ("Vary",), sometimes=("Retry-After",)),
            Returns(ResultReady),
        ),
        errors=(*READS, "job_cancelled", "job_expired", "job_failed", "job_not_found"),
    ),
    "DELETE /exports/{export_id}": Operation(
        id="removeExport",
        group="exports",
        who=_OWN,
        returns=(Returns(Done),),
        errors=(*READS, "contended", "job_not_found"),
    ),
    "GET /exports/{export_id}/download": Operation(
        id="downloadExport",
        group="exports",
        access=Access.NO_TOKEN,
        who="whoever has the link that reading the export leads to",
        query=(
            Parameter("expires", Annotated[int, Meta(ge=0)], "When the link ends.", required=True),
            Parameter("signature", str, "What makes it good.", required=True),
        ),
        headers=OF_BYTES,
        returns=bytes_of((ZIP_TYPE,)),
        errors=(
            *ERRORS_OF_BYTES,
            "bad_parameter",
            "download_link_invalid",
            "job_cancelled",
            "job_expired",
            "job_not_found",
        ),
    ),
    "GET /exports/{export_id}/events": Operation(
        id="followExport",
        group="exports",
        who=_OWN,
        headers=(Parameter("Last-Event-ID", Annotated[int, Meta(ge=0)], "The last event seen."),),
        returns=(
            Returns(Found, {SSE_TYPE: str}, ("Vary", "X-Accel-Buffering")),
            Returns(Done),
        ),
        errors=(*READS, "job_not_found", "malformed_header"),
    ),
}
