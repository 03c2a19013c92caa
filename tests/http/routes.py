"""Every address of the product, read off its own routes, so that no test forgets one."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from api.app import create_app
from api.route_table import Resource

PARAMETERS: Mapping[str, str] = {
    "post_id": "01920000-0000-7000-8000-000000000000",
    "slug": "a-title",
    "version": "1",
}


@cache
def resources() -> tuple[Resource, ...]:
    """List the resources; making the application needs none of its services."""
    nothing: Any = None
    edge: Any = create_app(nothing)
    return tuple(edge._routes.resources)  # noqa: SLF001 - what the edge itself decides by


def filled(template: str, **parameters: str) -> str:
    """Put something well formed into the parameters of a path, or what is given."""
    values = {**PARAMETERS, **parameters}
    return re.sub(r"\{(\w+)\}", lambda found: values.get(found[1], "1"), template)
