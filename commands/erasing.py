"""Erasing a person: their key is destroyed, and with it what was ever sealed of them.

What stands outside the database goes before and after: before, so that whoever repeats the command
after a crash finds nothing half done; after, as a message may have been sent in between.
"""

from uuid import UUID

from commands.accounts import change_quietly
from commands.handle import Caller
from commands.identity import Identity, KnownAccount
from commands.outcomes import Done, Erased, Outcome
from domain.account_decisions import Erase


async def erase(identity: Identity, caller: Caller, account_id: UUID) -> Outcome:
    """Forget a person for good. The log says that it happened, and not whom it was about."""
    known = (await identity.credentials.by_id(account_id)).account
    if known is None:
        return Erased()
    person = (await identity.people.of([account_id])).get(account_id)
    address = None if person is None else person.email
    row = identity.erasure_row(account_id, known.email_hash)
    await _forget_outside(identity, caller, known, address)
    outcome = await change_quietly(identity.accounts, caller, account_id, Erase(), lambda _: [row])
    await _forget_outside(identity, caller, known, address)
    if isinstance(outcome, Done):
        await identity.forget_files(caller, account_id)
    return outcome


async def _forget_outside(
    identity: Identity, caller: Caller, account: KnownAccount, address: str | None
) -> None:
    if address is not None:
        await identity.mail_sender.forget(address)
    await identity.limiter.forget(account.email_hash)
    await identity.limiter.forget(str(account.id))
    await identity.forget_exports(caller, account.id)
