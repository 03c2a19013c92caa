"""Signing in: the order of the questions, which is what keeps an answer from telling too much.

Whatever the address, there is one look-up and one comparison, in which the password pool does the
same work for any stored hash; only then do answers differ (Guide 2). How often it may be tried is
decided before this is called.
"""

import msgspec

from commands.handle import Caller
from commands.identity import Busy, Identity, KnownAccount
from commands.limits import Admitted, too_many
from commands.mail_texts import session_reuse
from commands.outcomes import CredentialsRefused, Forbidden, Outcome, Unavailable
from commands.sessions import INVALID_REFRESH_TOKEN, Reused, renew_session, start_session

BUSY = Unavailable("overloaded", "Too many passwords wait to be compared.", retry_after=1)
WRONG = CredentialsRefused("invalid_credentials")


class Attempt(msgspec.Struct, frozen=True):
    """What somebody signs in with."""

    email_hash: str
    password: str
    code: str | None
    client: str

    def __repr__(self) -> str:
        """Show nothing, as what is shown may be logged."""
        return "Attempt(***)"


async def sign_in(identity: Identity, caller: Caller, attempt: Attempt) -> Outcome:
    """Compare the password, then the code where there is a second factor, and begin a session."""
    known = await identity.credentials.by_email(attempt.email_hash)
    account = known.account
    checked = await identity.passwords.check(
        account.password_hash if account else None,
        attempt.password,
        bcrypt_cost=known.bcrypt_cost,
    )
    if isinstance(checked, Busy):
        return BUSY
    if account is None or not checked.correct:
        return WRONG
    if account.disabled:
        return Forbidden("The account is disabled.", "account_disabled")
    if account.second_factor:
        if attempt.code is None:
            return CredentialsRefused("second_factor_required")
        refused = await _check_code(identity, caller, account, attempt.code)
        if refused is not None:
            return refused
    if checked.outdated:
        await _rehash(identity, account, attempt.password)
    return await start_session(
        identity.sessions,
        (account.id, account.version),
        caller,
        client=attempt.client,
        second_factor=account.second_factor,
    )


async def _check_code(
    identity: Identity, caller: Caller, account: KnownAccount, code: str
) -> Outcome | None:
    subject = str(account.id)
    # No rule that counts accounts alone looks at the address.
    verdict = await identity.limiter.admit("code", subject=subject, address="::")
    if not isinstance(verdict, Admitted):
        return too_many(verdict)
    if not await identity.second_factors.use(account.id, code, caller.at):
        return CredentialsRefused("invalid_code")
    await identity.limiter.forgive("code", subject)
    return None


async def stay_signed_in(identity: Identity, caller: Caller, refresh_token: str) -> Outcome:
    """Exchange a refresh token; if somebody has a copy of it, tell the owner of the account."""
    outcome = await renew_session(identity.sessions, caller, refresh_token)
    if not isinstance(outcome, Reused):
        return outcome
    account = (await identity.credentials.by_id(outcome.session.account_id)).account
    if account is not None:
        await identity.notify(
            account.id,
            account.email_hash,
            lambda to: session_reuse(to, public_url=identity.public_url),
        )
    return INVALID_REFRESH_TOKEN


async def password_is_right(
    identity: Identity, account: KnownAccount, password: str
) -> bool | Busy:
    """Compare the password of somebody who is signed in already."""
    checked = await identity.passwords.check(account.password_hash, password, bcrypt_cost=None)
    return checked if isinstance(checked, Busy) else checked.correct


async def _rehash(identity: Identity, account: KnownAccount, password: str) -> None:
    """Replace the hash by one of our own kind; another time, where the pool is full."""
    normal = identity.normalised(password)
    hashed = await identity.passwords.hash(normal) if isinstance(normal, bytes) else None
    if isinstance(hashed, str) and account.password_hash is not None:
        await identity.credentials.replace_hash(account.id, account.password_hash, hashed)
