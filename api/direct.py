"""The short way through Litestar for the hottest reads.

As a middleware of its handler, an endpoint answers right after routing, before Litestar builds the
request, the arguments and the response of its own. It is the same endpoint that the handler calls,
so leaving the middleware away changes the speed alone.
"""

from collections.abc import Awaitable, Callable

from litestar.types import ASGIApp, Receive, Scope, Send

from api.answer import Answer
from api.exchange import Exchange

Endpoint = Callable[[Exchange], Awaitable[Answer]]


def direct(endpoint: Endpoint) -> Callable[[ASGIApp], ASGIApp]:
    """Make the middleware that answers with this endpoint."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        answer = await endpoint(Exchange.of(scope))
        await answer(scope, receive, send)

    def middleware(app: ASGIApp) -> ASGIApp:  # noqa: ARG001 - the handler is never reached
        return application

    return middleware
