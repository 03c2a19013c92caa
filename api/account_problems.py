"""The errors about accounts: rows of the problem catalogue, see `problem_catalogue.py`."""

from collections.abc import Mapping

from api.problem_row import Problem

ACCOUNT_PROBLEMS: Mapping[str, Problem] = {
    "invalid_credentials": Problem(
        401,
        "The address or the password is wrong",
        "No account has this address and this password. Which of the two is wrong is "
        "not said, so that nobody can find out who has an account.",
        "Correct what was typed, or ask for a new password at POST /password/forgot.",
        "Guide 2; RFC 9110, section 15.5.2",
    ),
    "second_factor_required": Problem(
        401,
        "A code is needed besides the password",
        "The password is right, and the account has a second factor.",
        "Send the same request with the member code: six digits of the authenticator, "
        "or a recovery code.",
        "RFC 6238; RFC 9110, section 15.5.2",
    ),
    "invalid_code": Problem(
        401,
        "The code is wrong",
        "The code is not the one of this moment, was used before, or is no recovery "
        "code that is left.",
        "Wait for the next code and send that.",
        "RFC 6238, section 5.2",
    ),
    "invalid_refresh_token": Problem(
        401,
        "The refresh token is not valid",
        "The refresh token is unknown, was used before, or its session is over.",
        "Sign in again. The second use of a token ends its session: it may have been copied.",
        "RFC 9700, section 4.14.2",
    ),
    "account_disabled": Problem(
        403,
        "The account is disabled",
        "The password is right, and an administrator has shut the account.",
        "Ask an administrator.",
        "Guide 2; RFC 9110, section 15.5.4",
    ),
    "wrong_password": Problem(
        403,
        "The password is wrong",
        "The change needs the account's present password, and this is another.",
        "Send the present password.",
        "RFC 9110, section 15.5.4",
    ),
    "wrong_code": Problem(
        403,
        "The code does not fit",
        "The code is not that of the moment, was used before, or is no recovery code left.",
        "Wait for the next code and send that. The access token is good.",
        "RFC 6238, section 5.2; RFC 9110, section 15.5.4",
    ),
    "session_not_found": Problem(
        404,
        "There is no such session",
        "The account has no session of this id.",
        "List the sessions at GET /me/sessions.",
        "RFC 9110, section 15.5.5",
    ),
    "account_not_found": Problem(
        404,
        "There is no such account",
        "There is no account at this address for whoever asks.",
        "Check the address.",
        "RFC 9110, section 15.5.5",
    ),
    "too_many_attempts": Problem(
        429,
        "Too many attempts",
        "This was tried too often for this account or from this network.",
        "Try again after Retry-After, which is the true wait.",
        "Guide 2; RFC 6585, section 4",
    ),
    "rate_limiter_unavailable": Problem(
        429,
        "Attempts cannot be counted at the moment",
        "What counts attempts does not answer, and without it nobody is let in.",
        "Try again after Retry-After.",
        "Guide 2; RFC 6585, section 4",
    ),
    "second_factor_absent": Problem(
        409,
        "There is no second factor to confirm",
        "Nothing was begun that this code could confirm.",
        "Begin with POST /me/second-factor.",
        "RFC 9110, section 15.5.10",
    ),
    "second_factor_present": Problem(
        409,
        "The account has a second factor",
        "There is one already, and an account has no more than one.",
        "Remove it first, at POST /me/second-factor/remove.",
        "RFC 9110, section 15.5.10",
    ),
    "second_factor_enforced": Problem(
        409,
        "The account may not be without a second factor",
        "Accounts with power over others must have a second factor here.",
        "Have the roles taken away first.",
        "RFC 9110, section 15.5.10",
    ),
    "email_already_exists": Problem(
        409,
        "The email address is taken",
        "Another account has this email address.",
        "Use another address, or that account.",
        "RFC 9110, section 15.5.10",
    ),
    "password_length": Problem(
        422,
        "The password is too short or too long",
        "A password has 8 to 1,024 bytes of UTF-8, once its characters are composed (NFC).",
        "Choose another one.",
        "RFC 9110, section 15.5.21",
    ),
    "password_too_weak": Problem(
        422,
        "The password is too easy to guess",
        "The password is among the first that somebody would try.",
        "Choose a longer one, such as several unrelated words.",
        "RFC 9110, section 15.5.21",
    ),
    "email_token_unknown": Problem(
        422,
        "The token is not valid any more",
        "The token from the message is unknown, was used, or its time is over.",
        "Ask for another message.",
        "RFC 9110, section 15.5.21",
    ),
}
