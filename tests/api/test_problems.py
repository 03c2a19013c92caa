"""Specifies the body of every error."""

import msgspec

from api.problem_catalogue import CATALOGUE
from api.problems import problem_bytes


def written(error: str, **extra: object) -> bytes:
    """Write a problem as one request would get it."""
    return problem_bytes(
        error,
        instance="/posts/1",
        request_id="r-1",
        base_url="https://example.com",
        **extra,  # type: ignore[arg-type]  # any of the optional arguments
    )


def test_members_come_in_one_order() -> None:
    """RFC 9457's members, the stable code and the request's id, then what the error adds."""
    body = problem_bytes(
        "body_too_large",
        detail="At most 1048576 bytes.",
        instance="/posts",
        request_id="r-1",
        base_url="https://example.com",
        maxBytes=1_048_576,
    )

    assert body == (
        b'{"type":"https://example.com/problems/body_too_large",'
        b'"title":"The body is too large","status":413,"detail":"At most 1048576 bytes.",'
        b'"instance":"/posts","error":"body_too_large","requestId":"r-1","maxBytes":1048576}'
    )


def test_without_a_detail_the_catalogue_speaks() -> None:
    """Two such bodies differ in `instance` and `requestId` alone."""
    problem = msgspec.json.decode(written("post_not_found"))

    assert problem["detail"] == CATALOGUE["post_not_found"].meaning
    assert list(problem) == [
        "type",
        "title",
        "status",
        "detail",
        "instance",
        "error",
        "requestId",
    ]


def test_members_that_are_none_are_left_out() -> None:
    """A problem says nothing about what it does not know."""
    body = written("invalid_body", member=None, available=("application/json",))
    problem = msgspec.json.decode(body)

    assert "member" not in problem
    assert problem["available"] == ["application/json"]
