"""What answers where no route stands: managed redirects, and the addresses of the API before this.

Also the way from plain HTTP to HTTPS, where a trusted proxy says how the client came.
"""

from collections.abc import Sequence
from datetime import datetime

from api.answer import Answer, Field
from api.client_address import is_trusted_proxy
from api.exchange import Exchange
from api.responses import problem, respond
from api.urlencoded import reencoded
from commands.outcomes import Redirected
from commands.redirects import RouteAt, Way, where
from domain.web_path import normal_path

FOLLOWED = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
"""The methods that redirects answer."""
KEPT_SECONDS = 3600
"""How long a permanent redirect may be remembered, so that a wrong one can be corrected."""

_PERMANENT = frozenset({301, 308})
_OLD = "/api/v1/"
_OLD_NAMES = {"/api/v1/posts/create": "/posts"}
_HSTS = b"max-age=31536000; includeSubDomains"


async def elsewhere(exchange: Exchange, method: str) -> Answer:
    """Answer a request for a path that no route takes."""
    path = normal_path(exchange.path)
    if path is None or method not in FOLLOWED:
        return problem(exchange, "route_not_found")
    moved = _moved(exchange.route_at, path)
    if moved is not None:
        return respond(Redirected(308, _with_query(exchange, moved), KEPT_SECONDS), exchange)
    now = exchange.now()
    ways = await where(exchange.services.redirects, path, now)
    if not ways:
        return problem(exchange, "route_not_found")
    if not exchange.head:
        exchange.services.clicks.count(ways[0].id, now)
    location = _with_query(exchange, ways[-1].target)
    return respond(Redirected(ways[0].status, location, _kept_seconds(ways, now)), exchange)


def came_by(exchange: Exchange) -> str | None:
    """Tell by which scheme the client came; None where nobody who is trusted says so.

    It matters only where the product is published over HTTPS.
    """
    said = exchange.headers.combined(b"x-forwarded-proto")
    services = exchange.services
    if said is None or not services.public_url.startswith("https:"):
        return None
    if not is_trusted_proxy(exchange.scope["client"], services.trusted_proxies):
        return None
    # The nearest proxy adds what it saw at the right end.
    return said.rpartition(",")[2].strip(" \t").lower()


def to_https(exchange: Exchange) -> Answer:
    """Send a client that came by plain HTTP to the same address over HTTPS."""
    status = 301 if exchange.method == "GET" else 308
    location = _with_query(exchange, f"{exchange.services.public_url}{exchange.path}")
    return respond(Redirected(status, location, KEPT_SECONDS), exchange)


def strict_transport(exchange: Exchange) -> Field:
    """Make the field that keeps browsers to HTTPS (RFC 6797), for answers over TLS alone."""
    preload = b"; preload" if exchange.services.hsts_preload else b""
    return b"strict-transport-security", _HSTS + preload


def taken_by(route_at: RouteAt) -> RouteAt:
    """Tell what answers at a path before any managed redirect: a route, or where it moved."""

    def found(path: str) -> str | None:
        return route_at(path) or _moved(route_at, path)

    return found


def _moved(route_at: RouteAt, path: str) -> str | None:
    """Give where an address of the first API stands today."""
    if not path.startswith(_OLD):
        return None
    today = _OLD_NAMES.get(path) or path[len(_OLD) - 1 :]
    return today if route_at(today) is not None else None


def _kept_seconds(ways: Sequence[Way], now: datetime) -> int:
    """Tell how long a redirect may be remembered: no longer than it lasts."""
    if any(way.status not in _PERMANENT for way in ways):
        return 0
    ends = [way.active_until for way in ways if way.active_until is not None]
    return min([KEPT_SECONDS, *(int((end - now).total_seconds()) for end in ends)])


def _with_query(exchange: Exchange, target: str) -> str:
    """Add the query of the request to a target, before its fragment."""
    if not exchange.query:
        return target
    address, mark, fragment = target.partition("#")
    joint = "&" if "?" in address else "?"
    return f"{address}{joint}{reencoded(exchange.query)}{mark}{fragment}"
