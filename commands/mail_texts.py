"""The messages that people get: plain English, useful to somebody who never heard of the product.

`public_url` is where the API is reached, without a slash at the end.
"""

from commands.mail import Mail

_JSON = "-H 'Content-Type: application/json'"


def verify_registration(to: str, *, token: str, public_url: str, hours: int) -> Mail:
    """Ask whether the address belongs to whoever registered."""
    return Mail(
        to=to,
        subject="Confirm your address",
        text=f"""\
Somebody, we hope you, asked for a Ledgerpress account with this address at
{public_url}

To open the account, send this within {_count(hours, "hour")}:

curl {_JSON} -d '{{"token": "{token}"}}' {public_url}/register/verify

If it was not you, do nothing: there will be no account.
""",
    )


def already_registered(to: str, *, public_url: str) -> Mail:
    """Tell the owner of an account that somebody tried to register with its address."""
    return Mail(
        to=to,
        subject="You already have an account",
        text=f"""\
Somebody, perhaps you, asked for a new Ledgerpress account with this address at
{public_url}

You have one already, and nothing was changed. If you forgot its password, ask for a new one:

curl {_JSON} -d '{{"email": "YOUR-ADDRESS"}}' {public_url}/password/forgot

If it was not you, you need not do anything.
""",
    )


def no_account(to: str, *, public_url: str) -> Mail:
    """Tell somebody who asked for a new password that there is no account to have one."""
    return Mail(
        to=to,
        subject="There is no account with this address",
        text=f"""\
Somebody, perhaps you, asked for a new password for a Ledgerpress account with this address at
{public_url}

There is none: perhaps you used another address. If it was not you, you need not do anything.
""",
    )


def reset_password(to: str, *, token: str, public_url: str, minutes: int) -> Mail:
    """Let whoever reads the messages to this address choose a new password."""
    return Mail(
        to=to,
        subject="Choose a new password",
        text=f"""\
Somebody, we hope you, asked for a new password for your Ledgerpress account at
{public_url}

To choose one, send this within {_count(minutes, "minute")}, with the password in its place:

curl {_JSON} -d '{{"token": "{token}", "password": "NEW-PASSWORD"}}' {public_url}/password/reset

It works once, and ends all your sessions. If it was not you, do nothing: your password stays.
""",
    )


def password_changed(to: str, *, public_url: str) -> Mail:
    """Tell the owner of an account that it has another password."""
    return Mail(
        to=to,
        subject="Your password was changed",
        text=f"""\
The password of your Ledgerpress account was changed, and the sessions that it had are over, at
{public_url}

If it was not you, take the account back by asking for a new password at once:

curl {_JSON} -d '{{"email": "YOUR-ADDRESS"}}' {public_url}/password/forgot
""",
    )


def session_reuse(to: str, *, public_url: str) -> Mail:
    """Tell the owner of an account that a refresh token was used twice, as a copied one is."""
    return Mail(
        to=to,
        subject="A session of yours was ended",
        text=f"""\
A refresh token of your Ledgerpress account was used twice. A copy of it may be in wrong hands, or
a program of yours repeated itself. The session it belonged to was ended; the others go on, at
{public_url}

Log in again. If you do not know why it happened, change your password, which ends all sessions:

curl {_JSON} -d '{{"email": "YOUR-ADDRESS"}}' {public_url}/password/forgot
""",
    )


def second_factor_enabled(to: str, *, public_url: str) -> Mail:
    """Tell the owner of an account that signing in takes a code from now on."""
    return Mail(
        to=to,
        subject="Logging in takes a code now",
        text=f"""\
A second factor was added to your Ledgerpress account: logging in takes the password and a code of
the authenticator app that was set up, at
{public_url}

Keep the recovery codes that were shown with it: each one replaces a code once.

If it was not you, somebody knows your password. Ask those who run the service to remove the
second factor, and choose another password:

curl {_JSON} -d '{{"email": "YOUR-ADDRESS"}}' {public_url}/password/forgot
""",
    )


def second_factor_removed(to: str, *, public_url: str) -> Mail:
    """Tell the owner of an account that the password alone is enough again."""
    return Mail(
        to=to,
        subject="Logging in takes no code any more",
        text=f"""\
The second factor of your Ledgerpress account was removed: logging in takes the password alone. The
sessions that the account had are over, but for the one it was removed from, at
{public_url}

If it was neither you nor those who run the service for you, choose another password at once:

curl {_JSON} -d '{{"email": "YOUR-ADDRESS"}}' {public_url}/password/forgot
""",
    )


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"
