"""Serving an ASGI application from inside a running event loop, and stopping without harm.

Only the life of the server lives here: binding, readiness, draining, the end.
"""

import asyncio
import contextlib
import resource
import socket
from collections.abc import Callable, Generator
from dataclasses import replace

import uvicorn

from infra.http_server.connection import ServerContext
from infra.http_server.exchange import AsgiApp
from infra.http_server.limits import HttpLimits
from infra.http_server.listening import (
    address_of,
    listen_tcp,
    listen_unix,
    remove,
    stop_listening,
)
from infra.http_server.problems import ProblemBody, default_problem_body
from infra.http_server.protocol import StrictHttpProtocol

_DESCRIPTORS_FOR_OTHERS = 256


class StartupFailed(Exception):  # noqa: N818 - an outcome of starting, named as such
    """The application's lifespan refused to start; uvicorn has logged why."""


async def serve(  # noqa: PLR0913 - what a server needs to know, each by keyword
    app: AsgiApp,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    uds: str | None = None,
    listener: socket.socket | None = None,
    stop: asyncio.Event,
    limits: HttpLimits | None = None,
    problem_body: ProblemBody = default_problem_body,
    on_refused: Callable[[str, int, str], None] = lambda _method, _status, _error: None,
    on_ready: Callable[[str], None] = lambda _address: None,
    on_draining: Callable[[], None] = lambda: None,
) -> None:
    """Serve until `stop` is set, then drain and return.

    Where is said by `host` and `port`, by `uds`, or by a `listener` that is bound already.
    `on_ready` hears the address once connections are accepted: `http://host:port` with the real
    port where `port` was 0, or `unix:path`. `on_draining` is called as soon as `stop` is seen, for
    readiness to say 503; the listener stays open for `drain_grace_seconds` more, while every
    answer closes its connection, and requests in flight then have `drain_seconds`. `on_refused`
    hears method, status and error of each answer that the server gives in the application's place.
    Signals are left to the caller. Raises `OSError` where the address cannot be bound and
    `StartupFailed`.
    """
    limits = limits or HttpLimits()
    limits = replace(limits, connections=affordable(limits.connections))
    context = ServerContext(limits=limits, problem_body=problem_body, on_refused=on_refused)
    protocol = type("BoundHttpProtocol", (StrictHttpProtocol,), {"context": context})
    if listener is None:
        listener = listen_unix(uds) if uds is not None else listen_tcp(host, port)
    address = address_of(listener)
    config = uvicorn.Config(
        app,
        http=protocol,
        ws="none",
        interface="asgi3",
        lifespan="on",
        loop="none",
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        backlog=limits.accept_backlog,
        timeout_graceful_shutdown=limits.drain_seconds,
    )
    server = _Server(config, context, listener, stop)
    server.on_ready = lambda: on_ready(address)
    server.on_draining = on_draining
    try:
        await server.serve(sockets=[listener])
    except SystemExit as error:  # uvicorn's way to say that the lifespan failed
        raise StartupFailed("The application did not start.") from error
    finally:
        listener.close()
        if uds is not None and not server.started:
            remove(uds)  # once started, draining removes it; by now it may be a successor's


class _Server(uvicorn.Server):
    """uvicorn's server without its signal handlers and with an orderly end."""

    on_ready: Callable[[], None]
    on_draining: Callable[[], None]

    def __init__(
        self,
        config: uvicorn.Config,
        context: ServerContext,
        listener: socket.socket,
        stop: asyncio.Event,
    ) -> None:
        super().__init__(config)
        self._context = context
        self._stop = stop
        self._listener = listener

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave signals to the composition root."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        if self.started:
            await self.on_tick(0)  # the first Date
            self.on_ready()

    async def main_loop(self) -> None:
        """Wait for the end, with a new Date each second."""
        while not self._stop.is_set():
            await self.on_tick(0)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), 1.0)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain: tell balancers, stop accepting, finish, close."""
        self._context.draining = True
        self.on_draining()
        await asyncio.sleep(self._context.limits.drain_grace_seconds)
        # The event loop closes the listener with its server; the queue lives on in the twin.
        twin = self._listener.dup()
        stop_listening(twin)
        for server in self.servers:
            server.close()
        await self._accept_what_waits(twin)
        await super().shutdown(sockets)
        for connection in list(self.server_state.connections):
            connection.transport.abort()

    async def _accept_what_waits(self, listener: socket.socket) -> None:
        """Serve the connections that the kernel has taken; closing the listener resets them."""
        loop = asyncio.get_running_loop()
        listener.setblocking(False)  # noqa: FBT003 - the standard library's signature
        with contextlib.closing(listener):
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:  # none is left
                    return
                await loop.connect_accepted_socket(self._make_protocol, connection)

    def _make_protocol(self) -> asyncio.Protocol:
        return self.config.http_protocol_class(  # type: ignore[call-arg] # typed as any Protocol
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )


def affordable(connections: int) -> int:
    """Raise the limit of open descriptors for so many connections, or take fewer."""
    wanted = connections + connections // 8 + _DESCRIPTORS_FOR_OTHERS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        if soft < wanted:
            return max(1, (soft - _DESCRIPTORS_FOR_OTHERS) * 8 // 9)
    return connections
