"""Specifies the comparison with the OpenAPI document: an answer that is altered is found out."""

from collections.abc import Mapping
from typing import Any

import httpx
import msgspec
import pytest

from api.problems import problem_bytes
from tests.support.openapi import check_described
from tests.support.openapi_check import UndescribedError

ID = "01920000-0000-7000-8000-000000000000"
AT = "2026-03-01T09:00:00Z"
POST: Mapping[str, object] = {
    "id": ID,
    "slug": "a",
    "title": "A",
    "content": "a",
    "category": "tech",
    "status": "draft",
    "publishAt": None,
    "publishedAt": None,
    "coverImage": None,
    "attachments": [],
    "authorId": ID,
    "createdAt": AT,
    "updatedAt": AT,
    "version": 1,
}
FIELDS: Mapping[str, str] = {
    "content-type": "application/json",
    "cache-control": "private, no-cache",
    "etag": '"1.1"',
    "last-modified": "Sun, 01 Mar 2026 09:00:00 GMT",
    "x-request-id": ID,
}
TOKEN = {"Authorization": "Bearer x"}
PATCH = {**TOKEN, "If-Match": '"1.1"', "Content-Type": "application/merge-patch+json"}
ABSENT = "absent"


def altered(members: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Change members, or take away those that become absent."""
    return {name: value for name, value in {**members, **changes}.items() if value != ABSENT}


def exchange(
    *,
    method: str = "PATCH",
    path: str = f"/posts/{ID}",
    sent: Mapping[str, str] = PATCH,
    sent_body: bytes = b'{"title":"A"}',
    status: int = 200,
    fields: Mapping[str, str] = FIELDS,
    body: bytes | None = None,
) -> httpx.Response:
    """Make an answer to a request; as it stands, that of an edit."""
    content = msgspec.json.encode(POST) if body is None else body
    request = httpx.Request(method, f"http://api.example{path}", headers=sent, content=sent_body)
    return httpx.Response(status, headers=fields, content=content, request=request)


def refusal(
    status: int, error: str, method: str = "PATCH", path: str = f"/posts/{ID}", **fields: str
) -> httpx.Response:
    """Answer with a problem."""
    members = {"content-type": "application/problem+json", "cache-control": "no-store"}
    body = problem_bytes(error, instance="/x", request_id=ID, base_url="http://api.example")
    shown = {name.replace("_", "-"): value for name, value in fields.items()}
    return exchange(
        method=method,
        path=path,
        status=status,
        fields={**members, "x-request-id": ID, **shown},
        body=body,
    )


def test_what_is_described_passes() -> None:
    """The answers that the altered ones below are made of, and others that have no body."""
    asked: dict[str, Any] = {"sent_body": b"", "sent": TOKEN}
    not_modified = {name: FIELDS[name] for name in ("cache-control", "etag", "x-request-id")}
    not_modified["vary"] = "Accept"

    check_described(exchange())
    check_described(refusal(412, "stale_version", etag='"1.2"', link='</x>; rel="version-history"'))
    check_described(refusal(404, "route_not_found", path="/nothing"))
    check_described(refusal(405, "method_not_allowed", "PUT", "/posts", allow="GET, POST"))
    check_described(exchange(method="GET", status=304, fields=not_modified, body=b"", **asked))


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"title": ABSENT}, "title"),
        ({"surprise": 1}, "surprise"),
        ({"version": "1"}, "version"),
        ({"id": "1"}, "id"),
        ({"createdAt": "yesterday"}, "createdAt"),
        ({"status": "lost"}, "status"),
        ({"attachments": [1]}, "attachments"),
    ],
)
def test_bodies(changes: Mapping[str, Any], named: str) -> None:
    """A member that is missing, not described, or of another type, format or choice."""
    answer = exchange(body=msgspec.json.encode(altered(POST, changes)))

    with pytest.raises(UndescribedError, match=named):
        check_described(answer)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"etag": ABSENT}, "ETag"),
        ({"etag": "1.1"}, "ETag"),
        ({"last-modified": "2026-03-01"}, "Last-Modified"),
        ({"x-request-id": "1"}, "X-Request-Id"),
        ({"retry-after": "1"}, "retry-after"),
        ({"content-type": "text/html"}, "text/html"),
        ({"content-type": ABSENT}, "not described"),
    ],
)
def test_header_fields(changes: Mapping[str, str], named: str) -> None:
    """A field that is missing, malformed or not described, and another media type."""
    answer = exchange(fields=altered(FIELDS, changes))

    with pytest.raises(UndescribedError, match=named):
        check_described(answer)


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        (exchange(status=299), "the status is not described"),
        (exchange(status=204, fields={**FIELDS, "preference-applied": "x"}), "not described"),
        (exchange(path="/nothing"), "no such operation"),
        (exchange(method="PUT"), "no such operation"),
        (exchange(method="OPTIONS", status=200), "204"),
        (refusal(412, "post_not_found", etag='"1.2"', link='</x>; rel="a"'), "error"),
        (refusal(404, "route_not_found"), "error"),
        (refusal(503, "draining"), "Retry-After"),
        (refusal(402, "post_not_found", path="/nothing"), "error"),
        (exchange(body=b"{"), "truncated"),
    ],
)
def test_answers_of_another_operation(answer: httpx.Response, named: str) -> None:
    """A status, an error or a body that this operation does not have, and no operation at all."""
    with pytest.raises(UndescribedError, match=named):
        check_described(answer)


@pytest.mark.parametrize(
    ("request_", "named"),
    [
        ({"sent": altered(PATCH, {"Authorization": ABSENT})}, "token"),
        ({"sent": altered(PATCH, {"If-Match": ABSENT})}, "If-Match"),
        ({"sent": altered(PATCH, {"Content-Type": "text/plain"})}, "text/plain"),
        ({"sent_body": b'{"title":1}'}, "title"),
        ({"sent_body": b'{"heading":"A"}'}, "heading"),
        ({"sent_body": b""}, "without the body"),
        ({"path": f"/posts/{ID}?debug=1"}, "debug"),
        ({"path": "/posts/1"}, "post_id"),
        ({"path": f"/posts/{ID}/publish", "method": "POST"}, "a body that is not described"),
    ],
)
def test_requests_that_were_served(request_: Mapping[str, Any], named: str) -> None:
    """What was not refused lacks something, or has what the document does not allow."""
    with pytest.raises(UndescribedError, match=named):
        check_described(exchange(**request_))


def test_a_request_that_was_refused_may_be_anything() -> None:
    """Bad input is what tests of refusals send."""
    check_described(refusal(400, "bad_id", path="/posts/1?debug=1"))
