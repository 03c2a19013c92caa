"""The span of a request: what it is called, what it tells, and in whose trace it is.

Names are those of OpenTelemetry's conventions for HTTP. Nothing that a client wrote is told but the
method, and the path where a route has it; queries and header fields never are.
"""

from typing import cast

from litestar.types import HTTPScope

from api.client_address import is_trusted_proxy
from api.exchange import Exchange
from api.metrics import outcome_name
from api.route_table import Resource
from commands.tracing import Kind, Span, Tracer, Value

_FAULTS_FROM = 500
_TRACE_PARENT = b"traceparent"


def begin_span(tracer: Tracer, exchange: Exchange, method: str, resource: Resource | None) -> Span:
    """Begin the span of a request, of which whatever the request leads to is a part.

    A proxy of ours is believed when it says which trace a request belongs to, and whether that is
    kept. What anybody else says becomes a link: a stranger neither decides what we keep nor writes
    into traces of others, whose ids are no secrets.
    """
    about: dict[str, Value] = {
        "http.request.method": method,
        "ledgerpress.request_id": exchange.request_id,
    }
    if resource is not None:
        about["http.route"] = resource.template
        about["url.path"] = exchange.path
    sent = exchange.headers.one(_TRACE_PARENT)
    name = method if resource is None else f"{method} {resource.template}"
    parent: str | None = None
    links: tuple[str, ...] = ()
    if sent is not None:
        scope = cast("HTTPScope", exchange.scope)
        if is_trusted_proxy(scope["client"], exchange.services.trusted_proxies):
            parent = sent
        else:
            links = (sent,)
    return tracer.begin(name, Kind.SERVER, about, parent=parent, links=links)


def end_span(span: Span, exchange: Exchange, status: int) -> None:
    """End it with what was answered; `status` 0 where the client left first."""
    if not span.recorded:
        return
    about: dict[str, Value] = {
        "ledgerpress.outcome": outcome_name(status, exchange.outcome, exchange.error)
    }
    if status:
        about["http.response.status_code"] = status
    span.note(about)
    span.end((exchange.error or str(status)) if status >= _FAULTS_FROM else None)
