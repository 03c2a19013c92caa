"""The requests that begin, renew and end sessions (Guide 2)."""

from typing import Any

from litestar import Request, post

from api.account_requests import Login, Logout, Refresh
from api.answer import Answer
from api.exchange import Exchange
from api.limited import limited
from api.requests import JSON_ONLY, address_fault, read_checked, required_actor
from api.responses import respond
from api.route_table import takes
from commands.outcomes import (
    BodyTooLarge,
    Malformed,
    NotAcceptable,
    Outcome,
    TokensIssued,
    Unauthenticated,
    UnsupportedMediaType,
)
from commands.sessions import end_all_sessions, end_session
from commands.sign_in import Attempt, sign_in, stay_signed_in
from domain.account import SessionEndedBy

Incoming = Request[Any, Any, Any]

_LONGEST_CLIENT = 200
_REFUSED = (Malformed, BodyTooLarge, NotAcceptable, UnsupportedMediaType)


@post("/login", status_code=200, opt=takes(*JSON_ONLY))
async def login(request: Incoming) -> Answer:
    """Sign in with address and password, and a code where the account has a second factor.

    Unknown address, wrong password and damaged hash have one answer. Sends an access token for 15
    minutes and a refresh token, which is good for one use.
    """
    exchange = Exchange.of(request.scope)
    asked = await read_checked(exchange, Login)
    if isinstance(asked, _REFUSED):
        return respond(asked, exchange)
    fault = address_fault(exchange, asked.email)
    if fault is not None:
        return respond(fault, exchange)
    identity = exchange.services.identity
    email_hash = identity.accounts.personal_data.email_hash(asked.email)
    attempt = Attempt(email_hash, asked.password, asked.code, client_name(exchange))

    async def do() -> Outcome:
        outcome = await sign_in(identity, exchange.stranger("SignIn"), attempt)
        if isinstance(outcome, TokensIssued):
            await identity.limiter.forgive("login", email_hash)
        return outcome

    return await limited(exchange, "login", email_hash, do)


@post("/token/refresh", status_code=200, opt=takes(*JSON_ONLY))
async def refresh(request: Incoming) -> Answer:
    """Exchange a refresh token for a new pair of tokens.

    A refresh token that is used a second time ends its session: somebody may have a copy.
    """
    exchange = Exchange.of(request.scope)
    asked = await read_checked(exchange, Refresh)
    if isinstance(asked, _REFUSED):
        return respond(asked, exchange)
    identity = exchange.services.identity
    caller = exchange.stranger("RenewSession")

    async def do() -> Outcome:
        return await stay_signed_in(identity, caller, asked.refresh_token)

    return await limited(exchange, "refresh", None, do, guessable=False)


@post("/logout", status_code=200, opt=takes(*JSON_ONLY))
async def logout(request: Incoming) -> Answer:
    """End this session, or all of the account; their tokens are worth nothing from now on.

    Takes no body, or one that says `everywhere`.
    """
    exchange = Exchange.of(request.scope)
    return respond(await _logout(exchange), exchange)


HANDLERS = (login, refresh, logout)


async def _logout(exchange: Exchange) -> Outcome:
    actor = await required_actor(exchange, "Logging out")
    if isinstance(actor, Unauthenticated):
        return actor
    asked: Any = Logout()
    if await exchange.body():
        asked = await read_checked(exchange, Logout)
        if not isinstance(asked, Logout):
            return asked  # type: ignore[no-any-return]  # an outcome
    sessions = exchange.services.identity.sessions
    caller = exchange.owner(actor, "Logout")
    if asked.everywhere:
        return await end_all_sessions(sessions, caller)
    return await end_session(sessions, caller, exchange.session_id, SessionEndedBy.LOGOUT)


def client_name(exchange: Exchange) -> str:
    """Give what the client calls itself, as far as it can be shown."""
    name = exchange.headers.one(b"user-agent") or ""
    return "".join(c if c.isprintable() else "?" for c in name[:_LONGEST_CLIENT])
