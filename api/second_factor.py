"""The second factor of one's own account: to set it up, to confirm it, to remove it."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from litestar import Request, post

from api.account_requests import (
    BeginSecondFactor,
    ConfirmSecondFactor,
    RemoveSecondFactor,
)
from api.answer import Answer
from api.exchange import Exchange
from api.likely import if_changed
from api.limited import limited
from api.requests import JSON_ONLY, read_checked, required_actor
from api.responses import respond
from api.route_table import takes
from commands.handle import Caller
from commands.outcomes import (
    BodyTooLarge,
    Malformed,
    NotAcceptable,
    Outcome,
    Unauthenticated,
    UnsupportedMediaType,
)
from commands.second_factors import (
    Removal,
    begin_second_factor,
    confirm_second_factor,
    remove_second_factor,
)
from domain.stream import Actor

T = TypeVar("T")
Incoming = Request[Any, Any, Any]

_REFUSED = (Malformed, BodyTooLarge, NotAcceptable, UnsupportedMediaType)


@post("/me/second-factor", status_code=200, opt=takes(*JSON_ONLY))
async def begin(request: Incoming) -> Answer:
    """Begin to set up a second factor: the secret for an authenticator app.

    Nothing changes until a code confirms it. Asking again replaces a secret that was not confirmed.
    """
    exchange = Exchange.of(request.scope)
    identity = exchange.services.identity

    async def do(caller: Caller, asked: BeginSecondFactor) -> Outcome:
        return await begin_second_factor(identity, caller, asked.password)

    return await _own(exchange, BeginSecondFactor, do)


@post("/me/second-factor/confirm", status_code=200, opt=takes(*JSON_ONLY))
async def confirm(request: Incoming) -> Answer:
    """Confirm the second factor with a code: logging in takes one from now on.

    Answers with the recovery codes, which are never shown again. The session that asks counts as
    one in which a code was shown.
    """
    exchange = Exchange.of(request.scope)
    identity = exchange.services.identity

    async def do(caller: Caller, asked: ConfirmSecondFactor) -> Outcome:
        return await confirm_second_factor(identity, caller, exchange.session_id, asked.code)

    return await _own(exchange, ConfirmSecondFactor, do)


@post("/me/second-factor/remove", status_code=200, opt=takes(*JSON_ONLY))
async def remove(request: Incoming) -> Answer:
    """Remove the second factor; every session but this one ends."""
    exchange = Exchange.of(request.scope)
    services = exchange.services

    async def do(caller: Caller, asked: RemoveSecondFactor) -> Outcome:
        removal = Removal(asked.password, asked.code, services.second_factor_enforced)
        return await remove_second_factor(services.identity, caller, exchange.session_id, removal)

    return await _own(exchange, RemoveSecondFactor, do)


HANDLERS = (begin, confirm, remove)


async def _own(
    exchange: Exchange, type_: type[T], do: Callable[[Caller, T], Awaitable[Outcome]]
) -> Answer:
    actor = await required_actor(exchange, "Changing a second factor")
    if isinstance(actor, Unauthenticated):
        return respond(actor, exchange)
    asked = await read_checked(exchange, type_)
    if isinstance(asked, _REFUSED):
        return respond(asked, exchange)

    async def attempt(actor: Actor | Unauthenticated | None) -> Outcome:
        if actor is None or isinstance(actor, Unauthenticated):
            return actor or Unauthenticated("The account is gone.", token_given=True)
        # Not `owner`: a session that ended at this moment must not be written as one that goes on.
        return await do(exchange.caller(actor, type_.__name__), asked)

    async def and_again() -> Outcome:
        return await if_changed(exchange, attempt, await attempt(actor))

    return await limited(exchange, "password", str(actor.account_id), and_again)
