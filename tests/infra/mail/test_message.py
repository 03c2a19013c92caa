"""Messages: one recipient, a header that nobody can add to, a text that can be copied."""

from email import message_from_string, policy
from uuid import UUID

import pytest

from commands.mail import Mail, MailRefused
from commands.mail_texts import (
    already_registered,
    password_changed,
    reset_password,
    session_reuse,
    verify_registration,
)
from infra.mail.message import Composed, compose
from tests.support.mail import token_in

SENDER = "ledgerpress@press.example"
ID = UUID("0190b8a5-7c1e-7d3a-9f10-5e2b6c7d8e9f")


def composed(mail: Mail) -> Composed:
    """Compose what must be possible."""
    done = compose(ID, mail, SENDER)
    assert isinstance(done, Composed), done
    return done


def test_bytes() -> None:
    """The same message has the same bytes each time; its time is that of its id."""
    first = composed(Mail("ada@example.org", "News", "Text.\n")).message.as_bytes()

    assert first == composed(Mail("ada@example.org", "News", "Text.\n")).message.as_bytes()
    assert first.decode().splitlines() == [
        "Date: Mon, 15 Jul 2024 23:06:11 +0000",
        f"Message-ID: <{ID}@press.example>",
        "From: ledgerpress@press.example",
        "To: ada@example.org",
        "Subject: News",
        "Auto-Submitted: auto-generated",
        'Content-Type: text/plain; charset="utf-8"',
        "Content-Transfer-Encoding: 7bit",
        "MIME-Version: 1.0",
        "",
        "Text.",
    ]


@pytest.mark.parametrize(
    "to",
    [
        "",
        "@",
        "ada@",
        "@example.org",
        "ada",
        "ada@example.org, eve@example.org",
        "ada@example.org\r\nBcc: eve@example.org",
        "ada@example.org\nBcc: eve@example.org",
        "ada@example.org\r",
        "Ada <ada@example.org>",
        "<ada@example.org>",
        "ada@example.org>",
        "ada lovelace@example.org",
        "üda@example.org, eve@example.org",
        "üda@example.org\r\nBcc: eve@example.org",
        "ada@\N{FULLWIDTH COMMA}example.org",
        "ada\0@example.org",
        "\ud800@example.org",
    ],
)
def test_malformed_address(to: str) -> None:
    """What is not one address, whole and alone, is refused, and not repeated."""
    refused = compose(ID, Mail(to, "News", "Text."), SENDER)

    assert isinstance(refused, MailRefused)
    assert "example.org" not in refused.reason


@pytest.mark.parametrize("subject", ["News\r\nBcc: eve@example.org", "News\nX: y", "News\r"])
def test_header_injection(subject: str) -> None:
    """A subject cannot add a field."""
    refused = compose(ID, Mail("ada@example.org", subject, "Text."), SENDER)

    assert isinstance(refused, MailRefused)


def test_text_that_cannot_be_written() -> None:
    """Half a character is refused, not an error that ends something."""
    assert isinstance(compose(ID, Mail("ada@example.org", "x", "\ud800"), SENDER), MailRefused)
    assert isinstance(compose(ID, Mail("ada@example.org", "\ud800", "x"), SENDER), MailRefused)


@pytest.mark.parametrize(
    ("to", "kept"),
    [
        ("ada+press@example.org", "ada+press@example.org"),
        ('"ada lovelace"@example.org', '"ada lovelace"@example.org'),
        ("ada@localhost", "ada@localhost"),
        (f"{'a' * 64}@{'.'.join(['b' * 60] * 4)}", f"{'a' * 64}@{'.'.join(['b' * 60] * 4)}"),
        ("ada@faß.example", "ada@xn--fa-hia.example"),
        ("üda@bücher.example", "üda@xn--bcher-kva.example"),
    ],
)
def test_odd_addresses(to: str, kept: str) -> None:
    """Odd but right addresses come through the header as they are, a domain in ASCII."""
    message = composed(Mail(to, "News", "Text."))

    read = message_from_string(message.message.as_bytes().decode(), policy=policy.default)
    assert [one.addr_spec for one in read["To"].addresses] == [message.to] == [kept]
    assert message.international == (not kept.isascii())


def test_nothing_is_shown() -> None:
    """A mail in a log or a traceback says nothing of its person."""
    mail = Mail("ada@example.org", "canary", "canary")

    assert f"{mail!r} {composed(mail)!r}" == "Mail(***) Composed(***)"


TOKEN = "canary-token_0123456789-abcdefghijklmnopqrstuvwxyz"  # noqa: S105 - a canary
URL = "https://press.example"
TO = "ada@example.org"
TEXTS = {
    "/register/verify": verify_registration(TO, token=TOKEN, public_url=URL, hours=24),
    "/password/reset": reset_password(TO, token=TOKEN, public_url=URL, minutes=60),
    "/password/forgot": already_registered(TO, public_url=URL),
    "/password/forgot ": password_changed(TO, public_url=URL),
    "/password/forgot  ": session_reuse(TO, public_url=URL),
}


@pytest.mark.parametrize(("path", "mail"), TEXTS.items(), ids=[m.subject for m in TEXTS.values()])
def test_texts(path: str, mail: Mail) -> None:
    """Each text has the command that uses it, on one line also as it stands in the message."""
    lines = composed(mail).message.as_bytes().decode().split("\r\n")

    [command] = [line for line in lines if line.startswith("curl ")]
    assert command.endswith(f" {URL}{path.strip()}")
    assert "-H 'Content-Type: application/json'" in command
    assert all(len(line) <= 998 for line in lines)
    assert (TOKEN in mail.text) == ("token" in command)


def test_tokens_and_times() -> None:
    """A token can be found in a text again, which says how long it lives."""
    register, reset = TEXTS["/register/verify"], TEXTS["/password/reset"]
    short = verify_registration(TO, token=TOKEN, public_url=URL, hours=1)

    assert token_in(register.text) == token_in(reset.text) == TOKEN
    assert "within 24 hours:" in register.text
    assert "within 60 minutes," in reset.text
    assert "within 1 hour:" in short.text
