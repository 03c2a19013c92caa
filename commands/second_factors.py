"""The second factor of an account: to set it up, to confirm it, to remove it.

A secret counts once a code has shown that an authenticator has it. Whoever sets one up or removes
one proves the password again: a token alone may have been copied. How often a password or a code
may be tried is decided before these are called.
"""

from uuid import UUID

import msgspec

from commands.accounts import ACCOUNT_NOT_FOUND, Beside, change_quietly
from commands.aggregate import Loaded
from commands.handle import Caller
from commands.identity import Busy, CodeFault, Identity, KnownAccount
from commands.mail_texts import second_factor_enabled, second_factor_removed
from commands.outcomes import Done, Forbidden, Outcome, TokensIssued
from commands.password_change import WRONG_PASSWORD
from commands.ports import Write
from commands.sign_in import BUSY, password_is_right
from domain.account import Account
from domain.account_decisions import EnableSecondFactor, RemoveSecondFactor
from domain.refusal import RejectedByState

WRONG_CODE = Forbidden("The code is not the one of this moment, or was used before.", "wrong_code")

_PRESENT = RejectedByState(
    error="second_factor_present",
    detail="The account has a second factor already.",
    collides_with="present",
)
_NOTHING_BEGUN = RejectedByState(
    error="second_factor_absent",
    detail="There is no second factor to confirm: begin with POST /me/second-factor.",
    collides_with="absent",
)

_encode = msgspec.json.Encoder().encode


class RecoveryCodesBody(msgspec.Struct, frozen=True, rename="camel"):
    """What stands in for an authenticator that is lost; each code is good for one use."""

    recovery_codes: list[str]

    def __repr__(self) -> str:
        """Show nothing, as what is shown may be logged."""
        return "RecoveryCodesBody(***)"


class Removal(msgspec.Struct, frozen=True):
    """What somebody gives to be without a second factor."""

    password: str
    code: str
    enforced: bool
    """Whether roles with power must not be without one."""

    def __repr__(self) -> str:
        """Show nothing, as what is shown may be logged."""
        return "Removal(***)"


async def begin_second_factor(identity: Identity, caller: Caller, password: str) -> Outcome:
    """Make a secret for an authenticator; it replaces one that was never confirmed."""
    account = await _proven(identity, caller, password)
    if not isinstance(account, KnownAccount):
        return account
    people = await identity.people.of([account.id])
    if account.id not in people:
        return ACCOUNT_NOT_FOUND
    enrolment = await identity.second_factors.begin(account.id, people[account.id].email)
    return _PRESENT if enrolment is None else TokensIssued(_encode(enrolment))


async def confirm_second_factor(
    identity: Identity, caller: Caller, session_id: UUID, code: str
) -> Outcome:
    """Ask for codes from now on, if this one is right; give the recovery codes, this once.

    The caller's own session counts as one in which a code was shown.
    """
    assert caller.actor is not None  # noqa: S101 - who is signed in
    account = (await identity.credentials.by_id(caller.actor.account_id)).account
    if account is None:
        return ACCOUNT_NOT_FOUND
    if account.second_factor:
        return _PRESENT
    factors = identity.second_factors
    step = await factors.check_begun(account.id, code, caller.at)
    if isinstance(step, CodeFault):
        return WRONG_CODE if step is CodeFault.WRONG else _NOTHING_BEGUN
    session = await identity.sessions.store.find(session_id)
    recovery = factors.new_recovery_codes()

    def beside(_: Loaded[Account]) -> list[Write]:
        rows = [factors.enabled_row(account.id, step, recovery)]
        if session is not None:
            shown = msgspec.structs.replace(session, second_factor=True)
            rows.append(identity.sessions.store.row(shown))
        return rows

    command = EnableSecondFactor()
    outcome = await change_quietly(identity.accounts, caller, account.id, command, beside)
    if isinstance(outcome, RejectedByState):
        return _PRESENT  # somebody confirmed it at this moment
    if not isinstance(outcome, Done):
        return outcome
    await identity.notify(
        account.id,
        account.email_hash,
        lambda to: second_factor_enabled(to, public_url=identity.public_url),
    )
    return TokensIssued(_encode(RecoveryCodesBody([code.text for code in recovery])))


async def remove_second_factor(
    identity: Identity, caller: Caller, session_id: UUID, removal: Removal
) -> Outcome:
    """Ask for the password alone from now on; of the sessions this one goes on."""
    account = await _proven(identity, caller, removal.password)
    if not isinstance(account, KnownAccount):
        return account
    command = RemoveSecondFactor(enforced=removal.enforced)
    accounts = identity.accounts
    loaded = await accounts.ledger.loader.load(accounts.aggregate, account.id)
    decision = accounts.aggregate.decide(loaded.state, command, caller.at)
    if not isinstance(decision, tuple):
        return decision  # before a code is used up for nothing
    if not decision:
        return Done()
    if not await identity.second_factors.use(account.id, removal.code, caller.at):
        return WRONG_CODE
    session = await identity.sessions.store.find(session_id)

    def kept(after: Loaded[Account]) -> list[Write]:
        if session is None:
            return []
        plain = msgspec.structs.replace(session, account_version=after.version, second_factor=False)
        return [identity.sessions.store.row(plain)]

    return await _remove(identity, caller, account, command, kept)


async def reset_second_factor(identity: Identity, caller: Caller, account_id: UUID) -> Outcome:
    """Remove the second factor of somebody who has lost it; all of their sessions end.

    Whoever calls has made sure who asks for it.
    """
    account = (await identity.credentials.by_id(account_id)).account
    if account is None:
        return ACCOUNT_NOT_FOUND
    if not account.second_factor:
        return Done()
    return await _remove(
        identity, caller, account, RemoveSecondFactor(enforced=False), lambda _: []
    )


async def _remove(
    identity: Identity,
    caller: Caller,
    account: KnownAccount,
    command: RemoveSecondFactor,
    kept: Beside,
) -> Outcome:
    def beside(after: Loaded[Account]) -> list[Write]:
        return [identity.second_factors.removed_row(account.id), *kept(after)]

    outcome = await change_quietly(identity.accounts, caller, account.id, command, beside)
    if isinstance(outcome, Done):
        await identity.notify(
            account.id,
            account.email_hash,
            lambda to: second_factor_removed(to, public_url=identity.public_url),
        )
    return outcome


async def _proven(identity: Identity, caller: Caller, password: str) -> KnownAccount | Outcome:
    """Find the account of whoever is signed in, if this is its password."""
    assert caller.actor is not None  # noqa: S101 - who is signed in
    account = (await identity.credentials.by_id(caller.actor.account_id)).account
    if account is None:
        return ACCOUNT_NOT_FOUND
    right = await password_is_right(identity, account, password)
    if isinstance(right, Busy):
        return BUSY
    return account if right else WRONG_PASSWORD
