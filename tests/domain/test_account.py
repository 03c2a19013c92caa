"""Accounts: their decisions, their fold and what they hold."""

from typing import get_args
from uuid import UUID

import msgspec
import pytest

from domain import account
from domain.account import (
    Account,
    AccountEvent,
    Disabled,
    Enabled,
    Erased,
    PasswordChanged,
    PasswordChangedBy,
    Registered,
    RolesChanged,
    SecondFactorEnabled,
    SecondFactorRemoved,
    SessionEnded,
    SessionEndedBy,
    SessionsEnded,
)
from domain.account_decisions import (
    AccountCommand,
    ChangePassword,
    ChangeRoles,
    Disable,
    Enable,
    EnableSecondFactor,
    EndSession,
    EndSessions,
    Erase,
    Register,
    RemoveSecondFactor,
    decide,
)
from domain.claim import Claim
from domain.refusal import RejectedByState
from domain.stream import Role
from tests.support.given import ID, START, Specification

given = Specification(account.evolve, decide).given

REGISTER = Register(
    email_sealed="c2VhbGVk", email_hash="9f86d081", name_sealed=None, roles=frozenset({Role.AUTHOR})
)
REGISTERED = Registered(email="c2VhbGVk", email_hash="9f86d081", name=None, roles=(Role.AUTHOR,))
BOTH = frozenset({Role.OPERATOR, Role.ADMIN})

SESSION = UUID(int=7)
BY_OWNER = ChangePassword(PasswordChangedBy.OWNER)
CHANGED = PasswordChanged(PasswordChangedBy.OWNER)
END = EndSession(SESSION, SessionEndedBy.LOGOUT)
ENDED = SessionEnded(SESSION, SessionEndedBy.LOGOUT)
REMOVE = RemoveSecondFactor(enforced=False)
REMOVE_ENFORCED = RemoveSecondFactor(enforced=True)
TO_BOTH = ChangeRoles(BOTH)
GIVEN_BOTH = RolesChanged((Role.ADMIN, Role.OPERATOR))

HISTORIES: dict[str, tuple[AccountEvent, ...]] = {
    "enabled": (REGISTERED,),
    "disabled": (REGISTERED, Disabled()),
    "two-factor": (REGISTERED, SecondFactorEnabled()),
    "admin": (REGISTERED, GIVEN_BOTH, SecondFactorEnabled()),
    "erased": (REGISTERED, Erased()),
}
ANY: list[AccountCommand] = [
    Disable(),
    Enable(),
    TO_BOTH,
    BY_OWNER,
    END,
    EndSessions(),
    EnableSecondFactor(),
    REMOVE,
    Erase(),
]


@pytest.mark.parametrize(
    ("state", "command", "events"),
    [
        ("enabled", Disable(), (Disabled(),)),
        ("enabled", Enable(), ()),
        ("enabled", TO_BOTH, (GIVEN_BOTH,)),
        ("enabled", ChangeRoles(frozenset({Role.AUTHOR})), ()),
        ("enabled", ChangeRoles(frozenset()), (RolesChanged(()),)),
        ("enabled", BY_OWNER, (CHANGED,)),
        ("enabled", END, (ENDED,)),
        ("enabled", EndSessions(), (SessionsEnded(),)),
        ("enabled", EnableSecondFactor(), (SecondFactorEnabled(),)),
        ("enabled", REMOVE, ()),
        ("enabled", REMOVE_ENFORCED, ()),
        ("enabled", Erase(), (Erased(),)),
        ("disabled", Disable(), ()),
        ("disabled", Enable(), (Enabled(),)),
        ("disabled", TO_BOTH, (GIVEN_BOTH,)),
        ("disabled", BY_OWNER, (CHANGED,)),
        ("disabled", Erase(), (Erased(),)),
        ("two-factor", REMOVE, (SecondFactorRemoved(),)),
        ("two-factor", REMOVE_ENFORCED, (SecondFactorRemoved(),)),
        ("admin", REMOVE, (SecondFactorRemoved(),)),
        ("admin", TO_BOTH, ()),
        ("erased", Erase(), ()),
    ],
)
def test_each_command_gives_its_events(
    state: str, command: AccountCommand, events: tuple[AccountEvent, ...]
) -> None:
    """What already is as asked writes nothing; being disabled does not freeze the account."""
    given(*HISTORIES[state]).when(command).then(*events)


def test_a_second_factor_is_enabled_once() -> None:
    """Another one would shut out whoever has the first."""
    given(*HISTORIES["two-factor"]).when(EnableSecondFactor()).then_refused(
        RejectedByState, error="transition_not_allowed", collides_with="present"
    )


def test_power_keeps_its_second_factor_where_that_is_enforced() -> None:
    """The roles that stand in the way are named."""
    given(*HISTORIES["admin"]).when(REMOVE_ENFORCED).then_refused(
        RejectedByState, error="second_factor_enforced", collides_with="admin, operator"
    )


@pytest.mark.parametrize("command", [command for command in ANY if command != Erase()])
def test_nothing_happens_to_an_erased_account(command: AccountCommand) -> None:
    """It is the end of the history."""
    given(*HISTORIES["erased"]).when(command).then_refused(RejectedByState, collides_with="erased")


def test_registering_opens_an_account() -> None:
    """Address and name go into the event as they came: sealed."""
    given().when(REGISTER).then(REGISTERED)


def test_an_account_may_be_shut_from_the_beginning() -> None:
    """Both events come together, so that there is no moment at which it can be used."""
    shut = msgspec.structs.replace(REGISTER, disabled=True)

    given().when(shut).then(REGISTERED, Disabled())


@pytest.mark.parametrize("state", HISTORIES)
def test_an_account_is_registered_once(state: str) -> None:
    """The same id cannot be registered again."""
    given(*HISTORIES[state]).when(REGISTER).then_refused(RejectedByState, collides_with="present")


@pytest.mark.parametrize("command", ANY)
def test_an_account_that_does_not_exist_can_only_be_registered(command: AccountCommand) -> None:
    """Every other command is refused where there is no account."""
    given().when(command).then_refused(
        RejectedByState, error="transition_not_allowed", collides_with="absent"
    )


def test_every_command_is_specified() -> None:
    """A new command needs its place in this file."""
    assert set(get_args(AccountCommand)) == {Register, *map(type, ANY)}


def test_the_fold_tells_who_may_do_what() -> None:
    """The state has everything that authorisation asks for."""
    assert given(REGISTERED, GIVEN_BOTH, SecondFactorEnabled(), Disabled()).state == Account(
        id=ID,
        email_sealed="c2VhbGVk",
        email_hash="9f86d081",
        name_sealed=None,
        roles=BOTH,
        disabled=True,
        second_factor=True,
        erased=False,
        sessions_from=4,
        created_at=START,
        version=4,
    )
    enabled = given(REGISTERED, Disabled(), Enabled()).state

    assert enabled is not None
    assert not enabled.disabled


@pytest.mark.parametrize(
    ("event", "sessions_from"),
    [
        (Disabled(), 2),
        (Enabled(), 1),
        (GIVEN_BOTH, 1),
        (CHANGED, 2),
        (ENDED, 1),
        (SessionsEnded(), 2),
        (SecondFactorEnabled(), 1),
        (SecondFactorRemoved(), 2),
        (Erased(), 2),
    ],
)
def test_some_events_end_the_sessions_begun_before(event: AccountEvent, sessions_from: int) -> None:
    """What changes how somebody signs in, or whether, leaves no older session alive."""
    state = given(REGISTERED, event).state

    assert state is not None
    assert state.sessions_from == sessions_from


def test_an_erased_account_tells_nothing() -> None:
    """Neither the sealed texts nor the hash of the address are left, nor the roles."""
    assert given(REGISTERED, GIVEN_BOTH, SecondFactorEnabled(), Erased()).state == Account(
        id=ID,
        email_sealed="",
        email_hash="",
        name_sealed=None,
        roles=frozenset(),
        disabled=False,
        second_factor=False,
        erased=True,
        sessions_from=4,
        created_at=START,
        version=4,
    )


def test_a_history_without_its_beginning_is_damage() -> None:
    """That is a broken log and not a refusal, so it is loud."""
    with pytest.raises(ValueError, match="does not begin with its registration"):
        account.fold([(Disabled(), 1, START)], ID)


def test_an_account_holds_its_address() -> None:
    """By keyed hash, and a disabled account goes on holding it; an erased one gives it back."""
    claimed = frozenset({Claim("account.email", "9f86d081")})

    assert account.claims(None) == frozenset()
    assert account.claims(given(REGISTERED).state) == claimed
    assert account.claims(given(REGISTERED, Disabled()).state) == claimed
    assert account.claims(given(REGISTERED, Erased()).state) == frozenset()


def test_an_account_has_its_stream() -> None:
    """The stream is named by category and id."""
    assert str(account.stream(ID)) == f"account/{ID}"
