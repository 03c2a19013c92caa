"""The requests of people who are not signed in: to register, and to replace a forgotten password.

Whatever the address, the answer is the same; the rest is said in a message to it.
"""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from litestar import Request, post

from api.account_requests import EmailToken, ForgotPassword, Register, ResetPassword
from api.answer import Answer
from api.exchange import Exchange
from api.limited import limited
from api.requests import JSON_ONLY, address_fault, read_checked
from api.responses import respond
from api.route_table import takes
from commands import registration
from commands.outcomes import (
    BodyTooLarge,
    Malformed,
    NotAcceptable,
    Outcome,
    UnsupportedMediaType,
)
from commands.password_change import forget_password, reset_forgotten
from commands.registration import Applicant

Incoming = Request[Any, Any, Any]

T = TypeVar("T")

_REFUSED = (Malformed, BodyTooLarge, NotAcceptable, UnsupportedMediaType)


@post("/register", status_code=202, opt=takes(*JSON_ONLY))
async def register(request: Incoming) -> Answer:
    """Ask for an account. A message with a token goes to the address.

    Nobody is told here whether the address has an account already; its owner is, by message.
    """
    exchange = Exchange.of(request.scope)

    async def do(asked: Register) -> Outcome:
        applicant = Applicant(asked.email, asked.password, asked.name)
        caller = exchange.stranger("Register")
        return await registration.apply(exchange.services.identity, caller, applicant)

    return await _about_address(exchange, "register", Register, do)


@post("/register/verify", status_code=201, opt=takes(*JSON_ONLY))
async def verify(request: Incoming) -> Answer:
    """Open the account with the token from the message."""
    exchange = Exchange.of(request.scope)

    async def do(asked: EmailToken) -> Outcome:
        caller = exchange.stranger("VerifyRegistration")
        return await registration.verify(exchange.services.identity, caller, asked.token)

    return await _with_token(exchange, EmailToken, do)


@post("/password/forgot", status_code=202, opt=takes(*JSON_ONLY))
async def forgot(request: Incoming) -> Answer:
    """Ask for a message with a token that allows a new password."""
    exchange = Exchange.of(request.scope)

    async def do(asked: ForgotPassword) -> Outcome:
        caller = exchange.stranger("ForgetPassword")
        return await forget_password(exchange.services.identity, caller, asked.email)

    return await _about_address(exchange, "forgot_password", ForgotPassword, do)


@post("/password/reset", status_code=200, opt=takes(*JSON_ONLY))
async def reset(request: Incoming) -> Answer:
    """Choose a new password with the token from the message; all sessions end."""
    exchange = Exchange.of(request.scope)

    async def do(asked: ResetPassword) -> Outcome:
        caller = exchange.stranger("ResetPassword")
        identity = exchange.services.identity
        return await reset_forgotten(identity, caller, asked.token, asked.password)

    return await _with_token(exchange, ResetPassword, do)


HANDLERS = (register, verify, forgot, reset)


async def _about_address(
    exchange: Exchange,
    rule: str,
    type_: type[T],
    do: Callable[[T], Awaitable[Outcome]],
) -> Answer:
    asked: Any = await read_checked(exchange, type_)
    if isinstance(asked, _REFUSED):
        return respond(asked, exchange)
    fault = address_fault(exchange, asked.email)
    if fault is not None:
        return respond(fault, exchange)
    email_hash = exchange.services.identity.accounts.personal_data.email_hash(asked.email)
    return await limited(exchange, rule, email_hash, lambda: do(asked))


async def _with_token(
    exchange: Exchange, type_: type[T], do: Callable[[T], Awaitable[Outcome]]
) -> Answer:
    asked = await read_checked(exchange, type_)
    if isinstance(asked, _REFUSED):
        return respond(asked, exchange)
    return await limited(exchange, "token", None, lambda: do(asked), guessable=False)
