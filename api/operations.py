"""Every operation of the API as the OpenAPI document describes it: one row for each handler.

To add one: its handler with a docstring (the summary, then the description), and its row here. What
follows from the handler or from the rest of the row is not repeated: the types of bodies (`takes`),
and the errors of access, bodies, conditions and path parameters; see `api/openapi_errors.py`.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta

from api import log_query, post_search
from api.account_operations import ACCOUNT_OPERATIONS
from api.download_operations import DOWNLOAD_OPERATIONS
from api.events import NDJSON_TYPE, SSE_TYPE
from api.export_operations import EXPORT_OPERATIONS
from api.file_operations import FILE_OPERATIONS
from api.link_operations import LINK_OPERATIONS
from api.negotiation import HTML_TYPE, JSON_TYPE
from api.openapi_schemas import (
    Alive,
    CreatePostForm,
    LogEntry,
    LogPage,
    PostPage,
    Ready,
    VersionPage,
)
from api.operation import (
    CURSOR,
    IDEMPOTENCY_KEY,
    IF_MATCH,
    IF_NONE_MATCH,
    LIMIT,
    MUST_MATCH,
    PREFER,
    READS,
    Access,
    Operation,
    Parameter,
    Returns,
)
from api.post_requests import CreatePost, PatchPost, PlaceLegalHold, RevertPost, SchedulePost
from api.problem_pages import ProblemType, ProblemTypes
from api.projections import ProjectionList
from api.rebuilds import RebuildAsked, RebuildBody
from api.status_pages import HttpStatus, HttpStatuses
from api.webhook_operations import WEBHOOK_OPERATIONS
from commands.outcomes import (
    Accepted,
    Changed,
    Created,
    Deleted,
    Done,
    Found,
    Moved,
    NotModified,
    SubmittedByForm,
)
from domain.post import Status
from projections.posts import PostBody
from projections.status import ProjectionStatus

_TIME = Annotated[datetime, Meta(tz=True)]
_AFTER = Parameter("after", Annotated[int, Meta(ge=0)], "Only what comes after this position.")
_LOG_LIMIT = Parameter(
    "limit",
    Annotated[int, Meta(ge=1)],
    f"How many entries: in a page {log_query.DEFAULT_LIMIT} where it is not said and "
    f"{log_query.MAX_LIMIT} at most, as {NDJSON_TYPE} without any limit.",
)
_LOG_FILTERS = (
    Parameter("type", str, "Only events of this name, such as `post.edited.v1`."),
    Parameter("actor", UUID, "Only what this account caused."),
    Parameter("since", _TIME, "Only what was recorded at this time or later (RFC 3339)."),
    Parameter("until", _TIME, "Only what was recorded before this time (RFC 3339)."),
)
_STREAMS = (
    Parameter("stream", str, "Only this stream: its category and id, such as `post/0190c6a8-...`."),
    Parameter("category", str, "Only the streams of this category, such as `post`."),
)

PATH_PARAMETERS: Mapping[str, Parameter] = {
    parameter.name: parameter
    for parameter in (
        Parameter("post_id", UUID, "The id of a post."),
        Parameter("user_id", UUID, "The id of an account."),
        Parameter("file_id", UUID, "The id of a file."),
        Parameter("width", int, "The width of a thumbnail in pixels: 320, 640 or 1280."),
        Parameter("redirect_id", UUID, "The id of a managed redirect."),
        Parameter("session_id", UUID, "The id of a session."),
        Parameter("slug", str, "The slug of a post, or one that it had."),
        Parameter("version", Annotated[int, Meta(ge=1)], "A version of the post."),
        Parameter("position", Annotated[int, Meta(ge=1)], "A position in the log."),
        Parameter("category", str, "A category of streams, such as `post`."),
        Parameter("stream_id", UUID, "The id of whatever the stream is about."),
        Parameter("error", str, "The code of an error."),
        Parameter("code", Annotated[int, Meta(ge=100, le=599)], "A status code."),
        Parameter("name", str, "The name of a projection."),
        Parameter("rebuild_id", UUID, "The id of a rebuild."),
        Parameter("webhook_id", UUID, "The id of a webhook."),
        Parameter("delivery_id", UUID, "The id of a delivery of a webhook."),
        Parameter("export_id", UUID, "The id of an export, which is that of its job."),
    )
}

_POST = {JSON_TYPE: PostBody}
_LOG = {JSON_TYPE: LogPage, NDJSON_TYPE: LogEntry}
_PAGE_FIELDS = ("ETag", "Vary", "Link")
_LOG_RETURNS = (
    # A page has a tag and links; everything at once has neither.
    Returns(Found, _LOG, ("Vary",), sometimes=("ETag", "Link", "X-Accel-Buffering")),
    Returns(NotModified),
)
_SHOWS_POST = (Returns(Found, _POST, ("ETag", "Last-Modified", "Vary")), Returns(NotModified))
_CHANGES = (
    "contended",
    "forbidden",
    "legal_hold",
    "not_acceptable",
    "post_not_found",
    "transition_not_allowed",
)
_ITS_AUTHOR = "its author, and admins"
_ITS_READERS = "its author, auditors and admins"
_AUDITORS = "auditors"


def _change(
    name: str,
    *errors: str,
    who: str = _ITS_AUTHOR,
    body: type | None = None,
    condition: Parameter = IF_MATCH,
) -> Operation:
    return Operation(
        id=name,
        group="posts",
        who=who,
        headers=(condition, PREFER),
        body=body,
        returns=(Returns(Changed, _POST),),
        errors=(*_CHANGES, *errors),
    )


def _in_either_form(name: str, shows: type, *errors: str) -> Operation:
    """Describe what programs read as JSON and people as a page (`api/html_pages.py`)."""
    return Operation(
        id=name,
        group="service",
        access=Access.NO_TOKEN,
        headers=(IF_NONE_MATCH,),
        returns=(
            Returns(Found, {JSON_TYPE: shows, HTML_TYPE: str}, ("ETag", "Vary")),
            Returns(NotModified),
        ),
        errors=(*READS, *errors),
    )


OPERATIONS: Mapping[str, Operation] = {
    "GET /posts": Operation(
        id="listPosts",
        group="posts",
        access=Access.OPTIONAL,
        query=(
            LIMIT,
            CURSOR,
            Parameter("status", Status, "One's own posts of this status; needs a token."),
            Parameter(
                "q",
                Annotated[str, Meta(min_length=1, max_length=post_search.LONGEST)],
                'Published posts with these words; takes `or`, "phrases" and -exclusions.',
            ),
        ),
        headers=(IF_NONE_MATCH,),
        returns=(Returns(Found, {JSON_TYPE: PostPage}, _PAGE_FIELDS), Returns(NotModified)),
        errors=(*READS, "bad_cursor", "unauthenticated"),
    ),
    "POST /posts": Operation(
        id="createPost",
        group="posts",
        who="authors",
        headers=(IDEMPOTENCY_KEY,),
        body=CreatePost,
        form=CreatePostForm,
        returns=(Returns(Created, _POST), Returns(SubmittedByForm)),
        errors=(
            "contended",
            "file_not_usable",
            "forbidden",
            "idempotency_key_in_flight",
            "idempotency_key_reused",
            "not_acceptable",
            "publish_at_in_past",
            "slug_already_exists",
            "title_blank",
        ),
    ),
    "GET /posts/{post_id}": Operation(
        id="readPost",
        group="posts",
        access=Access.OPTIONAL,
        query=(Parameter("asOf", _TIME, f"As it stood then (RFC 3339); for {_ITS_READERS}."),),
        headers=(IF_NONE_MATCH,),
        returns=_SHOWS_POST,
        errors=(
            *READS,
            "forbidden",
            "legal_hold",
            "post_not_found",
            "unauthenticated",
            "version_not_found",
        ),
    ),
    "GET /posts/slug/{slug}": Operation(
        id="readPostBySlug",
        group="posts",
        access=Access.OPTIONAL,
        headers=(IF_NONE_MATCH,),
        returns=(*_SHOWS_POST, Returns(Moved, sometimes=("Vary",))),
        errors=("legal_hold", "not_acceptable", "post_not_found"),
    ),
    "PATCH /posts/{post_id}": _change(
        "editPost",
        "file_not_usable",
        "member_required",
        "precondition_required",
        "publish_at_in_past",
        "slug_already_exists",
        "title_blank",
        body=PatchPost,
        condition=MUST_MATCH,
    ),
    "DELETE /posts/{post_id}": Operation(
        id="deletePost",
        group="posts",
        who=_ITS_AUTHOR,
        headers=(IF_MATCH,),
        returns=(Returns(Deleted),),
        errors=_CHANGES,
    ),
    "POST /posts/{post_id}/restore": _change("restorePost", "slug_already_exists"),
    "POST /posts/{post_id}/publish": _change("publishPost"),
    "POST /posts/{post_id}/unpublish": _change("unpublishPost"),
    "POST /posts/{post_id}/archive": _change("archivePost"),
    "POST /posts/{post_id}/schedule": _change(
        "schedulePost", "publish_at_in_past", body=SchedulePost
    ),
    "POST /posts/{post_id}/revert": _change("revertPost", "version_unknown", body=RevertPost),
    "POST /posts/{post_id}/legal-hold": _change(
        "placeLegalHold", who="admins", body=PlaceLegalHold
    ),
    "DELETE /posts/{post_id}/legal-hold": _change("liftLegalHold", who="admins"),
    "GET /posts/{post_id}/versions": Operation(
        id="listVersions",
        group="history",
        who=_ITS_READERS,
        query=(
            LIMIT,
            Parameter("after", Annotated[int, Meta(ge=0)], "Only what comes after this version."),
        ),
        headers=(IF_NONE_MATCH,),
        returns=(Returns(Found, {JSON_TYPE: VersionPage}, _PAGE_FIELDS), Returns(NotModified)),
        errors=(*READS, "forbidden", "legal_hold", "post_not_found"),
    ),
    "GET /posts/{post_id}/versions/{version}": Operation(
        id="readVersion",
        group="history",
        who=_ITS_READERS,
        headers=(IF_NONE_MATCH,),
        returns=_SHOWS_POST,
        errors=(*READS, "forbidden", "legal_hold", "post_not_found", "version_not_found"),
    ),
    "GET /events": Operation(
        id="readLog",
        group="log",
        who=_AUDITORS,
        query=(_AFTER, _LOG_LIMIT, *_STREAMS, *_LOG_FILTERS),
        headers=(IF_NONE_MATCH,),
        returns=_LOG_RETURNS,
        errors=(*READS, "forbidden"),
    ),
    "GET /events/live": Operation(
        id="followLog",
        group="log",
        who=_AUDITORS,
        query=(_AFTER, *_STREAMS, *_LOG_FILTERS),
        headers=(
            Parameter(
                "Last-Event-ID", Annotated[int, Meta(ge=0)], "The position of the last event seen."
            ),
        ),
        returns=(Returns(Found, {SSE_TYPE: str}, ("Vary", "X-Accel-Buffering")),),
        errors=(*READS, "forbidden", "malformed_header"),
    ),
    "GET /events/{position}": Operation(
        id="readEvent",
        group="log",
        who=_AUDITORS,
        headers=(IF_NONE_MATCH,),
        returns=(
            Returns(Found, {JSON_TYPE: LogEntry}, ("ETag", "Last-Modified", "Vary")),
            Returns(NotModified),
        ),
        errors=(*READS, "event_not_found", "forbidden"),
    ),
    "GET /streams/{category}/{stream_id}": Operation(
        id="readStream",
        group="log",
        who=_AUDITORS,
        query=(_AFTER, _LOG_LIMIT, *_LOG_FILTERS),
        headers=(IF_NONE_MATCH,),
        returns=_LOG_RETURNS,
        errors=(*READS, "forbidden", "stream_not_found"),
    ),
    **EXPORT_OPERATIONS,
    **LINK_OPERATIONS,
    **WEBHOOK_OPERATIONS,
    **FILE_OPERATIONS,
    **DOWNLOAD_OPERATIONS,
    "GET /projections": Operation(
        id="listProjections",
        group="operation",
        who="operators",
        returns=(Returns(Found, {JSON_TYPE: ProjectionList}, ("Vary",)),),
        errors=(*READS, "forbidden"),
    ),
    "GET /projections/{name}": Operation(
        id="readProjection",
        group="operation",
        who="operators",
        returns=(Returns(Found, {JSON_TYPE: ProjectionStatus}, ("Vary",)),),
        errors=(*READS, "forbidden", "projection_not_found"),
    ),
    "POST /projections/{name}/rebuild": Operation(
        id="rebuildProjection",
        group="operation",
        who="operators",
        returns=(Returns(Accepted, {JSON_TYPE: RebuildAsked}),),
        errors=(*READS, "forbidden", "projection_not_found", "rebuild_in_progress"),
    ),
    "GET /projections/{name}/rebuilds/{rebuild_id}": Operation(
        id="readRebuild",
        group="operation",
        who="operators",
        returns=(Returns(Found, {JSON_TYPE: RebuildBody}, ("Vary",), sometimes=("Retry-After",)),),
        errors=(*READS, "forbidden", "rebuild_not_found"),
    ),
    "DELETE /projections/{name}/rebuilds/{rebuild_id}": Operation(
        id="cancelRebuild",
        group="operation",
        who="operators",
        returns=(Returns(Done),),
        errors=(
            *(*READS, "condition_failed", "forbidden", "malformed_header"),
            *("rebuild_not_found", "rebuild_over"),
        ),
    ),
    "GET /problems": _in_either_form("listProblems", ProblemTypes),
    "GET /problems/{error}": _in_either_form("readProblem", ProblemType, "problem_not_found"),
    "GET /http-statuses": _in_either_form("listHttpStatuses", HttpStatuses),
    "GET /http-statuses/{code}": _in_either_form("readHttpStatus", HttpStatus, "status_not_found"),
    "GET /openapi.json": Operation(
        id="readOpenApi",
        group="service",
        access=Access.NO_TOKEN,
        headers=(IF_NONE_MATCH,),
        returns=(
            Returns(Found, {JSON_TYPE: dict[str, Any]}, ("ETag",)),
            Returns(NotModified, without=("Vary",)),
        ),
        errors=READS,
    ),
    "GET /livez": Operation(
        id="isAlive",
        group="service",
        access=Access.NO_TOKEN,
        returns=(Returns(Found, {JSON_TYPE: Alive}),),
    ),
    "GET /readyz": Operation(
        id="isReady",
        group="service",
        access=Access.NO_TOKEN,
        returns=(Returns(Found, {JSON_TYPE: Ready}),),
    ),
    "GET /metrics": Operation(
        id="readMetrics",
        group="service",
        access=Access.NO_TOKEN,
        returns=(Returns(Found, {"text/plain": str}),),
    ),
    **ACCOUNT_OPERATIONS,
}
