"""Answers that the server gives by itself: problem details (RFC 9457) as whole responses.

Only rendering lives here. The project's catalogue of problems replaces the default body.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import NamedTuple, TypeAlias

import msgspec
from uuid_utils.compat import uuid7

ProblemBody: TypeAlias = Callable[[int, str, str, str, str], bytes]
"""(status, error, detail, instance, request id) to the bytes of an `application/problem+json`."""


class Fault(NamedTuple):
    """Why a request is refused: `error` is the stable code, `detail` names what is wrong."""

    status: int
    error: str
    detail: str
    headers: tuple[tuple[bytes, bytes], ...] = ()


def malformed(detail: str) -> Fault:
    """Refuse what is not well formed (RFC 9112)."""
    return Fault(400, "malformed_request", detail)


INTERNAL_ERROR = Fault(500, "internal_error", "The server failed to answer this request.")
SHUTTING_DOWN = Fault(
    503,
    "draining",
    "The server is stopping and did not finish this request.",
    ((b"retry-after", b"1"),),
)
TOO_MANY_CONNECTIONS = Fault(
    503,
    "too_many_connections",
    "The server holds as many connections as it may.",
    ((b"retry-after", b"1"),),
)
HEADER_TIMEOUT = Fault(408, "request_timeout", "The header of the request did not arrive in time.")
BODY_TIMEOUT = Fault(408, "request_timeout", "The body of the request stalled or came too slowly.")

# Python 3.11 still has the names from before RFC 9110.
_RENAMED = {
    413: b"Content Too Large",
    414: b"URI Too Long",
    416: b"Range Not Satisfiable",
    422: b"Unprocessable Content",
}
PHRASES = {int(status): status.phrase.encode("ascii") for status in HTTPStatus} | _RENAMED


def default_problem_body(
    status: int, error: str, detail: str, instance: str, request_id: str
) -> bytes:
    """Make the body where no catalogue is at hand; `type` is this server's page of the problem."""
    return msgspec.json.encode(
        {
            "type": f"/problems/{error}",
            "title": PHRASES[status].decode(),
            "status": status,
            "detail": detail,
            "instance": instance,
            "error": error,
            "requestId": request_id,
        }
    )


def new_request_id() -> str:
    """Name a request that never reached the application."""
    return str(uuid7())


def problem_response(
    fault: Fault,
    *,
    body_of: ProblemBody,
    request_id: str,
    path: str | None,
    date: bytes,
    without_body: bool,
) -> bytes:
    """Render head and body of the answer after which the connection closes.

    `path` is that of the request where it was understood; otherwise the instance is the request
    id as a URN. `without_body` is for HEAD.
    """
    instance = path if path is not None else f"urn:uuid:{request_id}"
    body = body_of(fault.status, fault.error, fault.detail, instance, request_id)
    head = [
        b"HTTP/1.1 %d %b\r\n" % (fault.status, PHRASES[fault.status]),
        date,
        b"content-type: application/problem+json\r\n",
        b"content-length: %d\r\n" % len(body),
        b"cache-control: no-store\r\n",
        b"x-request-id: %b\r\n" % request_id.encode("ascii"),
        b"x-content-type-options: nosniff\r\n",
        b"content-security-policy: default-src 'none'\r\n",
        b"referrer-policy: no-referrer\r\n",
        *(b"%b: %b\r\n" % field for field in fault.headers),
        b"connection: close\r\n\r\n",
    ]
    if not without_body:
        head.append(body)
    return b"".join(head)
