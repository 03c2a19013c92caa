"""What the table of outcomes sends, in OpenAPI's words: statuses and header fields.

`api/responses.py` does it and this file says it; a test answers with each outcome and compares. A
new outcome gets its row here, a new field of an error its row in `FIELDS_OF_ERRORS`; what the
fields say stands in `api/openapi_headers.py`.
"""

from collections.abc import Mapping
from typing import NamedTuple

from api.file_answer import ShownBlob
from commands.outcomes import (
    Accepted,
    Changed,
    Created,
    Deleted,
    Done,
    Found,
    LinkFollowed,
    MailFollows,
    Moved,
    NotModified,
    ResultReady,
    SubmittedByForm,
    TokensIssued,
)


class Row(NamedTuple):
    """An answer to an outcome that is not an error."""

    status: int
    description: str
    fields: tuple[str, ...]
    """The header fields that it always has, but for those of every answer."""
    has_body: bool = False
    sometimes: tuple[str, ...] = ()
    """Those that it has now and then."""


_OF_BYTES = (
    "Accept-Ranges",
    "Cache-Control",
    "Content-Disposition",
    "ETag",
    "Last-Modified",
    "Repr-Digest",
    "Vary",
)

OUTCOMES: Mapping[type, tuple[Row, ...]] = {
    Found: (Row(200, "What was asked for.", ("Cache-Control",), has_body=True),),
    Created: (
        Row(
            201,
            "It exists now.",
            ("Location", "ETag", "Last-Modified", "Cache-Control"),
            has_body=True,
        ),
    ),
    Changed: (
        Row(
            200,
            "It is as asked now, or was before: then the ETag stays.",
            ("ETag", "Last-Modified", "Cache-Control"),
            has_body=True,
        ),
        Row(204, "The same, for `Prefer: return=minimal`.", ("ETag", "Preference-Applied")),
    ),
    Deleted: (Row(204, "It is deleted.", ()),),
    Done: (Row(204, "It is as asked.", ()),),
    MailFollows: (
        Row(
            202,
            "Whoever has the address gets a message; nobody else is told whether anybody does.",
            ("Cache-Control",),
            has_body=True,
        ),
    ),
    Accepted: (
        Row(
            202,
            "It will be done; Location leads to how it stands.",
            ("Location", "Cache-Control"),
            has_body=True,
        ),
    ),
    ResultReady: (
        Row(303, "It is done; Location leads to what was made.", ("Location", "Cache-Control")),
    ),
    TokensIssued: (Row(200, "Tokens.", ("Cache-Control",), has_body=True),),
    SubmittedByForm: (Row(303, "It exists now; for forms.", ("Location", "Cache-Control")),),
    Moved: (Row(301, "It has another address for good.", ("Location", "Cache-Control")),),
    LinkFollowed: (Row(302, "The link leads to Location.", ("Location", "Cache-Control")),),
    ShownBlob: (
        Row(200, "All of its bytes.", _OF_BYTES, has_body=True, sometimes=("Content-Digest",)),
        Row(
            206,
            "The bytes of a range; of several ranges as `multipart/byteranges`, where each part "
            "has its own Content-Range.",
            _OF_BYTES,
            has_body=True,
            sometimes=("Content-Digest", "Content-Range"),
        ),
    ),
    NotModified: (Row(304, "The client's copy is current.", ("ETag", "Cache-Control", "Vary")),),
}
"""The outcomes that are not errors and that some operation has, each with its answers."""

FIELDS_OF_ERRORS: Mapping[str, tuple[str, ...]] = {
    "unauthenticated": ("WWW-Authenticate",),
    "invalid_token": ("WWW-Authenticate",),
    "invalid_credentials": ("WWW-Authenticate",),
    "invalid_refresh_token": ("WWW-Authenticate",),
    "second_factor_required": ("WWW-Authenticate",),
    "invalid_code": ("WWW-Authenticate",),
    "too_many_attempts": ("Retry-After",),
    "rate_limiter_unavailable": ("Retry-After",),
    "method_not_allowed": ("Allow",),
    "stale_version": ("ETag", "Link"),
    "unsupported_media_type": ("Accept-Post", "Accept-Patch"),
    "unsupported_coding": ("Accept-Encoding",),
    "legal_hold": ("Link",),
    "range_not_satisfiable": ("Content-Range",),
    "idempotency_key_in_flight": ("Retry-After",),
    "contended": ("Retry-After",),
    "draining": ("Retry-After",),
    "overloaded": ("Retry-After",),
    "service_degraded": ("Retry-After",),
    "maintenance": ("Retry-After",),
    "too_many_at_once": ("Retry-After",),
    "too_many_connections": ("Retry-After",),
}
"""The header fields of errors, beyond Content-Type and Cache-Control."""

ALTERNATIVES = frozenset({"Accept-Post", "Accept-Patch"})
"""Of these fields an answer has the one that fits the method of its request."""

LIMITS = ("RateLimit", "RateLimit-Policy")
"""Of the answers to what may be tried only so often, once it is counted and where it can be."""
LIMITED_ERRORS = frozenset(
    {
        "account_disabled",
        "email_token_unknown",
        "invalid_code",
        "invalid_credentials",
        "contended",
        "email_already_exists",
        "invalid_refresh_token",
        "overloaded",
        "password_length",
        "password_too_weak",
        "second_factor_absent",
        "second_factor_enforced",
        "second_factor_present",
        "second_factor_required",
        "too_many_attempts",
        "wrong_code",
        "wrong_password",
    }
)
"""The errors that such a try can end with once it is counted."""
