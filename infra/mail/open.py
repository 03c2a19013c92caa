"""Chooses the sender that MAIL_URL asks for."""

from ipaddress import ip_address
from pathlib import Path
from urllib.parse import unquote, urlsplit

from commands.mail import MailSender
from infra.mail.folder import FolderSender
from infra.mail.smtp import SmtpSender, SmtpServer
from infra.settings import Settings

_SUBMISSION, _SUBMISSIONS = 587, 465
"""The ports of RFC 6409 and RFC 8314."""


def mail_sender(settings: Settings) -> MailSender:
    """Make the sender; nothing is connected to or written before the first message."""
    url = urlsplit(settings.mail_url)
    if url.scheme == "file":
        return FolderSender(Path(unquote(url.path)), settings.mail_from)
    return SmtpSender(smtp_server(settings.mail_url), settings.mail_from)


def smtp_server(mail_url: str) -> SmtpServer:
    """Read a checked `smtp://` or `smtps://` URL.

    Without `smtps`, STARTTLS is required of every server but one on this machine.
    """
    url = urlsplit(mail_url)
    host = url.hostname or ""
    tls = url.scheme == "smtps"
    return SmtpServer(
        host=host,
        port=url.port or (_SUBMISSIONS if tls else _SUBMISSION),
        encryption="tls" if tls else "none" if _is_loopback(host) else "starttls",
        user=unquote(url.username) if url.username else None,
        password=unquote(url.password) if url.password else None,
    )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
