"""The commands on second factors, on a real log: what each asks for, changes, and leaves alone."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import msgspec
import pyotp
import pytest

from commands.accounts import Registration, register
from commands.handle import Caller
from commands.identity import Enrolment, Identity
from commands.mail import TakenMail
from commands.outcomes import Contended, CredentialsRefused, Done, Outcome, TokensIssued
from commands.password_change import WRONG_PASSWORD
from commands.second_factors import (
    WRONG_CODE,
    RecoveryCodesBody,
    Removal,
    begin_second_factor,
    confirm_second_factor,
    remove_second_factor,
    reset_second_factor,
)
from commands.sessions import end_session
from commands.sign_in import Attempt, sign_in
from domain import account
from domain.account import (
    Registered,
    SecondFactorEnabled,
    SecondFactorRemoved,
    SessionEnded,
    SessionEndedBy,
)
from domain.events import Event
from domain.refusal import RejectedByState
from domain.stream import Actor, Role
from infra.bootstrap import Product, identity, open_product
from infra.identity.limits import redis_limiter
from infra.identity.passwords import CHEAP
from tests.support.accounts import AT, OPERATOR, a_session, random_keys
from tests.support.product import PASSWORD
from tests.support.services import settings_in

STEP = timedelta(seconds=30)
EMAIL = "ada@example.org"


class Person(msgspec.Struct, frozen=True):
    """Somebody who is signed in, in two sessions."""

    product: Product
    identity: Identity
    id: UUID
    session: UUID
    other_session: UUID

    async def caller(self) -> Caller:
        """Speak for the person as an endpoint does: as they were last seen."""
        known = await self.product.account_queries.by_session(self.session)
        assert known is not None
        seen = ((account.stream(self.id), known.account.version),)
        return Caller(Actor(self.id, frozenset()), AT, "Test", seen=seen)

    async def begin(self, password: str = PASSWORD) -> Outcome:
        """Begin a second factor."""
        return await begin_second_factor(self.identity, await self.caller(), password)

    async def confirm(self, code: str) -> Outcome:
        """Confirm it in the first session."""
        return await confirm_second_factor(self.identity, await self.caller(), self.session, code)

    async def remove(
        self, code: str, *, password: str = PASSWORD, enforced: bool = False
    ) -> Outcome:
        """Remove it in the first session."""
        removal = Removal(password, code, enforced)
        return await remove_second_factor(self.identity, await self.caller(), self.session, removal)

    async def sign_in(self, code: str | None) -> Outcome:
        """Sign in with the right password."""
        email_hash = self.product.personal_data.email_hash(EMAIL)
        caller = Caller(None, AT, "SignIn")
        return await sign_in(self.identity, caller, Attempt(email_hash, PASSWORD, code, ""))

    async def enable(self) -> tuple[pyotp.TOTP, list[str]]:
        """Enable one; give its authenticator and the recovery codes."""
        authenticator = authenticator_of(await self.begin())
        return authenticator, recovery_codes(await self.confirm(authenticator.at(AT - STEP)))

    async def sessions(self) -> dict[UUID, tuple[bool, bool]]:
        """Tell of each session whether it is over, and whether a second factor was shown."""
        found = {
            session: await self.product.account_queries.by_session(session)
            for session in (self.session, self.other_session)
        }
        return {key: (known.over, known.second_factor) for key, known in found.items() if known}

    async def events(self) -> list[Event]:
        """Read what happened to the account since it was opened."""
        recorded = await self.product.store.read_stream(account.stream(self.id))
        assert isinstance(recorded[0].event, Registered)
        return [each.event for each in recorded[1:]]

    async def mails(self) -> list[str]:
        """Read the subjects of the messages that wait."""
        taken = await self.product.mails.take(100, timedelta(minutes=1))
        mails = [each.mail for each in taken if isinstance(each, TakenMail)]
        assert {mail.to for mail in mails} <= {EMAIL}
        return [mail.subject for mail in mails]


@pytest.fixture
async def person(database_url: str, redis_url: str) -> AsyncIterator[Person]:
    """Open the product with one account in it, an admin's."""
    async with (
        open_product(database_url, random_keys(), hashing=CHEAP) as product,
        redis_limiter(redis_url, key=b"") as limiter,
    ):
        hashed = await product.passwords.hash(PASSWORD.encode())
        assert isinstance(hashed, str)
        registration = Registration(
            account_id=product.ledger.new_id(),
            email=EMAIL,
            name=None,
            roles=frozenset({Role.ADMIN, Role.AUTHOR}),
            password_hash=hashed,
        )
        await register(product.accounts, OPERATOR, registration)
        yield Person(
            product,
            identity(product, settings_in(Path("unused")), limiter),
            registration.account_id,
            await a_session(product, registration.account_id, AT),
            await a_session(product, registration.account_id, AT),
        )


def authenticator_of(outcome: Outcome) -> pyotp.TOTP:
    """Tell an authenticator what was answered."""
    assert isinstance(outcome, TokensIssued), outcome
    return pyotp.TOTP(msgspec.json.decode(outcome.body, type=Enrolment).secret)


def recovery_codes(outcome: Outcome) -> list[str]:
    """Read the recovery codes in an answer."""
    assert isinstance(outcome, TokensIssued), outcome
    return msgspec.json.decode(outcome.body, type=RecoveryCodesBody).recovery_codes


async def test_begun(person: Person) -> None:
    """The password is proved again; until a code confirms it nothing has changed."""
    assert await person.begin("another password") == WRONG_PASSWORD
    first = authenticator_of(await person.begin())
    second = authenticator_of(await person.begin())

    assert first.secret != second.secret
    assert await person.confirm(first.at(AT)) == WRONG_CODE
    assert isinstance(await person.sign_in(None), TokensIssued)
    assert await person.events() == []
    assert await person.mails() == []


async def test_confirmed(person: Person) -> None:
    """A right code confirms it: event, recovery codes, the session, a message."""
    authenticator = authenticator_of(await person.begin())
    codes = recovery_codes(await person.confirm(authenticator.at(AT)))

    assert len(codes) == 10
    assert await person.events() == [SecondFactorEnabled()]
    assert await person.sessions() == {
        person.session: (False, True),
        person.other_session: (False, False),
    }
    assert await person.mails() == ["Logging in takes a code now"]


async def test_nothing_to_confirm(person: Person) -> None:
    """Confirming needs a beginning, and neither is repeated once there is one."""
    nothing = await person.confirm("123456")
    authenticator, _ = await person.enable()
    again = await person.confirm(authenticator.at(AT))
    anew = await person.begin()

    assert isinstance(nothing, RejectedByState)
    assert nothing.collides_with == "absent"
    assert isinstance(again, RejectedByState)
    assert again == anew
    assert again.collides_with == "present"


async def test_rivals(person: Person) -> None:
    """Of many who confirm at once one is given recovery codes, and they are the ones kept."""
    authenticator = authenticator_of(await person.begin())
    outcomes = await asyncio.gather(*(person.confirm(authenticator.at(AT)) for _ in range(5)))

    done = [outcome for outcome in outcomes if isinstance(outcome, TokensIssued)]
    assert len(done) == 1
    assert await person.events() == [SecondFactorEnabled()]
    assert isinstance(await person.sign_in(recovery_codes(done[0])[0]), TokensIssued)


async def test_signing_in(person: Person) -> None:
    """From then on the password alone is not enough; a code makes a session that counts."""
    authenticator, recovery = await person.enable()
    code = authenticator.at(AT)

    assert await person.sign_in(None) == CredentialsRefused("second_factor_required")
    assert await person.sign_in("000000") == CredentialsRefused("invalid_code")
    for right in (code, recovery[0]):
        assert isinstance(await person.sign_in(right), TokensIssued)
        assert await person.sign_in(right) == CredentialsRefused("invalid_code")
    alive = await person.product.sessions.store.alive(person.id, AT)
    assert [session.second_factor for session in alive].count(True) == 3


async def test_removed(person: Person) -> None:
    """It takes the password and a code; the other sessions end, and this one is a plain one."""
    authenticator, _ = await person.enable()
    wrong = await person.remove(authenticator.at(AT), password="another password")  # noqa: S106

    assert wrong == WRONG_PASSWORD
    assert await person.remove("000000") == WRONG_CODE
    assert await person.remove(authenticator.at(AT)) == Done()
    assert await person.events() == [SecondFactorEnabled(), SecondFactorRemoved()]
    assert await person.sessions() == {
        person.session: (False, False),
        person.other_session: (True, False),
    }
    assert (await person.mails())[1:] == ["Logging in takes no code any more"]
    assert isinstance(await person.sign_in(None), TokensIssued)


async def test_removed_with_a_recovery_code(person: Person) -> None:
    """Whoever has lost the authenticator removes it with a recovery code, and begins anew."""
    _, recovery = await person.enable()

    assert await person.remove(recovery[3]) == Done()
    assert await person.remove(recovery[3]) == Done()
    assert await person.events() == [SecondFactorEnabled(), SecondFactorRemoved()]
    await person.enable()
    assert await person.sign_in(recovery[4]) == CredentialsRefused("invalid_code")


async def test_enforced(person: Person) -> None:
    """Where it is enforced an admin is not without one, and no code is used up by asking."""
    authenticator, _ = await person.enable()
    code = authenticator.at(AT)
    refused = await person.remove(code, enforced=True)

    assert isinstance(refused, RejectedByState)
    assert (refused.error, refused.collides_with) == ("second_factor_enforced", "admin")
    assert await person.events() == [SecondFactorEnabled()]
    assert isinstance(await person.sign_in(code), TokensIssued)


async def test_an_ended_session_stays_so(person: Person) -> None:
    """A session that ends while its second factor is confirmed or removed is not revived."""
    authenticator = authenticator_of(await person.begin())
    before = await person.caller()
    sessions = person.identity.sessions
    await end_session(sessions, before, person.session, SessionEndedBy.LOGOUT)
    outcome = await confirm_second_factor(
        person.identity, before, person.session, authenticator.at(AT)
    )

    assert isinstance(outcome, Contended)
    assert (await person.sessions())[person.session] == (True, False)
    assert [type(event) for event in await person.events()] == [SessionEnded]


async def test_reset(person: Person) -> None:
    """Who has lost everything is let in with the password again, after all sessions ended."""
    await person.enable()

    for _ in range(2):
        assert await reset_second_factor(person.identity, OPERATOR, person.id) == Done()
    assert await person.events() == [SecondFactorEnabled(), SecondFactorRemoved()]
    assert [over for over, _ in (await person.sessions()).values()] == [True, True]
    assert (await person.mails())[1:] == ["Logging in takes no code any more"]
    assert isinstance(await person.sign_in(None), TokensIssued)
