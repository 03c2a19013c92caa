"""The ASGI application: Litestar with the product's handlers, inside the edge.

A new resource is a module with `HANDLERS`, listed here.
"""

from typing import NoReturn

from litestar import Litestar
from litestar.types import ASGIApp

from api import (
    clicks,
    docs,
    downloads,
    events,
    export_download,
    exports,
    files,
    go,
    health,
    login,
    me,
    openapi,
    post_history,
    post_lists,
    post_reads,
    post_writes,
    problem_pages,
    projections,
    rebuilds,
    redirects,
    registration,
    second_factor,
    status_pages,
    thumbnails,
    uploads,
    users,
    webhook_actions,
    webhook_deliveries,
    webhooks,
)
from api.edge import Edge
from api.metrics import Metrics
from api.route_table import RouteTable
from api.services import Services

MODULES = (
    uploads,
    files,
    downloads,
    thumbnails,
    post_reads,
    post_lists,
    post_history,
    post_writes,
    registration,
    login,
    me,
    second_factor,
    users,
    events,
    exports,
    export_download,
    go,
    clicks,
    projections,
    rebuilds,
    redirects,
    webhooks,
    webhook_actions,
    webhook_deliveries,
    problem_pages,
    status_pages,
    openapi,
    docs,
    health,
)


def create_app(services: Services, metrics: Metrics | None = None) -> ASGIApp:
    """Make the application on top of these services; it counts in `metrics`."""
    metrics = metrics or Metrics()
    litestar = _litestar(metrics)
    return Edge(litestar, RouteTable(litestar.routes), services, metrics)


def route_table() -> RouteTable:
    """Tell which paths the product itself answers at."""
    return RouteTable(_litestar(Metrics()).routes)


def _litestar(metrics: Metrics) -> Litestar:
    return Litestar(
        route_handlers=[
            *(handler for module in MODULES for handler in module.HANDLERS),
            health.metrics_handler(metrics),
        ],
        exception_handlers={Exception: _pass_on},
        openapi_config=None,
        # Litestar would give the root logger a handler of its own, for everybody in the process.
        logging_config=None,
        # Bodies are read and measured by the endpoints themselves.
        request_max_body_size=None,
    )


def _pass_on(_: object, error: Exception) -> NoReturn:
    """Leave every exception to the edge, which has the one error boundary."""
    raise error
