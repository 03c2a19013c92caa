"""Sending by SMTP to a real server: what arrives, what is refused, what is worth another try."""

import socket
from email import message_from_bytes, policy
from pathlib import Path
from typing import Literal

import pytest
from uuid_utils.compat import uuid7

from commands.mail import Mail, MailNotSentError, MailRefused
from infra.mail.smtp import SmtpSender, SmtpServer
from tests.infra.mail.smtp_server import Inbox, certificate, smtp_server

SENDER = "ledgerpress@press.example"
MAIL = Mail(to="ada@example.org", subject="News", text="Something new.\n.\nIt goes on.\n")


def quick(server: SmtpServer) -> SmtpSender:
    """Make a sender that does not wait for long."""
    return SmtpSender(server, SENDER, answer_seconds=0.2, send_seconds=0.4)


async def test_sent() -> None:
    """The message arrives whole, for one recipient, from the right sender."""
    inbox, mail_id = Inbox(), uuid7()
    async with smtp_server(inbox) as server:
        refused = await SmtpSender(server, SENDER).send(mail_id, MAIL)

    assert refused is None
    [envelope] = inbox.messages
    assert (envelope.mail_from, envelope.rcpt_tos) == (SENDER, ["ada@example.org"])
    assert isinstance(envelope.content, bytes)
    message = message_from_bytes(envelope.content, policy=policy.default)
    assert (message["From"], message["To"], message["Subject"]) == (SENDER, MAIL.to, MAIL.subject)
    assert message["Message-ID"] == f"<{mail_id}@press.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_payload() == MAIL.text.replace("\n", "\r\n")


async def test_international() -> None:
    """An address without a form in ASCII goes as it is, to a server that can."""
    inbox = Inbox()
    mail = Mail("üda@example.org", "Grüße", "Schöne Grüße.\n")
    async with smtp_server(inbox) as server:
        refused = await SmtpSender(server, SENDER).send(uuid7(), mail)

    assert refused is None
    [envelope] = inbox.messages
    assert envelope.rcpt_tos == ["üda@example.org"]
    assert envelope.smtp_utf8
    assert isinstance(envelope.content, bytes)
    assert "To: üda@example.org\r\nSubject: Grüße\r\n" in envelope.content.decode()


async def test_international_domain_needs_nothing() -> None:
    """A domain has a form in ASCII, so that any server can take it; so have subject and text."""
    inbox = Inbox()
    async with smtp_server(inbox, smtputf8=False) as server:
        refused = await SmtpSender(server, SENDER).send(
            uuid7(), Mail("ada@bücher.example", "Grüße", "Schöne Grüße.\n")
        )

    assert refused is None
    [envelope] = inbox.messages
    assert envelope.rcpt_tos == ["ada@xn--bcher-kva.example"]
    assert isinstance(envelope.content, bytes)
    message = message_from_bytes(envelope.content, policy=policy.default)
    assert message["Subject"] == "Grüße"
    assert message.get_payload(decode=True) == "Schöne Grüße.\r\n".encode()


async def test_international_refused() -> None:
    """A server without SMTPUTF8 will never take such an address."""
    async with smtp_server(Inbox(), smtputf8=False) as server:
        refused = await SmtpSender(server, SENDER).send(uuid7(), Mail("üda@example.org", "x", "x"))

    assert isinstance(refused, MailRefused)
    assert "SMTPUTF8" in refused.reason


@pytest.mark.parametrize(
    ("recipient", "data", "reason"),
    [
        (
            "550 5.1.1 <{address}> is unknown",
            "250 ok",
            "the mail server answered 550 to the address",
        ),
        (
            "250 ok",
            "554 5.7.1 not for ada@example.org",
            "the mail server answered 554 to the message",
        ),
    ],
)
async def test_refused_for_good(recipient: str, data: str, reason: str) -> None:
    """A 5xx is a refusal, told by its code alone, as the words of a server may be an address."""
    inbox = Inbox()
    inbox.recipient_answer, inbox.data_answer = recipient, data
    async with smtp_server(inbox) as server:
        refused = await SmtpSender(server, SENDER).send(uuid7(), MAIL)

    assert refused == MailRefused(reason)


@pytest.mark.parametrize(
    ("recipient", "data", "reason"),
    [
        ("451 4.2.0 <{address}> is greylisted", "250 ok", "answered 451 to the address"),
        ("250 ok", "452 4.3.1 ada@example.org is full", "answered 452 to the message"),
    ],
)
async def test_refused_for_now(recipient: str, data: str, reason: str) -> None:
    """A 4xx is worth another try, and its words are not repeated either."""
    inbox = Inbox()
    inbox.recipient_answer, inbox.data_answer = recipient, data
    async with smtp_server(inbox) as server:
        with pytest.raises(MailNotSentError, match=reason) as error:
            await SmtpSender(server, SENDER).send(uuid7(), MAIL)

    assert "ada" not in str(error.value)


async def test_silent_server() -> None:
    """A server that does not answer is left after a while."""
    inbox = Inbox()
    inbox.silent.set()
    async with smtp_server(inbox) as server:
        with pytest.raises(MailNotSentError, match="Timed out"):
            await quick(server).send(uuid7(), MAIL)


async def test_nobody_there() -> None:
    """An address where nobody listens is worth another try."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nobody = SmtpServer("127.0.0.1", unused.getsockname()[1], "none")

        with pytest.raises(MailNotSentError, match="Error connecting to"):
            await quick(nobody).send(uuid7(), MAIL)


@pytest.mark.parametrize("encryption", ["starttls", "tls"])
async def test_encrypted(
    encryption: Literal["starttls", "tls"], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With TLS the message and the login arrive, where the certificate is trusted."""
    inbox, (path, tls) = Inbox(), certificate(tmp_path)
    async with smtp_server(inbox, tls=tls, encryption=encryption, login=True) as server:
        with pytest.raises(MailNotSentError, match="certificate"):
            await SmtpSender(server, SENDER).send(uuid7(), MAIL)
        monkeypatch.setenv("SSL_CERT_FILE", str(path))
        refused = await SmtpSender(server, SENDER).send(uuid7(), MAIL)

    assert refused is None
    assert len(inbox.messages) == 1


async def test_no_encryption_to_be_had() -> None:
    """Where STARTTLS is required and not offered, nothing is sent in the clear."""
    inbox = Inbox()
    async with smtp_server(inbox) as plain:
        required = SmtpServer(plain.host, plain.port, "starttls", "press", "canary")
        with pytest.raises(MailNotSentError, match="STARTTLS") as error:
            await SmtpSender(required, SENDER).send(uuid7(), MAIL)

    assert inbox.messages == []
    assert "canary" not in f"{error.value} {required!r}"


async def test_wrong_login() -> None:
    """A refused login is for the operator to mend, so the message is not given up."""
    async with smtp_server(Inbox(), login=True) as server:
        wrong = SmtpServer(server.host, server.port, "none", "press", "canary")
        with pytest.raises(MailNotSentError, match="answered 535"):
            await SmtpSender(wrong, SENDER).send(uuid7(), MAIL)
