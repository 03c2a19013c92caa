"""Which paths there are and which methods each takes, read off Litestar's own routes.

Litestar answers an unknown path or method by raising, lists one handler's methods for OPTIONS and
refuses HEAD. The edge asks this table first, and only what has a handler goes on.
"""

from collections.abc import Iterable
from typing import NamedTuple

from litestar.routes import BaseRoute, HTTPRoute

from api.answer import Field
from api.content import ContentKind


class Resource(NamedTuple):
    """A path with all of its methods."""

    template: str
    """The path with its parameters in braces, as in OpenAPI: `/posts/{post_id}`."""
    methods: frozenset[str]
    allow: Field
    options: tuple[Field, ...]
    """What OPTIONS answers: Allow, and the types of bodies that are taken."""


class RouteTable:
    """The product's resources, found by path."""

    def __init__(self, routes: Iterable[BaseRoute]) -> None:
        self._root: _Node = _Node()
        self.resources: list[Resource] = []
        for route in routes:
            if isinstance(route, HTTPRoute):
                self._add(route)

    def find(self, path: str) -> Resource | None:
        """Find the resource at a path; an empty segment or a slash at the end is never one."""
        node = self._root
        for segment in path[1:].split("/") if path != "/" else ():
            following = node.children.get(segment) or (node.parameter if segment else None)
            if following is None:
                return None
            node = following
        return node.resource

    def _add(self, route: HTTPRoute) -> None:
        node = self._root
        template = ""
        for component in route.path_components:
            if isinstance(component, str):
                node = node.children.setdefault(component, _Node())
                template += f"/{component}"
            else:
                node.parameter = node.parameter or _Node()
                node = node.parameter
                template += f"/{{{component.name}}}"
        methods = frozenset(route.methods) | {"OPTIONS"} | _heads(route)
        allow: Field = (b"allow", ", ".join(sorted(methods)).encode())
        node.resource = Resource(template or "/", methods, allow, (allow, *_accepts(route)))
        self.resources.append(node.resource)


class _Node:
    """A place in the tree of paths; a fixed segment goes before a parameter."""

    __slots__ = ("children", "parameter", "resource")

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.parameter: _Node | None = None
        self.resource: Resource | None = None


def takes(*kinds: ContentKind) -> dict[str, tuple[ContentKind, ...]]:
    """Make a handler's `opt`: the types of bodies that it takes."""
    return {"takes": kinds}


def _accepts(route: HTTPRoute) -> Iterable[Field]:
    for handler in route.route_handlers:
        kinds = handler.opt.get("takes")
        if kinds:
            name = b"accept-patch" if "PATCH" in handler.http_methods else b"accept-post"
            yield name, ", ".join(kinds).encode()


def _heads(route: HTTPRoute) -> frozenset[str]:
    return frozenset({"HEAD"}) if "GET" in route.methods else frozenset()
