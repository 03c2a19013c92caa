"""Accounts: their decisions, their fold and what they hold."""

from typing import get_args

import pytest

from domain import account
from domain.account import (
    Account,
    AccountCommand,
    ChangeRoles,
    Disable,
    Disabled,
    Enable,
    Enabled,
    Register,
    Registered,
    RolesChanged,
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

HISTORIES: dict[str, tuple[account.AccountEvent, ...]] = {
    "enabled": (REGISTERED,),
    "disabled": (REGISTERED, Disabled()),
}


@pytest.mark.parametrize(
    ("state", "command", "events"),
    [
        ("enabled", Disable(), (Disabled(),)),
        ("enabled", Enable(), ()),
        ("enabled", ChangeRoles(BOTH), (RolesChanged((Role.ADMIN, Role.OPERATOR)),)),
        ("enabled", ChangeRoles(frozenset({Role.AUTHOR})), ()),
        ("enabled", ChangeRoles(frozenset()), (RolesChanged(()),)),
        ("disabled", Disable(), ()),
        ("disabled", Enable(), (Enabled(),)),
        ("disabled", ChangeRoles(BOTH), (RolesChanged((Role.ADMIN, Role.OPERATOR)),)),
    ],
)
def test_each_command_gives_its_events(
    state: str, command: AccountCommand, events: tuple[account.AccountEvent, ...]
) -> None:
    """What already is as asked writes nothing; being disabled does not freeze the roles."""
    given(*HISTORIES[state]).when(command).then(*events)


def test_registering_opens_an_account() -> None:
    """Address and name go into the event as they came: sealed."""
    given().when(REGISTER).then(REGISTERED)


@pytest.mark.parametrize("state", HISTORIES)
def test_an_account_is_registered_once(state: str) -> None:
    """The same id cannot be registered again."""
    given(*HISTORIES[state]).when(REGISTER).then_refused(RejectedByState, collides_with="present")


@pytest.mark.parametrize("command", [Disable(), Enable(), ChangeRoles(BOTH)])
def test_an_account_that_does_not_exist_can_only_be_registered(command: AccountCommand) -> None:
    """Every other command is refused where there is no account."""
    given().when(command).then_refused(
        RejectedByState, error="transition_not_allowed", collides_with="absent"
    )


def test_every_command_is_specified() -> None:
    """A new command needs its place in this file."""
    assert set(get_args(AccountCommand)) == {Register, Disable, Enable, ChangeRoles}


def test_the_fold_tells_who_may_do_what() -> None:
    """The state has everything that authorisation asks for."""
    assert given(REGISTERED, RolesChanged((Role.ADMIN, Role.OPERATOR)), Disabled()).state == (
        Account(
            id=ID,
            email_sealed="c2VhbGVk",
            email_hash="9f86d081",
            name_sealed=None,
            roles=BOTH,
            disabled=True,
            created_at=START,
            version=3,
        )
    )
    enabled = given(REGISTERED, Disabled(), Enabled()).state

    assert enabled is not None
    assert not enabled.disabled


def test_a_history_without_its_beginning_is_damage() -> None:
    """That is a broken log and not a refusal, so it is loud."""
    with pytest.raises(ValueError, match="does not begin with its registration"):
        account.fold([(Disabled(), 1, START)], ID)


def test_an_account_holds_its_address() -> None:
    """By keyed hash, and a disabled account goes on holding it."""
    claimed = frozenset({Claim("account.email", "9f86d081")})

    assert account.claims(None) == frozenset()
    assert account.claims(given(REGISTERED).state) == claimed
    assert account.claims(given(REGISTERED, Disabled()).state) == claimed


def test_an_account_has_its_stream() -> None:
    """The stream is named by category and id."""
    assert str(account.stream(ID)) == f"account/{ID}"
