"""One request as the endpoints see it: its header fields, its caller, its body, its services.

Made once for each request, cheaply: nothing is parsed before somebody asks.
"""

from collections.abc import AsyncGenerator, Mapping
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from litestar.types import Receive, Scope

from api.headers import Headers
from api.services import Services, VerifiedToken
from commands.handle import Caller
from commands.outcomes import BodyTooLarge, Unauthenticated
from commands.redirects import RouteAt
from commands.tracing import Span
from domain.account import stream
from domain.stream import Actor
from projections.accounts import SignedIn

_KEY = "ledgerpress.exchange"
"""Where in the ASGI scope the edge leaves the exchange."""


def _nowhere(_path: str) -> None:
    return None


class ClientGoneError(Exception):
    """The client left before its request was complete; there is nobody to answer."""


class Exchange:
    """A request and what is needed to answer it."""

    __slots__ = (
        "_body",
        "_receive",
        "error",
        "head",
        "headers",
        "outcome",
        "parameters",
        "request_id",
        "route_at",
        "scope",
        "services",
        "signed_in",
        "span",
    )

    def __init__(self, scope: Scope, receive: Receive, services: Services, request_id: str) -> None:
        self.scope = scope
        self._receive = receive
        self._body: bytes | BodyTooLarge | None = None
        self.headers = Headers(scope["headers"])
        self.services = services
        self.request_id = request_id
        self.signed_in: SignedIn | None = None
        """Whoever asks, as `actor` found them."""
        self.parameters: Mapping[str, str] = {}
        self.route_at: RouteAt = _nowhere
        """Tells which route takes a path; set at the edge."""
        self.head = False
        """Whether it came as HEAD, which is answered as GET."""
        self.outcome: type | None = None
        """Of what kind the outcome was that made the answer, for those who count."""
        self.error: str | None = None
        """The error of the catalogue that the answer names, likewise."""
        self.span: Span | None = None
        """Of the request, where traces are made."""

    @classmethod
    def begin(cls, scope: Scope, receive: Receive, services: Services, request_id: str) -> Self:
        """Begin an exchange and leave it in the scope for the endpoint."""
        exchange = cls(scope, receive, services, request_id)
        raw: Any = scope
        raw[_KEY] = exchange
        return exchange

    @staticmethod
    def of(scope: Scope) -> "Exchange":
        """Give the exchange that the edge began."""
        raw: Any = scope
        exchange: Exchange = raw[_KEY]
        return exchange

    @property
    def trace(self) -> str | None:
        """What events are said to be part of."""
        return None if self.span is None else self.span.trace_parent

    @property
    def method(self) -> str:
        """The request's method."""
        scope: Any = self.scope
        method: str = scope["method"]
        return method

    @property
    def path(self) -> str:
        """The path as the client sent it, for `instance`."""
        raw_path: bytes | None = self.scope.get("raw_path")
        return raw_path.decode("latin-1").partition("?")[0] if raw_path else self.scope["path"]

    @property
    def query(self) -> bytes:
        """The query string, without its question mark."""
        query: bytes = self.scope["query_string"]
        return query

    def parameter(self, name: str) -> str:
        """Give a part of the path."""
        return self.parameters[name]

    def now(self) -> datetime:
        """Read the clock, once for each request that needs it."""
        return self.services.now()

    async def actor(self, *, likely: bool = False) -> Actor | Unauthenticated | None:
        """Find out who asks; None for nobody in particular.

        The token only proves the account. What the account may do is read from the database. With
        `likely` what was read last will do, for commands alone: their append fails if the account
        has changed since, see `caller` and `api/likely.py`.
        """
        proven = self._proven()
        if proven is None or isinstance(proven, Unauthenticated):
            return proven
        queries = self.services.account_queries
        found = queries.remembered(proven.session_id) if likely else None
        if found is None:
            found = await queries.by_session(proven.session_id)
        self.signed_in = found
        if found is None or found.account.id != proven.account_id or found.gone:
            return Unauthenticated("The session is over.", token_given=True)
        return found.actor(enforced=self.services.second_factor_enforced)

    def _proven(self) -> VerifiedToken | Unauthenticated | None:
        authorization = self.headers.one(b"authorization")
        if authorization is None:
            return None
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            return Unauthenticated("Only Bearer tokens are taken.", token_given=True)
        verified = self.services.verify_token(token.strip(), self.now())
        if verified is None:
            return Unauthenticated("The access token is not valid.", token_given=True)
        return verified

    def caller(self, actor: Actor, command: str) -> Caller:
        """Name who gives a command, for the log, and what it must find unchanged of them."""
        known = self.signed_in
        return Caller(
            actor=actor,
            at=self.now(),
            command=command,
            request_id=self.request_id,
            trace=self.trace,
            seen=() if known is None else ((stream(known.account.id), known.account.version),),
        )

    @property
    def session_id(self) -> UUID:
        """The session of whoever asks, once `actor` has found somebody."""
        assert self.signed_in is not None  # noqa: S101 - as is said
        return self.signed_in.session_id

    def owner(self, actor: Actor, command: str) -> Caller:
        """Name who gives a command about their own account: nothing else of them need hold."""
        return Caller(actor, self.now(), command, self.request_id, trace=self.trace)

    def stranger(self, command: str) -> Caller:
        """Name the request of somebody who has not shown who they are."""
        return Caller(None, self.now(), command, self.request_id, trace=self.trace)

    async def body(self) -> bytes | BodyTooLarge:
        """Give the whole body, read no further than the limit.

        It comes but once, and a command that lost a race asks for it again.
        """
        if self._body is None:
            self._body = await self._read_body()
        return self._body

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """Give the body as it comes, in pieces of any size; it comes but once.

        Raises `ClientGoneError`.
        """
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            piece = message.get("body", b"")
            assert isinstance(piece, bytes)  # noqa: S101 - the ASGI specification
            more = bool(message.get("more_body", False))
            yield piece

    async def _read_body(self) -> bytes | BodyTooLarge:
        limit = self.services.max_body_bytes
        pieces: list[bytes] = []
        size = 0
        async for piece in self.pieces():
            size += len(piece)
            if size > limit:
                return BodyTooLarge(limit)
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)
