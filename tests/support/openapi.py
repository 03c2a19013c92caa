"""The product's own OpenAPI document, and the comparison with it of all that the tests see.

`check_described` is called by the tests' client for every answer, so no test needs to.
"""

from functools import cache
from typing import Any

import httpx
from litestar.routes import HTTPRoute

from api.app import create_app
from api.openapi import openapi
from tests.support.openapi_check import JSON, Description


@cache
def routes() -> tuple[HTTPRoute, ...]:
    """List Litestar's routes; making the application needs none of its services."""
    nothing: Any = None
    edge: Any = create_app(nothing)
    served = edge._app.routes  # noqa: SLF001 - what the product serves
    return tuple(route for route in served if isinstance(route, HTTPRoute))


@cache
def document() -> JSON:
    """Make the document."""
    return openapi(routes(), "http://api.example")


def follow(part: JSON) -> JSON:
    """Follow a reference within the document, where it is one."""
    return _of_the_product().follow(part)


def described_operations() -> list[tuple[str, str, JSON]]:
    """List method, path and description of every operation."""
    return [
        (method.upper(), path, operation)
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
    ]


def check_described(answer: httpx.Response, *, head_only: bool = False) -> None:
    """Require that the document has this answer, and its request where that was not refused.

    With `head_only` the answer's body is left alone, such as one that never ends.
    """
    _of_the_product().check(answer, head_only=head_only)


@cache
def _of_the_product() -> Description:
    return Description(document())
