"""A small HTTP server for Prometheus, beside a process that serves nothing else."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from infra.http_server.limits import HttpLimits
from infra.http_server.run import serve

_TEXT = (b"content-type", b"text/plain; version=0.0.4; charset=utf-8")
_LIMITS = HttpLimits(drain_grace_seconds=0, drain_seconds=1)


@asynccontextmanager
async def listening(
    host: str, port: int, text: Callable[[], Awaitable[bytes]]
) -> AsyncIterator[str]:
    """Answer `GET /metrics` with the text while inside; gives the address.

    Raises `OSError` where the address cannot be bound.
    """

    def failed(_: object) -> None:
        if not ready.done():
            ready.set_result(None)

    ready: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()
    serving = asyncio.create_task(
        serve(
            _application(text),
            host=host,
            port=port,
            stop=stop,
            limits=_LIMITS,
            on_ready=ready.set_result,
        )
    )
    try:
        serving.add_done_callback(failed)
        where = await ready
        if where is None:
            await serving  # which raises
        else:
            yield where
    finally:
        stop.set()
        await asyncio.wait({serving})


def _application(text: Callable[[], Awaitable[bytes]]) -> Callable[..., Awaitable[None]]:
    async def application(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI's
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        found = scope["path"] == "/metrics"
        allowed = scope["method"] in {"GET", "HEAD"}
        status = (200 if allowed else 405) if found else 404
        body = await text() if status == 200 else b""  # noqa: PLR2004 - of HTTP
        fields = [_TEXT, (b"cache-control", b"no-store"), (b"content-length", b"%d" % len(body))]
        if found and not allowed:
            fields.append((b"allow", b"GET, HEAD"))
        await send({"type": "http.response.start", "status": status, "headers": fields})
        body = b"" if scope["method"] == "HEAD" else body
        await send({"type": "http.response.body", "body": body})

    return application


async def _live(receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI's
    """Follow the server's beginning and end, for which there is nothing to do."""
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})
