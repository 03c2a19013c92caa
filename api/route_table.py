"""Which paths there are and which methods each takes, read off Litestar's own routes.

Litestar answers an unknown path or method by raising, lists one handler's methods for OPTIONS and
refuses HEAD. The edge asks this table first, and only what has a handler goes on.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import unquote

from litestar.routes import BaseRoute, HTTPRoute
from litestar.types import ASGIApp

from api.answer import Field
from api.content import ContentKind
from api.exchange import Exchange

Endpoint = Callable[[Exchange], Awaitable[ASGIApp]]

_DIRECT = "direct"
_TAKES = "takes"


class Resource(NamedTuple):
    """A path with all of its methods."""

    template: str
    """The path with its parameters in braces, as in OpenAPI: `/posts/{post_id}`."""
    methods: frozenset[str]
    allow: Field
    options: tuple[Field, ...]
    """What OPTIONS answers: Allow, and the types of bodies that are taken."""
    parameters: tuple[str, ...]
    """The names of the path's parameters, in order."""
    endpoints: Mapping[str, Endpoint]
    """By method: those that answer without Litestar's help, see `direct`."""


class RouteTable:
    """The product's resources, found by path."""

    def __init__(self, routes: Iterable[BaseRoute]) -> None:
        self._root: _Node = _Node()
        self.resources: list[Resource] = []
        for route in routes:
            if isinstance(route, HTTPRoute):
                self._add(route)

    def find(self, path: str) -> tuple[Resource | None, Sequence[str]]:
        """Find the resource at a path, and the values of the path's parameters.

        An empty segment or a slash at the end is never part of a resource's path.
        """
        node = self._root
        values: list[str] = []
        for segment in path[1:].split("/") if path != "/" else ():
            following = node.children.get(segment)
            if following is None:
                following = node.parameter
                if following is None or not segment:
                    return None, ()
                values.append(segment)
            node = following
        return node.resource, values

    def template_at(self, path: str) -> str | None:
        """Name the resource at a percent-encoded path."""
        resource, _ = self.find(unquote(path))
        return None if resource is None else resource.template

    def _add(self, route: HTTPRoute) -> None:
        node = self._root
        template = ""
        parameters: list[str] = []
        for component in route.path_components:
            if isinstance(component, str):
                node = node.children.setdefault(component, _Node())
                template += f"/{component}"
            else:
                node.parameter = node.parameter or _Node()
                node = node.parameter
                template += f"/{{{component.name}}}"
                parameters.append(component.name)
        methods = frozenset(route.methods) | {"OPTIONS"} | _heads(route)
        allow: Field = (b"allow", ", ".join(sorted(methods)).encode())
        node.resource = Resource(
            template or "/",
            methods,
            allow,
            (allow, *_accepts(route)),
            tuple(parameters),
            {
                method: handler.opt[_DIRECT]
                for handler in route.route_handlers
                if _DIRECT in handler.opt
                for method in handler.http_methods
            },
        )
        self.resources.append(node.resource)


class _Node:
    """A place in the tree of paths; a fixed segment goes before a parameter."""

    __slots__ = ("children", "parameter", "resource")

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.parameter: _Node | None = None
        self.resource: Resource | None = None


def direct(endpoint: Endpoint) -> dict[str, Endpoint]:
    """Make a handler's `opt`: the edge calls this endpoint itself, for the hottest reads.

    It is the same endpoint that the handler calls, so leaving this away changes the speed alone
    (figures in docs/adr/0008-http-layer.md).
    """
    return {_DIRECT: endpoint}


def takes(*kinds: ContentKind) -> dict[str, tuple[ContentKind, ...]]:
    """Make a handler's `opt`: the types of bodies that it takes."""
    return {_TAKES: kinds}


def _accepts(route: HTTPRoute) -> Iterable[Field]:
    for handler in route.route_handlers:
        kinds = handler.opt.get(_TAKES)
        if kinds:
            name = b"accept-patch" if "PATCH" in handler.http_methods else b"accept-post"
            yield name, ", ".join(kinds).encode()


def _heads(route: HTTPRoute) -> frozenset[str]:
    return frozenset({"HEAD"}) if "GET" in route.methods else frozenset()
