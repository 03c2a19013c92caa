"""The operations on accounts as the OpenAPI document describes them; see `operations.py`."""

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta

from api.account_bodies import ActivityList, MailNotice, MeBody, SessionList, UserBody, UserPage
from api.account_requests import (
    BeginSecondFactor,
    ChangePassword,
    ChangeRoles,
    ConfirmSecondFactor,
    EmailToken,
    ForgotPassword,
    Login,
    Logout,
    Refresh,
    Register,
    RemoveSecondFactor,
    ResetPassword,
)
from api.me import DEFAULT_DAYS, MOST_DAYS
from api.negotiation import JSON_TYPE
from api.openapi_responses import LIMITS
from api.operation import (
    CURSOR,
    IF_MATCH,
    IF_NONE_MATCH,
    LIMIT,
    PREFER,
    READS,
    Access,
    Operation,
    Parameter,
    Returns,
)
from commands.identity import Enrolment
from commands.outcomes import Changed, Created, Done, Found, MailFollows, NotModified, TokensIssued
from commands.second_factors import RecoveryCodesBody
from commands.sessions import Tokens
from projections.accounts import AccountBody

_BAD_PASSWORD = ("password_length", "password_too_weak")
_LIMITED = ("rate_limiter_unavailable", "too_many_attempts")
_ADMINS = "admins"


def _limited(name: str, body: type, outcome: Returns, *errors: str) -> Operation:
    """Describe a request of somebody who is not signed in, which may be tried only so often."""
    return Operation(
        id=name,
        group="accounts",
        access=Access.NO_TOKEN,
        body=body,
        returns=(outcome,),
        errors=(*_LIMITED, "not_acceptable", *errors),
    )


def _own(
    name: str,
    outcome: Returns,
    *errors: str,
    body: type | None = None,
    needs_body: bool = True,
    headers: tuple[Parameter, ...] = (),
) -> Operation:
    """Describe what somebody asks about their own account."""
    return Operation(
        id=name,
        group="accounts",
        who="oneself",
        headers=headers,
        body=body,
        needs_body=needs_body,
        returns=(outcome,),
        errors=("not_acceptable", *errors),
    )


def _administer(name: str, body: type | None = None) -> Operation:
    return Operation(
        id=name,
        group="accounts",
        who=_ADMINS,
        headers=(IF_MATCH, PREFER),
        body=body,
        returns=(Returns(Changed, {JSON_TYPE: AccountBody}),),
        errors=("account_not_found", "contended", "forbidden", "gone", "not_acceptable"),
    )


ACCOUNT_OPERATIONS: Mapping[str, Operation] = {
    "POST /register": _limited(
        "register", Register, Returns(MailFollows, {JSON_TYPE: MailNotice}, LIMITS), *_BAD_PASSWORD
    ),
    "POST /register/verify": _limited(
        "verifyRegistration",
        EmailToken,
        Returns(Created, {JSON_TYPE: AccountBody}, sometimes=LIMITS),
        "email_already_exists",
        "email_token_unknown",
    ),
    "POST /login": _limited(
        "logIn",
        Login,
        Returns(TokensIssued, {JSON_TYPE: Tokens}, LIMITS),
        "account_disabled",
        "invalid_code",
        "invalid_credentials",
        "second_factor_required",
    ),
    "POST /token/refresh": _limited(
        "renewTokens",
        Refresh,
        Returns(TokensIssued, {JSON_TYPE: Tokens}, sometimes=LIMITS),
        "invalid_refresh_token",
    ),
    "POST /logout": _own("logOut", Returns(Done), "contended", body=Logout, needs_body=False),
    "POST /password/forgot": _limited(
        "forgetPassword", ForgotPassword, Returns(MailFollows, {JSON_TYPE: MailNotice}, LIMITS)
    ),
    "POST /password/reset": _limited(
        "resetPassword",
        ResetPassword,
        Returns(Done, sometimes=LIMITS),
        *_BAD_PASSWORD,
        "contended",
        "email_token_unknown",
    ),
    "GET /me": _own("readMe", Returns(Found, {JSON_TYPE: MeBody}, ("Vary",)), "bad_parameter"),
    "DELETE /me": _own(
        "eraseMe", Returns(Done), "bad_parameter", "contended", "gone", headers=(IF_MATCH,)
    ),
    "PUT /me/password": _own(
        "changePassword",
        Returns(Done, fields=LIMITS),
        *_LIMITED,
        *_BAD_PASSWORD,
        "contended",
        "wrong_password",
        body=ChangePassword,
    ),
    "GET /me/sessions": _own(
        "listSessions", Returns(Found, {JSON_TYPE: SessionList}, ("Vary",)), "bad_parameter"
    ),
    "GET /me/activity": Operation(
        id="listActivity",
        group="accounts",
        who="oneself",
        query=(
            Parameter(
                "days",
                Annotated[int, Meta(ge=1, le=MOST_DAYS)],
                f"How many days, today among them; {DEFAULT_DAYS} where it is not said.",
            ),
        ),
        returns=(Returns(Found, {JSON_TYPE: ActivityList}, ("Vary",)),),
        errors=READS,
    ),
    "DELETE /me/sessions/{session_id}": _own(
        "endSession",
        Returns(Done),
        *("condition_failed", "contended", "malformed_header", "session_not_found"),
    ),
    "POST /me/second-factor": _own(
        "beginSecondFactor",
        Returns(TokensIssued, {JSON_TYPE: Enrolment}, LIMITS),
        *_LIMITED,
        "second_factor_present",
        "wrong_password",
        body=BeginSecondFactor,
    ),
    "POST /me/second-factor/confirm": _own(
        "confirmSecondFactor",
        Returns(TokensIssued, {JSON_TYPE: RecoveryCodesBody}, LIMITS),
        *_LIMITED,
        "contended",
        "second_factor_absent",
        "second_factor_present",
        "wrong_code",
        body=ConfirmSecondFactor,
    ),
    "POST /me/second-factor/remove": _own(
        "removeSecondFactor",
        Returns(Done, fields=LIMITS),
        *_LIMITED,
        "contended",
        "second_factor_enforced",
        "wrong_code",
        "wrong_password",
        body=RemoveSecondFactor,
    ),
    "GET /users": Operation(
        id="listUsers",
        group="accounts",
        who=_ADMINS,
        query=(
            LIMIT,
            CURSOR,
            Parameter("email", str, "Only the account with this address."),
        ),
        headers=(IF_NONE_MATCH,),
        returns=(
            Returns(Found, {JSON_TYPE: UserPage}, ("ETag", "Vary", "Link")),
            Returns(NotModified),
        ),
        errors=(*READS, "bad_cursor", "forbidden"),
    ),
    "GET /users/{user_id}": Operation(
        id="readUser",
        group="accounts",
        who="oneself, and admins",
        headers=(IF_NONE_MATCH,),
        returns=(Returns(Found, {JSON_TYPE: UserBody}, ("ETag", "Vary")), Returns(NotModified)),
        errors=(*READS, "account_not_found", "forbidden", "gone"),
    ),
    "POST /users/{user_id}/disable": _administer("disableUser"),
    "POST /users/{user_id}/enable": _administer("enableUser"),
    "POST /users/{user_id}/role": _administer("changeRoles", ChangeRoles),
}
