"""Tiny applications that show a test what the server made of its bytes."""

import asyncio
import threading

import msgspec

from infra.http_server.exchange import AsgiApp, Message, Receive, Send
from tests.infra.http_server.live_server import LiveServer

Headers = tuple[tuple[bytes, bytes], ...]


def with_lifespan(app: AsgiApp) -> AsgiApp:
    """Add a lifespan that starts and stops at once."""

    async def wrapped(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await app(scope, receive, send)
            return
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})

    return wrapped


async def read_body(receive: Receive) -> bytes | None:
    """Read a whole body; None where the client left."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message["body"]
        if not message["more_body"]:
            return bytes(body)


async def reply(send: Send, body: bytes = b"ok", status: int = 200, headers: Headers = ()) -> None:
    """Answer in one go, with a length."""
    length = (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})


@with_lifespan
async def mirror(scope: Message, receive: Receive, send: Send) -> None:
    """Answer with the request as it arrived."""
    body = await read_body(receive)
    seen = {
        "method": scope["method"],
        "path": scope["path"],
        "rawPath": scope["raw_path"].decode("latin-1"),
        "query": scope["query_string"].decode("latin-1"),
        "httpVersion": scope["http_version"],
        "headers": [[n.decode("latin-1"), v.decode("latin-1")] for n, v in scope["headers"]],
        "body": None if body is None else body.decode("latin-1"),
    }
    await reply(send, msgspec.json.encode(seen))


@with_lifespan
async def early(_scope: Message, _receive: Receive, send: Send) -> None:
    """Answer without reading the body."""
    await reply(send, b"early")


class Gate:
    """An application that says when it was reached and answers when it is let."""

    def __init__(self) -> None:
        """Begin closed."""
        self.reached = threading.Semaphore(0)
        self._opened = asyncio.Event()
        self.app = with_lifespan(self._app)

    def open(self, server: LiveServer) -> None:
        """Let all requests through."""
        server.loop.call_soon_threadsafe(self._opened.set)

    async def _app(self, _scope: Message, _receive: Receive, send: Send) -> None:
        self.reached.release()
        await self._opened.wait()
        await reply(send)


class Switch:
    """An application that is whatever a test sets."""

    def __init__(self) -> None:
        """Begin as `mirror`."""
        self.app: AsgiApp = mirror

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Hand over; `mirror` minds the lifespan."""
        app = mirror if scope["type"] == "lifespan" else self.app
        await app(scope, receive, send)
