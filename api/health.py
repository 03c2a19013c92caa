"""What operators and load balancers ask: alive, ready, metrics."""

from typing import Any

import msgspec
from litestar import Request, get

from api.answer import JSON, NO_STORE, Answer
from api.exchange import Exchange
from api.metrics import Metrics
from api.responses import problem

Incoming = Request[Any, Any, Any]

_ASK_AGAIN_SECONDS = 2
_NOT_READY = "This process should get no requests for now: see `problems`."

_encode = msgspec.json.Encoder().encode

_TEXT = (b"content-type", b"text/plain; version=0.0.4; charset=utf-8")


@get("/livez")
async def livez() -> Answer:
    """Tell that the process answers."""
    return Answer(200, [JSON, NO_STORE], b'{"status":"ok"}')


@get("/readyz")
async def readyz(request: Incoming) -> Answer:
    """Tell whether the process should get requests, and if not why.

    A projection that stands still is a warning: what it shows is old, and all else goes on, so that
    taking every process out of service for it would turn a small fault into an outage.
    """
    exchange = Exchange.of(request.scope)
    readiness = exchange.services.readiness
    problems = await readiness.problems()
    if problems:
        error = "draining" if readiness.draining else "service_degraded"
        return problem(
            exchange, error, _NOT_READY, retry_after=_ASK_AGAIN_SECONDS, problems=problems
        )
    warnings = _encode(await readiness.warnings())
    body = b'{"status":"ok","problems":[],"warnings":%b}' % warnings
    return Answer(200, [JSON, NO_STORE], body)


def metrics_handler(metrics: Metrics) -> Any:  # noqa: ANN401 - a Litestar handler
    """Make the handler that shows these metrics."""

    @get("/metrics")
    async def show_metrics(request: Incoming) -> Answer:
        """Show the metrics in Prometheus' text format."""
        figures = Exchange.of(request.scope).services.figures
        return Answer(200, [_TEXT, NO_STORE], await figures.text(metrics))

    return show_metrics


HANDLERS = (livez, readyz)
