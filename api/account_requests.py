"""The bodies of requests about accounts; OpenAPI takes their shapes from here.

What is wrong with structure, type or syntax is 400 `invalid_body`. Whether a password is a good one
is a rule (422), and whether it is right a question that has one answer for all (401). None of these
shows itself: what has a `repr` may be logged.
"""

from typing import Annotated

from msgspec import Meta, Struct

from domain.stream import Role

Email = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=320,
        description="White space around it is left out.",
        extra_json_schema={"format": "idn-email"},
    ),
]
Password = Annotated[
    str,
    Meta(
        min_length=1,
        description="8 to 1,024 bytes of UTF-8, any characters but NUL.",
        extra_json_schema={"format": "password"},
    ),
]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
Token = Annotated[str, Meta(min_length=1, max_length=512)]
Code = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=64,
        description="Six digits of the authenticator, or a recovery code.",
    ),
]


class _Secret(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    def __repr__(self) -> str:
        return f"{type(self).__name__}(***)"


class Register(_Secret, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Somebody who wants an account."""

    email: Email
    password: Password
    name: Name | None = None

    def __post_init__(self) -> None:
        # It is shown to others, who must not be fooled by line breaks or turned directions.
        if self.name is not None and not self.name.isprintable():
            raise ValueError("`name` must have printable characters alone")


class EmailToken(_Secret, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A token from a message."""

    token: Token


class ForgotPassword(_Secret, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The address of an account whose password is to be replaced."""

    email: Email


class ResetPassword(_Secret, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A token from a message, and the new password."""

    token: Token
    password: Password


class Login(_Secret, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What somebody signs in with; `code` where the account has a second factor."""

    email: Email
    password: Password
    code: Code | None = None


class Refresh(_Secret, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The refresh token that was given last."""

    refresh_token: Token


class Logout(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Which sessions to end: this one, or all of the account."""

    everywhere: bool = False


class ChangePassword(_Secret, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The present password and the new one."""

    current_password: Password
    new_password: Password


class BeginSecondFactor(_Secret, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The present password."""

    password: Password


class ConfirmSecondFactor(_Secret, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A code of the authenticator that was told the secret."""

    code: Code


class RemoveSecondFactor(_Secret, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The present password, and a code of either kind."""

    password: Password
    code: Code


class ChangeRoles(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The roles that the account shall have, and no others."""

    roles: list[Role]
    """One that is named twice is had once."""
