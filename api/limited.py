"""The way of a request that may be tried only so often: counted first, whatever comes of it."""

from collections.abc import Awaitable, Callable

from api.answer import Answer
from api.client_address import client_address
from api.exchange import Exchange
from api.rate_limit import rate_limit_fields
from api.responses import respond
from commands.limits import Admitted, LimiterDown, too_many
from commands.outcomes import Outcome


async def limited(
    exchange: Exchange,
    rule: str,
    subject: str | None,
    attempt: Callable[[], Awaitable[Outcome]],
    *,
    guessable: bool = True,
) -> Answer:
    """Count the attempt under a rule of `commands/limits.py`, make it if it may be made, answer.

    Where nobody can count, nothing that could be guessed or sent to others is attempted; what
    nobody can guess goes on, so that an outage ends no session. Every answer says what is left.
    """
    services = exchange.services
    scope = exchange.scope
    address = client_address(scope["client"], exchange.headers, services.trusted_proxies)
    verdict = await services.identity.limiter.admit(rule, subject=subject, address=address)
    if isinstance(verdict, Admitted) or (isinstance(verdict, LimiterDown) and not guessable):
        outcome = await attempt()
    else:
        outcome = too_many(verdict)
    answer = respond(outcome, exchange)
    answer.fields.extend(rate_limit_fields(verdict))
    return answer
