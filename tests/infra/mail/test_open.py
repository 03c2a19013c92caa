"""MAIL_URL: the folder or the server that it names."""

from pathlib import Path

import pytest
from uuid_utils.compat import uuid7

from commands.mail import Mail
from infra.mail.open import mail_sender, smtp_server
from infra.mail.smtp import SmtpSender, SmtpServer
from tests.support.mail import mails_in
from tests.support.services import settings_in


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example", SmtpServer("mail.example", 587, "starttls")),
        ("smtp://mail.example:25/", SmtpServer("mail.example", 25, "starttls")),
        ("smtps://mail.example", SmtpServer("mail.example", 465, "tls")),
        ("smtps://127.0.0.1", SmtpServer("127.0.0.1", 465, "tls")),
        ("smtp://localhost:25", SmtpServer("localhost", 25, "none")),
        ("smtp://127.0.0.53:25", SmtpServer("127.0.0.53", 25, "none")),
        ("smtp://[::1]:25", SmtpServer("::1", 25, "none")),
        ("smtp://10.0.0.1:25", SmtpServer("10.0.0.1", 25, "starttls")),
        ("smtp://localhost.example", SmtpServer("localhost.example", 587, "starttls")),
        (
            "smtp://press%40example.org:p%3A%2F%25@mail.example",
            SmtpServer("mail.example", 587, "starttls", "press@example.org", "p:/%"),
        ),
    ],
)
def test_server(url: str, server: SmtpServer) -> None:
    """Only a server of this machine is spoken to in the clear."""
    assert smtp_server(url) == server


async def test_default_folder(tmp_path: Path) -> None:
    """In development messages are files in DATA_DIR, whatever its name."""
    sender = mail_sender(settings_in(tmp_path / "da ta%20ü"))

    await sender.send(uuid7(), Mail("ada@example.org", "News", "Text."))

    [message] = mails_in(tmp_path / "da ta%20ü" / "mail")
    assert message["From"] == "ledgerpress@localhost"


def test_smtp(tmp_path: Path) -> None:
    """With the URL of a server messages are sent."""
    settings = settings_in(tmp_path, MAIL_URL="smtp://localhost:25")

    assert isinstance(mail_sender(settings), SmtpSender)
