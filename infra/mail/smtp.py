"""Mail by SMTP (RFC 5321): one connection for each message, every wait with a limit.

What a server says is never passed on, since it often repeats the address: of an answer only the
code is told.
"""

import asyncio
from contextlib import suppress
from typing import Literal
from uuid import UUID

import aiosmtplib
import msgspec

from commands.mail import Mail, MailNotSentError, MailRefused
from infra.mail.message import Composed, compose, domain_of

ANSWER_SECONDS = 10.0
SEND_SECONDS = 30.0
_QUIT_SECONDS = 2.0
_PERMANENT = 500


class SmtpServer(msgspec.Struct, frozen=True):
    """Where messages are handed in, and how."""

    host: str
    port: int
    encryption: Literal["none", "starttls", "tls"]
    """`starttls` is required, not tried; `tls` begins with the connection."""
    user: str | None = None
    password: str | None = None

    def __repr__(self) -> str:
        """Show nothing secret, as what is shown may be logged."""
        return f"SmtpServer({self.host!r}, {self.port}, {self.encryption!r})"


class SmtpSender:
    """Hands messages to a server; what it accepted is out of our hands."""

    def __init__(
        self,
        server: SmtpServer,
        sender: str,
        *,
        answer_seconds: float = ANSWER_SECONDS,
        send_seconds: float = SEND_SECONDS,
    ) -> None:
        self._server = server
        self._sender = sender
        self._answer_seconds = answer_seconds
        self._send_seconds = send_seconds

    async def send(self, mail_id: UUID, mail: Mail) -> MailRefused | None:
        """Hand a message to the server. Raises `MailNotSentError`."""
        composed = compose(mail_id, mail, self._sender)
        if isinstance(composed, MailRefused):
            return composed
        client = self._client()
        try:
            async with asyncio.timeout(self._send_seconds):
                await client.connect()
                refused = await self._hand_in(client, composed)
            with suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
                await client.quit(timeout=_QUIT_SECONDS)
        except aiosmtplib.SMTPResponseException as error:
            raise MailNotSentError(f"the mail server answered {error.code}") from error
        except (aiosmtplib.SMTPException, OSError, TimeoutError, ValueError) as error:
            raise MailNotSentError(f"no mail server to send with: {_said(error)}") from error
        finally:
            client.close()
        return refused

    async def forget(self, to: str) -> None:
        """Do nothing: nothing is held."""

    def _client(self) -> aiosmtplib.SMTP:
        server = self._server
        return aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.user,
            password=server.password,
            # Otherwise the name is looked up in the DNS, which blocks the loop.
            local_hostname=domain_of(self._sender),
            timeout=self._answer_seconds,
            use_tls=server.encryption == "tls",
            start_tls=server.encryption == "starttls",
        )

    async def _hand_in(self, client: aiosmtplib.SMTP, mail: Composed) -> MailRefused | None:
        if mail.international:
            if client.is_ehlo_or_helo_needed:
                await client.ehlo()
            if not client.supports_extension("smtputf8"):
                return MailRefused("its address needs SMTPUTF8, and the mail server has it not")
        try:
            await client.send_message(mail.message, sender=self._sender, recipients=[mail.to])
        except aiosmtplib.SMTPRecipientsRefused as error:
            return self._judged(error.recipients[0].code, "the address")
        except aiosmtplib.SMTPDataError as error:
            return self._judged(error.code, "the message")
        return None

    def _judged(self, code: int, what: str) -> MailRefused:
        """Give a permanent refusal (RFC 5321, section 4.2.1). Raises for one that may pass."""
        said = f"the mail server answered {code} to {what}"
        if code < _PERMANENT:
            raise MailNotSentError(said)
        return MailRefused(said)


def _said(error: Exception) -> str:
    """Tell of an error what can have no address in it."""
    match error:
        case aiosmtplib.SMTPException():
            return error.message  # the library's own words: a server's were caught before
        case OSError():
            return str(error) or type(error).__name__
        case _:
            return type(error).__name__
