"""Which errors an operation can answer with, and how the OpenAPI document shows them.

Responses with the same errors are one component. What every address can answer, whatever stands
there, is described once, as each operation's `default`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from litestar.handlers import HTTPRouteHandler

from api.gateway_problems import GATEWAY_PROBLEMS
from api.openapi_headers import header_references
from api.openapi_responses import (
    ALTERNATIVES,
    FIELDS_OF_ERRORS,
    LIMITED_ERRORS,
    LIMITS,
)
from api.operation import CONDITIONS, Access, Operation
from api.problem_catalogue import CATALOGUE
from api.problems import MEDIA_TYPE, problem_bytes

_ALWAYS = ("internal_error", "draining", "maintenance", "overloaded", "service_degraded")
EVERYWHERE = (
    *_ALWAYS,
    *GATEWAY_PROBLEMS,
    "bad_host",
    "malformed_request",
    "route_not_found",
    "method_not_allowed",
    "request_timeout",
    "uri_too_long",
    "expectation_failed",
    "misdirected_request",
    "too_early",
    "headers_too_large",
    "method_not_implemented",
    "too_many_connections",
    "http_version_not_supported",
)
"""What any address can answer, whatever stands there."""

_WHERE_NOTHING_STANDS = frozenset({"route_not_found", "method_not_allowed"})
_REQUEST_ID = "01a20696-d9a0-702d-b013-dcf1af833cad"

ERRORS_OF_PATH_PARAMETERS: Mapping[str, str] = {
    "export_id": "bad_id",
    "file_id": "bad_id",
    "post_id": "bad_id",
    "rebuild_id": "bad_id",
    "redirect_id": "bad_id",
    "session_id": "bad_id",
    "user_id": "bad_id",
    "webhook_id": "bad_id",
    "delivery_id": "bad_id",
    "stream_id": "bad_id",
    "version": "bad_parameter",
    "position": "bad_parameter",
}
"""What a path parameter that is malformed gives; those not listed here are never malformed."""


def errors_of(
    operation: Operation, handler: HTTPRouteHandler, path_parameters: Iterable[str]
) -> frozenset[str]:
    """Gather an operation's errors: those in its row, and those that follow from it."""
    errors = {*_ALWAYS, *operation.errors}
    if operation.access is not Access.NO_TOKEN:
        errors.add("invalid_token")
    if operation.access is Access.REQUIRED:
        errors.add("unauthenticated")
    if any(header.name in CONDITIONS for header in operation.headers):
        errors |= {"malformed_header", "stale_version"}
    if "GET" not in handler.http_methods:
        errors.add("invalid_body")
        if "file_too_large" not in errors:
            errors.add("body_too_large")
    if handler.opt.get("takes"):
        errors |= {"malformed_header", "unsupported_coding", "unsupported_media_type"}
    for name in path_parameters:
        if name in ERRORS_OF_PATH_PARAMETERS:
            errors.add(ERRORS_OF_PATH_PARAMETERS[name])
    # The default speaks of the statuses that are not listed; what is listed must be complete.
    listed = {CATALOGUE[error].status for error in errors}
    errors.update(
        error
        for error in EVERYWHERE
        if error not in _WHERE_NOTHING_STANDS and CATALOGUE[error].status in listed
    )
    return frozenset(errors)


def error_responses(errors: Iterable[str], components: dict[str, Any]) -> dict[str, Any]:
    """Refer to a response for each status, made where it is not among the components yet."""
    errors = sorted(errors)
    is_limited = "too_many_attempts" in errors
    by_status: dict[int, list[str]] = {}
    for error in errors:
        by_status.setdefault(CATALOGUE[error].status, []).append(error)
    responses: dict[str, Any] = {}
    for status, group in sorted(by_status.items()):
        limits = LIMITS if is_limited and not LIMITED_ERRORS.isdisjoint(group) else ()
        name = ".".join((str(status), *group, *(["limited"] if limits else [])))
        if name not in components:
            components[name] = _response(group, limits)
        responses[str(status)] = {"$ref": f"#/components/responses/{name}"}
    responses["default"] = {"$ref": "#/components/responses/ANYWHERE"}
    return responses


def anywhere() -> dict[str, Any]:
    """Describe what every address can answer."""
    response = _response(EVERYWHERE)
    heading = "What any address can answer, whatever stands there:"
    return {**response, "description": f"{heading}\n\n{response['description']}"}


def examples(base_url: str) -> dict[str, Any]:
    """Show the body of every error."""
    return {
        error: {
            "summary": problem.title,
            "value": msgspec.json.decode(
                problem_bytes(error, instance="/posts", request_id=_REQUEST_ID, base_url=base_url)
            ),
        }
        for error, problem in CATALOGUE.items()
    }


def _response(errors: Sequence[str], more_fields: Sequence[str] = ()) -> dict[str, Any]:
    always, sometimes = _fields(errors)
    sometimes.update(more_fields)
    return {
        "description": "\n".join(
            f"- `{error}`: {CATALOGUE[error].title}. {CATALOGUE[error].meaning}" for error in errors
        ),
        "headers": header_references(always, sometimes),
        "content": {
            MEDIA_TYPE: {
                # What stands beside the reference narrows it (JSON Schema 2020-12, 8.2.3.1), and
                # generators, which do not look at it, make one type of all problems.
                "schema": {
                    "$ref": "#/components/schemas/Problem",
                    "properties": {"error": {"enum": list(errors)}},
                },
                "examples": {error: {"$ref": f"#/components/examples/{error}"} for error in errors},
            }
        },
    }


def _fields(errors: Sequence[str]) -> tuple[set[str], set[str]]:
    """Give the header fields that all of these errors have, and those that some may have."""
    each = [set(FIELDS_OF_ERRORS.get(error, ())) - ALTERNATIVES for error in errors]
    always = set.intersection(*each) | {"X-Request-Id", "Cache-Control"}
    some = set().union(*(FIELDS_OF_ERRORS.get(error, ()) for error in errors))
    return always, some - always
