"""An answer: status, header fields and body, ready to be sent.

Litestar sends what a handler returns when it is an ASGI application, which an `Answer` is. The
fields that every answer carries (request id, security) are added at the edge, see `api/edge.py`.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from litestar.types import Receive, Scope, Send

Field = tuple[bytes, bytes]
"""A header field: its lowercase name, its value."""

JSON = (b"content-type", b"application/json")
NO_STORE = (b"cache-control", b"no-store")


class Answer:
    """A complete answer. The body's length is sent with it, but for 204 and 304."""

    __slots__ = ("body", "fields", "status")

    def __init__(self, status: int, fields: list[Field], body: bytes = b"") -> None:
        self.status = status
        self.fields = fields
        self.body = body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Send it."""
        fields = self.fields
        if self.status not in {204, 304}:
            fields.append((b"content-length", b"%d" % len(self.body)))
        await send({"type": "http.response.start", "status": self.status, "headers": fields})
        await send({"type": "http.response.body", "body": self.body, "more_body": False})


class StreamedAnswer:
    """An answer whose body comes in pieces, in bounded memory."""

    __slots__ = ("fields", "pieces", "status")

    def __init__(
        self, status: int, fields: list[Field], pieces: AsyncGenerator[bytes, None]
    ) -> None:
        self.status = status
        self.fields = fields
        self.pieces = pieces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Send it piece by piece, as fast as the client takes it.

        It begins with the first piece: what fails before that can still be told. When a later one
        cannot be made, the error passes through and the server cuts the connection, so that a body
        cut short never looks complete.
        """
        async with aclosing(self.pieces) as pieces:
            first = await anext(pieces, b"")
            await send(
                {"type": "http.response.start", "status": self.status, "headers": self.fields}
            )
            await send({"type": "http.response.body", "body": first, "more_body": True})
            async for piece in pieces:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
