"""What an account may do next: its commands, and `decide`, which gives events or a refusal.

Whoever calls has checked who may give the command and that passwords, codes and tokens are right.
To add a command: its class and its place in `AccountCommand`, and its row in `decide`.
"""

from datetime import datetime
from typing import assert_never
from uuid import UUID

from msgspec import Struct

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
from domain.refusal import RejectedByState
from domain.stream import WANT_SECOND_FACTOR, Role


class Register(Struct, frozen=True):
    """Open an account. Address and name come sealed."""

    email_sealed: str
    email_hash: str
    name_sealed: str | None
    roles: frozenset[Role]
    disabled: bool = False
    """Whether it is shut from the beginning."""


class Disable(Struct, frozen=True):
    """Shut the account."""


class Enable(Struct, frozen=True):
    """Open a shut account again."""


class ChangeRoles(Struct, frozen=True):
    """Give the account these roles and no others."""

    roles: frozenset[Role]


class ChangePassword(Struct, frozen=True):
    """Note that there is another password."""

    by: PasswordChangedBy


class EndSession(Struct, frozen=True):
    """End one session, which whoever calls found alive."""

    session: UUID
    by: SessionEndedBy


class EndSessions(Struct, frozen=True):
    """End all sessions that there are."""


class EnableSecondFactor(Struct, frozen=True):
    """Ask for a code besides the password from now on."""


class RemoveSecondFactor(Struct, frozen=True):
    """Ask for the password alone from now on."""

    enforced: bool
    """Whether roles with power must not be without one."""


class Erase(Struct, frozen=True):
    """Forget the person."""


AccountCommand = (
    Register
    | Disable
    | Enable
    | ChangeRoles
    | ChangePassword
    | EndSession
    | EndSessions
    | EnableSecondFactor
    | RemoveSecondFactor
    | Erase
)

Decision = tuple[AccountEvent, ...] | RejectedByState


def decide(
    state: Account | None,
    command: AccountCommand,
    *,
    now: datetime,  # noqa: ARG001 - no rule here depends on the time; alike for every aggregate
) -> Decision:
    """Answer a command with the events that it causes, or with why it is refused.

    No events means that the account already is as asked.
    """
    if isinstance(command, Register):
        return _register(state, command)
    if state is None:
        return _collision("There is no such account.", "absent")
    if state.erased:
        erased = _collision("The account was erased.", "erased")
        return () if isinstance(command, Erase) else erased
    match command:
        case Disable():
            return () if state.disabled else (Disabled(),)
        case Enable():
            return (Enabled(),) if state.disabled else ()
        case ChangeRoles():
            changed = command.roles != state.roles
            return (RolesChanged(_ordered(command.roles)),) if changed else ()
        case ChangePassword():
            return (PasswordChanged(command.by),)
        case EndSession():
            return (SessionEnded(command.session, command.by),)
        case EndSessions():
            return (SessionsEnded(),)
        case EnableSecondFactor():
            if state.second_factor:
                return _collision("The account has a second factor already.", "present")
            return (SecondFactorEnabled(),)
        case RemoveSecondFactor():
            return _remove_second_factor(state, command)
        case Erase():
            return (Erased(),)
        case _:
            assert_never(command)


def _register(state: Account | None, command: Register) -> Decision:
    if state is not None:
        return _collision("There is an account with this id already.", "present")
    registered = Registered(
        email=command.email_sealed,
        email_hash=command.email_hash,
        name=command.name_sealed,
        roles=_ordered(command.roles),
    )
    return (registered, Disabled()) if command.disabled else (registered,)


def _remove_second_factor(state: Account, command: RemoveSecondFactor) -> Decision:
    if not state.second_factor:
        return ()
    if command.enforced and not WANT_SECOND_FACTOR.isdisjoint(state.roles):
        return RejectedByState(
            error="second_factor_enforced",
            detail="An account with these roles may not be without a second factor.",
            collides_with=", ".join(_ordered(state.roles & WANT_SECOND_FACTOR)),
        )
    return (SecondFactorRemoved(),)


def _ordered(roles: frozenset[Role]) -> tuple[Role, ...]:
    """Put the roles in one order, so that equal events have equal bytes."""
    return tuple(sorted(roles))


def _collision(detail: str, present: str) -> RejectedByState:
    return RejectedByState(error="transition_not_allowed", detail=detail, collides_with=present)
