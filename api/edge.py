"""The outermost layer: what must be decided before a handler, and what every answer carries.

It stands around Litestar and closes what servers and framework leave open: HEAD, OPTIONS, 404, 405
and 501 as the HTTP contract has them, foreign hosts, early data, the limit of requests in flight,
security fields and the request id on every answer, and the boundary that turns a crash into a 500.
"""

import re
from collections.abc import Sequence
from time import perf_counter
from typing import cast

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from api.answer import Answer, Field
from api.client_address import is_trusted_proxy
from api.elsewhere import came_by, elsewhere, strict_transport, to_https
from api.exchange import ClientGoneError, Exchange
from api.metrics import NO_ROUTE, OTHER_METHOD, Metrics
from api.responses import crashed, problem, respond
from api.route_table import Resource, RouteTable
from api.services import Services
from api.tracing import begin_span, end_span
from commands.outcomes import Unavailable
from commands.ports import StoreUnavailableError

MAX_IN_FLIGHT = 512
"""Past this many requests at once the product answers 503 rather than slow everybody down."""

KNOWN_METHODS = frozenset(
    {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"}
)
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})

ALWAYS_ANSWERED = frozenset({"/livez", "/readyz", "/metrics"})
"""What operators ask also of a process that is full or going away."""

_SECURITY: list[Field] = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]
_POLICY: Field = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?", re.ASCII)
_MOST_HOSTS = 64

_log = structlog.get_logger()


class Edge:
    """The product as one ASGI application."""

    def __init__(
        self, app: ASGIApp, routes: RouteTable, services: Services, metrics: Metrics
    ) -> None:
        self._app = app
        self._routes = routes
        self._services = services
        self._metrics = metrics
        self._in_flight = 0
        metrics.in_flight = lambda: self._in_flight
        self._hosts: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass on the messages of start and stop."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        begun = perf_counter()
        request_id = self._services.new_request_id()
        method = scope["method"]
        resource, values = self._find(scope)
        status = 0

        async def send_out(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _add_fields(message["headers"], request_id)  # type: ignore[arg-type]  # a list
                if scheme == "https":
                    message["headers"].append(strict_transport(exchange))  # type: ignore[attr-defined]  # likewise
            elif method == "HEAD" and message.get("more_body"):
                # A body in pieces, perhaps without end: nobody wants the rest of it.
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                raise ClientGoneError
            await send(message)

        exchange = self._begin(scope, receive, request_id, resource)
        inner = exchange.scope
        scheme = came_by(exchange)
        self._in_flight += 1
        try:
            answer: ASGIApp | None = self._decide_early(exchange, method, resource, scheme)
            if answer is None and resource is None:
                answer = await elsewhere(exchange, method)
            elif answer is None and resource is not None:
                exchange.parameters = dict(zip(resource.parameters, values, strict=True))
                endpoint = resource.endpoints.get(exchange.method)
                answer = self._app if endpoint is None else await endpoint(exchange)
            await (answer or self._app)(inner, receive, send_out)
        except ClientGoneError:
            pass
        except Exception as error:
            if isinstance(error.__cause__, ClientGoneError):
                return  # as above, in Litestar's wrapping of what is raised in a body
            if status:  # too late for another answer: the server cuts the connection
                outage = _outage_behind(error)
                if outage is None:
                    _log.exception("answer broken off", request_id=request_id)
                    raise
                _log.warning("answer broken off", request_id=request_id, reason=str(outage))
                return
            await _recover(exchange, error)(inner, receive, send_out)
        finally:
            self._in_flight -= 1
            self._finish(exchange, method, resource, status, perf_counter() - begun)

    def _begin(
        self, scope: HTTPScope, receive: Receive, request_id: str, resource: Resource | None
    ) -> Exchange:
        head = scope["method"] == "HEAD"
        inner = _as_get(scope) if head else scope
        exchange = Exchange.begin(inner, receive, self._services, request_id)
        exchange.head = head
        exchange.route_at = self._routes.template_at
        if self._services.tracer is not None and scope["path"] not in ALWAYS_ANSWERED:
            exchange.span = begin_span(
                self._services.tracer, exchange, _shown(scope["method"]), resource
            )
        return exchange

    def _finish(
        self,
        exchange: Exchange,
        method: str,
        resource: Resource | None,
        status: int,
        seconds: float,
    ) -> None:
        template = resource.template if resource else NO_ROUTE
        outcome, error = exchange.outcome, exchange.error
        self._metrics.count(_shown(method), template, status, seconds, outcome, error)
        if exchange.span is not None:
            end_span(exchange.span, exchange, status)

    def _find(self, scope: HTTPScope) -> tuple[Resource | None, Sequence[str]]:
        """Find the resource; an escaped slash is none, so it separates nothing (RFC 3986, 2.2)."""
        raw_path = scope.get("raw_path") or b""
        if b"%" in raw_path and b"%2F" in raw_path.partition(b"?")[0].upper():
            return None, ()
        return self._routes.find(scope["path"])

    def _decide_early(
        self, exchange: Exchange, method: str, resource: Resource | None, scheme: str | None
    ) -> Answer | None:
        """Go through what comes before any handler, in the order of the HTTP contract."""
        path = exchange.scope["path"]
        if self._refuses_for_the_end(exchange) and path not in ALWAYS_ANSWERED:
            return problem(exchange, "draining", retry_after=5)
        maintenance = self._services.readiness.maintenance
        if maintenance is not None and path not in ALWAYS_ANSWERED:
            return problem(
                exchange,
                "maintenance",
                maintenance.reason,
                retry_after=maintenance.retry_after_seconds,
            )
        if self._in_flight > MAX_IN_FLIGHT and path not in ALWAYS_ANSWERED:
            return problem(exchange, "overloaded", retry_after=1)
        refused = self._check_host(exchange)
        if refused is not None:
            return refused
        if method not in KNOWN_METHODS:
            return problem(exchange, "method_not_implemented")
        if method == "OPTIONS" and path == "*":
            return Answer(204, [(b"allow", b", ".join(sorted(m.encode() for m in KNOWN_METHODS)))])
        if scheme == "http" and path not in ALWAYS_ANSWERED:
            return to_https(exchange)
        if resource is None:
            return None  # perhaps it moved
        if method == "OPTIONS":
            return Answer(204, list(resource.options))
        if method not in resource.methods:
            return problem(exchange, "method_not_allowed", fields=[resource.allow])
        if method not in SAFE_METHODS and exchange.headers.one(b"early-data") == "1":
            return problem(exchange, "too_early")
        return None

    def _refuses_for_the_end(self, exchange: Exchange) -> bool:
        """Tell whether the process drains and somebody asks who can come back by himself.

        A proxy of ours could not repeat a POST elsewhere. It turns to others when it cannot connect
        any more, a moment later, and what it has sent until then is served.
        """
        services = self._services
        return services.readiness.draining and not is_trusted_proxy(
            exchange.scope["client"], services.trusted_proxies
        )

    def _check_host(self, exchange: Exchange) -> Answer | None:
        """Refuse a Host that is malformed (400) or not ours (421, RFC 9110, section 7.4)."""
        host = exchange.headers.one(b"host")
        if host is None:
            return problem(exchange, "bad_host")
        if host not in self._hosts:
            found = _HOST.fullmatch(host)
            if found is None:
                return problem(exchange, "bad_host")
            if found[1].lower() not in self._services.allowed_hosts:
                return problem(exchange, "misdirected_request")
            if len(self._hosts) < _MOST_HOSTS:
                self._hosts.add(host)
        return None


def _shown(method: str) -> str:
    """Name a method as it is counted: clients make names up."""
    return method if method in KNOWN_METHODS else OTHER_METHOD


def _as_get(scope: HTTPScope) -> HTTPScope:
    """Make a GET of a HEAD: the server sends no body, and Range has no meaning."""
    headers = [field for field in scope["headers"] if field[0] != b"range"]
    return cast("HTTPScope", {**scope, "method": "GET", "headers": headers})


def _outage_behind(error: BaseException | None) -> StoreUnavailableError | None:
    """Find the outage in what Litestar makes of an exception after the start of an answer."""
    while not (error is None or isinstance(error, StoreUnavailableError)):
        error = error.__cause__
    return error


def _recover(exchange: Exchange, error: Exception) -> Answer:
    """Turn an exception into an answer: an outage into 503, a bug into 500."""
    if isinstance(error, StoreUnavailableError):
        _log.warning("store unavailable", request_id=exchange.request_id, reason=str(error))
        outage = Unavailable("service_degraded", "The database does not answer.", retry_after=2)
        return respond(outage, exchange)
    _log.error(
        "unhandled",
        exc_info=error,
        request_id=exchange.request_id,
        method=exchange.method,
        path=exchange.path,
    )
    return crashed(exchange)


def _add_fields(fields: list[Field], request_id: str) -> None:
    fields.append((b"x-request-id", request_id.encode()))
    fields.extend(_SECURITY)
    if not any(name == b"content-security-policy" for name, _ in fields):
        fields.append(_POLICY)
