"""Commands by a caller whose account is likely to be as it was: the account is not read first.

The append checks, in its own transaction, that the account's stream stands where it was seen. So
whoever was disabled or lost a role a moment ago appends nothing, and a command that succeeds needs
one round trip to the database. Any other answer is given only by what the database says now.
"""

from collections.abc import Awaitable, Callable

from api.exchange import Exchange
from commands.outcomes import (
    Changed,
    Contended,
    Created,
    Deleted,
    Outcome,
    SubmittedByForm,
    Unauthenticated,
)
from domain.stream import Actor

Attempt = Callable[[Actor | Unauthenticated | None], Awaitable[Outcome]]

_APPENDED = (Created, Changed, SubmittedByForm, Deleted)


def _appended(outcome: Outcome) -> bool:
    return isinstance(outcome, _APPENDED)


async def as_likely(
    exchange: Exchange, attempt: Attempt, appended: Callable[[Outcome], bool] = _appended
) -> Outcome:
    """Attempt it as whoever the caller was last seen to be, and again if they have changed.

    `appended` tells which outcomes come of an append, and so of its look at the caller.
    """
    outcome = await attempt(await exchange.actor(likely=True))
    if appended(outcome):
        return outcome
    likely = exchange.signed_in
    actor = await exchange.actor()
    return outcome if exchange.signed_in == likely else await attempt(actor)


async def as_seen(exchange: Exchange, attempt: Attempt) -> Outcome:
    """Attempt it as whoever the caller is, and once more if they changed while it was done."""
    return await if_changed(exchange, attempt, await attempt(await exchange.actor()))


async def if_changed(exchange: Exchange, attempt: Attempt, outcome: Outcome) -> Outcome:
    """Give an outcome, or attempt it once more if it is that the caller changed meanwhile."""
    if not isinstance(outcome, Contended):
        return outcome
    return await attempt(await exchange.actor())
