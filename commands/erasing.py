"""Erasing a person: their key is destroyed, and with it what was ever sealed of them.

What stands outside the database goes first, as it can go again: whoever repeats the command after
a crash finds nothing half done.
"""

from uuid import UUID

from commands.accounts import change_quietly
from commands.handle import Caller
from commands.identity import Identity
from commands.outcomes import Erased, Outcome
from domain.account_decisions import Erase


async def erase(identity: Identity, caller: Caller, account_id: UUID) -> Outcome:
    """Forget a person for good. The log says that it happened, and not whom it was about."""
    known = (await identity.credentials.by_id(account_id)).account
    if known is None:
        return Erased()
    people = await identity.people.of([account_id])
    if account_id in people:
        await identity.mail_sender.forget(people[account_id].email)
    await identity.limiter.forget(known.email_hash)
    await identity.limiter.forget(str(account_id))
    row = identity.erasure_row(account_id, known.email_hash)
    return await change_quietly(identity.accounts, caller, account_id, Erase(), lambda _: [row])
