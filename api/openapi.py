"""The OpenAPI 3.1 document, made of the routes, their docstrings, and what is declared of them.

What an operation takes and gives stands in `api/operations.py`, the answers to outcomes in
`api/openapi_responses.py`, errors in the problem catalogue, bodies in their structs. The document
is made at the first request for it.
"""

import inspect
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import version
from typing import Any, NamedTuple

import msgspec
from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.routes import BaseRoute, HTTPRoute

from api.answer import Answer
from api.content import ContentKind
from api.documents import Document
from api.exchange import Exchange
from api.openapi_errors import anywhere, error_responses, errors_of, examples
from api.openapi_headers import header_components, header_references
from api.openapi_responses import OUTCOMES, Row
from api.openapi_schemas import Problem
from api.openapi_types import Schemas
from api.operation import Access, Operation, Parameter, Returns
from api.operation_links import link_components, links_of
from api.operations import OPERATIONS, PATH_PARAMETERS
from api.requests import no_query, not_acceptable
from api.responses import respond

Incoming = Request[Any, Any, Any]
Json = dict[str, Any]

_INTRODUCTION = """\
A publishing backend that keeps every change as an event.

Times are RFC 3339 in UTC, ids are UUIDs, members are camelCase. Answers may gain members: ignore
those that you do not know. Every 4xx and 5xx is a problem (RFC 9457) whose `error` is a stable code
and whose `type` is the address of its description, and every answer has an `X-Request-Id`. Every
GET has its HEAD, and OPTIONS tells what an address takes.
"""
_TAGS = {
    "posts": "Posts as they are, and how they change.",
    "history": "Posts as they were.",
    "files": "Images, documents and videos.",
    "exports": "All of one's own data, to take away.",
    "links": "Links to other places, and redirects.",
    "webhooks": "Addresses to which events are sent.",
    "accounts": "Accounts, sessions, passwords.",
    "log": "The log itself, for auditors.",
    "operation": "How it runs, for operators.",
    "service": "About this service.",
}


_ORDER = {operation.id: place for place, operation in enumerate(OPERATIONS.values())}


class Described(NamedTuple):
    """A handler at one method and path, with its row in the table of operations."""

    method: str
    template: str
    parameters: Sequence[str]
    handler: HTTPRouteHandler
    operation: Operation


@get("/openapi.json")
async def read_openapi(request: Incoming) -> Answer:
    """Read this document."""
    exchange = Exchange.of(request.scope)
    refused = not_acceptable(exchange) or no_query(exchange)
    if refused is not None:
        return respond(refused, exchange)
    state = request.app.state
    document: Document | None = state.get("openapi")
    if document is None:
        content = openapi(request.app.routes, exchange.services.public_url)
        document = Document.of(msgspec.json.encode(content), "application/json")
        state["openapi"] = document
    return document.answer(exchange)


HANDLERS = (read_openapi,)


def openapi(routes: Iterable[BaseRoute], base_url: str) -> Json:
    """Make the document. Raises `LookupError` for a handler without its row or docstring."""
    # In the order of the table: that of Litestar's routes differs from process to process.
    described = sorted(_described(routes), key=lambda each: _ORDER[each.operation.id])
    used = (type_ for each in described for type_ in _types(each.operation, each.parameters))
    schemas = Schemas([Problem, *used])
    responses: Json = {"ANYWHERE": anywhere()}
    paths: dict[str, Json] = {}
    for each in described:
        paths.setdefault(each.template, {})[each.method.lower()] = _operation(
            each, schemas, responses
        )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Ledgerpress",
            "version": version("ledgerpress"),
            "description": _INTRODUCTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
            },
            "schemas": schemas.components,
            "responses": responses,
            "headers": header_components([*responses.values(), *_responses_in(paths)]),
            "examples": examples(base_url),
            "links": link_components(),
        },
    }


def _responses_in(paths: Json) -> Iterator[Json]:
    for operations in paths.values():
        for operation in operations.values():
            yield from operation["responses"].values()


def _described(routes: Iterable[BaseRoute]) -> Iterator[Described]:
    for route in routes:
        if not isinstance(route, HTTPRoute):
            continue
        names = [part.name for part in route.path_components if not isinstance(part, str)]
        for handler in route.route_handlers:
            if handler.resolve_include_in_schema():
                for method in sorted(handler.http_methods):
                    row = OPERATIONS[f"{method} {route.path_format}"]
                    yield Described(method, route.path_format, names, handler, row)


def _types(operation: Operation, path_parameters: Iterable[str]) -> Iterator[Any]:
    """List the types of all parameters and bodies of an operation."""
    yield from (PATH_PARAMETERS[name].schema for name in path_parameters)
    yield from (each.schema for each in (*operation.query, *operation.headers))
    yield from (schema for each in operation.returns for schema in each.bodies.values())
    yield from (body for body in (operation.body, operation.form) if body is not None)


def _operation(each: Described, schemas: Schemas, responses: Json) -> Json:
    operation = each.operation
    summary, _, description = _docstring(each.handler).partition("\n\n")
    if operation.who is not None:
        description = f"{description}\n\nFor {operation.who}.".strip()
    result: Json = {
        "operationId": operation.id,
        "tags": [operation.group],
        "summary": summary.rstrip(".").replace("`", ""),
        "description": description or summary,
        "security": _security(operation.access),
        "parameters": [
            *(_parameter(PATH_PARAMETERS[name], "path", schemas) for name in each.parameters),
            *(_parameter(parameter, "query", schemas) for parameter in operation.query),
            *(_parameter(parameter, "header", schemas) for parameter in operation.headers),
        ],
    }
    if operation.body is not None:
        bodies = {ContentKind.FORM: operation.form or operation.body}
        result["requestBody"] = {
            "required": operation.needs_body,
            "content": {
                str(kind): {"schema": schemas.of(bodies.get(kind, operation.body))}
                for kind in each.handler.opt["takes"]
            },
        }
    successes = _successes(operation, schemas)
    errors = errors_of(operation, each.handler, each.parameters)
    result["responses"] = dict(sorted(successes.items())) | error_responses(errors, responses)
    return result


def _successes(operation: Operation, schemas: Schemas) -> Json:
    responses: Json = {}
    for each in operation.returns:
        for row in OUTCOMES[each.outcome]:
            response = responses[str(row.status)] = _success(row, each, schemas)
            if links := links_of(operation.id, row.status):
                response["links"] = links
    return responses


def _success(row: Row, each: Returns, schemas: Schemas) -> Json:
    always = {"X-Request-Id", *row.fields, *each.fields}.difference(each.without)
    response: Json = {
        "description": row.description,
        "headers": header_references(always, (*row.sometimes, *each.sometimes)),
    }
    if row.has_body:
        response["content"] = {
            media_type: {"schema": schemas.of(type_)} for media_type, type_ in each.bodies.items()
        }
    return response


def _parameter(parameter: Parameter, place: str, schemas: Schemas) -> Json:
    return {
        "name": parameter.name,
        "in": place,
        "required": parameter.required or place == "path",
        "description": parameter.description,
        "schema": schemas.of(parameter.schema),
    }


def _security(access: Access) -> list[Json]:
    match access:
        case Access.NO_TOKEN:
            return []
        case Access.OPTIONAL:
            return [{}, {"bearer": []}]
        case Access.REQUIRED:
            return [{"bearer": []}]


def _docstring(handler: HTTPRouteHandler) -> str:
    text = inspect.getdoc(handler.fn)
    if text is None:
        raise LookupError(f"{handler.fn.__qualname__} has no docstring")
    return text
