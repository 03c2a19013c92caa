"""Registering: who asks waits outside the log until they have shown that the address is theirs.

The log cannot be undone, so strangers must not be able to add to it; and whoever asks is told the
same whether or not the address has an account, whose owner is told by a message instead.
"""

from datetime import timedelta

import msgspec

from commands.accounts import Registration, register
from commands.handle import Caller
from commands.identity import Busy, Identity, PasswordFault, Pending
from commands.mail_texts import already_registered, verify_registration
from commands.outcomes import Contended, Created, MailFollows, Outcome
from commands.sign_in import BUSY
from domain.refusal import RejectedByState, RejectedByValue
from domain.stream import Role

REGISTRATION_LIFETIME = timedelta(hours=24)

TOKEN_UNKNOWN = RejectedByValue(
    error="email_token_unknown",
    detail="token: It is unknown, was used, or its time is over. Ask for another message.",
    member="token",
)


class Applicant(msgspec.Struct, frozen=True):
    """Somebody who wants an account."""

    email: str
    password: str
    name: str | None

    def __repr__(self) -> str:
        """Show nothing, as what is shown may be logged."""
        return "Applicant(***)"


async def apply(identity: Identity, caller: Caller, applicant: Applicant) -> Outcome:
    """Keep the applicant and queue a message, with the same steps whoever has the address."""
    password = identity.new_password(applicant.password, _known_of(applicant))
    if isinstance(password, PasswordFault):
        return refused_password(password, "password")
    hashed = await identity.passwords.hash(password)
    if isinstance(hashed, Busy):
        return BUSY
    email_hash = identity.accounts.personal_data.email_hash(applicant.email)
    owner = (await identity.credentials.by_email(email_hash)).account
    new_id = identity.accounts.ledger.new_id()
    people = await identity.people.of([owner.id if owner else new_id])
    token = identity.sessions.new_secret()
    pending = Pending(
        account_id=new_id,
        email=applicant.email.strip(),
        email_hash=email_hash,
        name=applicant.name,
        password_hash=hashed,
        expires_at=caller.at + REGISTRATION_LIFETIME,
    )
    await identity.registrations.put(token.hash, pending)
    if owner is not None and owner.id in people:
        # To the address as it was registered: two that look alike may be equal to us alone.
        mail = already_registered(people[owner.id].email, public_url=identity.public_url)
    else:
        mail = verify_registration(
            pending.email,
            token=token.text,
            public_url=identity.public_url,
            hours=int(REGISTRATION_LIFETIME.total_seconds() // 3600),
        )
    await identity.mails.put(mail, email_hash)
    return MailFollows()


async def verify(identity: Identity, caller: Caller, token: str) -> Outcome:
    """Open the account of whoever got the message, unless the address has one by now."""
    pending = await identity.registrations.find(identity.sessions.hash_of(token), caller.at)
    if pending is None:
        return TOKEN_UNKNOWN
    person = Registration(
        account_id=pending.account_id,
        email=pending.email,
        name=pending.name,
        roles=frozenset({Role.AUTHOR}),
        password_hash=pending.password_hash,
    )
    outcome = await register(identity.accounts, caller, person)
    if isinstance(outcome, Contended):
        return TOKEN_UNKNOWN  # somebody used it at this moment
    if isinstance(outcome, Created | RejectedByState):
        await identity.registrations.remove(pending.email_hash)
    return outcome


def refused_password(fault: PasswordFault, member: str) -> RejectedByValue:
    """Say why a password is not taken."""
    return RejectedByValue(
        error=fault.error, detail=f"{member}: The password {fault.reason}.", member=member
    )


def _known_of(applicant: Applicant) -> list[str]:
    return [applicant.email] if applicant.name is None else [applicant.email, applicant.name]
