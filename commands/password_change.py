"""New passwords: by the old one, or by a token from a message. Either ends older sessions."""

from datetime import timedelta
from uuid import UUID

import msgspec

from commands.accounts import ACCOUNT_NOT_FOUND, Beside, change_quietly
from commands.aggregate import Loaded
from commands.handle import Caller
from commands.identity import Busy, Identity, KnownAccount, PasswordFault
from commands.mail_texts import no_account, password_changed, reset_password
from commands.outcomes import Done, Forbidden, MailFollows, Outcome
from commands.ports import Write
from commands.registration import TOKEN_UNKNOWN, refused_password
from commands.sign_in import BUSY, password_is_right
from domain.account import Account, PasswordChangedBy
from domain.account_decisions import ChangePassword

RESET_LIFETIME = timedelta(minutes=30)

WRONG_PASSWORD = Forbidden("The present password is another.", "wrong_password")


class NewPassword(msgspec.Struct, frozen=True):
    """The password that somebody wants, and the one that they have."""

    current: str
    new: str

    def __repr__(self) -> str:
        """Show nothing, as what is shown may be logged."""
        return "NewPassword(***)"


async def change_password(
    identity: Identity, caller: Caller, session_id: UUID, wanted: NewPassword
) -> Outcome:
    """Change it for somebody who knows the present one; of the sessions this one goes on."""
    assert caller.actor is not None  # noqa: S101 - who is signed in
    account = (await identity.credentials.by_id(caller.actor.account_id)).account
    if account is None:
        return ACCOUNT_NOT_FOUND
    right = await password_is_right(identity, account, wanted.current)
    if isinstance(right, Busy):
        return BUSY
    if not right:
        return WRONG_PASSWORD
    hashed = await _hashed(identity, account, wanted.new, "newPassword")
    if not isinstance(hashed, str):
        return hashed
    session = await identity.sessions.store.find(session_id)

    def beside(after: Loaded[Account]) -> list[Write]:
        rows = [identity.credentials.password_row(account.id, hashed)]
        if session is not None:
            kept = msgspec.structs.replace(session, account_version=after.version)
            rows.append(identity.sessions.store.row(kept))
        return rows

    return await _set(identity, caller, account, PasswordChangedBy.OWNER, beside)


async def forget_password(identity: Identity, caller: Caller, email: str) -> Outcome:
    """Queue a message with a token for the account's owner, or one that there is no account."""
    email_hash = identity.accounts.personal_data.email_hash(email)
    account = (await identity.credentials.by_email(email_hash)).account
    account_id = account.id if account else identity.accounts.ledger.new_id()
    people = await identity.people.of([account_id])
    token = identity.sessions.new_secret()
    await identity.resets.put(token.hash, account_id, caller.at + RESET_LIFETIME)
    if account_id in people:
        mail = reset_password(
            people[account_id].email,
            token=token.text,
            public_url=identity.public_url,
            minutes=int(RESET_LIFETIME.total_seconds() // 60),
        )
    else:
        mail = no_account(email.strip(), public_url=identity.public_url)
    await identity.mails.put(mail, email_hash)
    return MailFollows()


async def reset_forgotten(identity: Identity, caller: Caller, token: str, password: str) -> Outcome:
    """Set the password of whoever got the message; a password refused does not use the token up."""
    given = identity.sessions.hash_of(token)
    account_id = await identity.resets.find(given, caller.at)
    known = None if account_id is None else (await identity.credentials.by_id(account_id)).account
    if known is None:
        return TOKEN_UNKNOWN
    hashed = await _hashed(identity, known, password, "password")
    if not isinstance(hashed, str):
        return hashed
    if not await identity.resets.take(given):
        return TOKEN_UNKNOWN
    row = identity.credentials.password_row(known.id, hashed)
    return await _set(identity, caller, known, PasswordChangedBy.RESET, lambda _: [row])


async def _set(
    identity: Identity,
    caller: Caller,
    account: KnownAccount,
    by: PasswordChangedBy,
    beside: Beside,
) -> Outcome:
    command = ChangePassword(by)
    outcome = await change_quietly(identity.accounts, caller, account.id, command, beside)
    if isinstance(outcome, Done):
        await identity.notify(
            account.id,
            account.email_hash,
            lambda to: password_changed(to, public_url=identity.public_url),
        )
    return outcome


async def _hashed(
    identity: Identity, account: KnownAccount, password: str, member: str
) -> str | Outcome:
    people = await identity.people.of([account.id])
    person = people.get(account.id)
    known = [] if person is None else [person.email, person.name or ""]
    normal = identity.new_password(password, known)
    if isinstance(normal, PasswordFault):
        return refused_password(normal, member)
    hashed = await identity.passwords.hash(normal)
    return BUSY if isinstance(hashed, Busy) else hashed
