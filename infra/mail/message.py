"""A message as RFC 5322 and RFC 6532 write it: plain text in UTF-8 to one address.

Nobody can add to the header from outside: the address has to be one address alone, and the subject
may have no line break.
"""

from datetime import UTC, datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from uuid import UUID

import msgspec
from email_validator import EmailNotValidError, validate_email

from commands.mail import Mail, MailRefused

_LONGEST_LINE = 998
"""RFC 5322 (section 2.1.1), without the line's end."""


class Composed(msgspec.Struct, frozen=True):
    """A message ready to be sent, and the address for the envelope."""

    message: EmailMessage
    to: str
    international: bool
    """The address has no form in ASCII: every server on the way needs SMTPUTF8 (RFC 6531)."""

    def __repr__(self) -> str:
        """Show nothing, as what is shown may be logged."""
        return "Composed(***)"


def compose(mail_id: UUID, mail: Mail, sender: str) -> Composed | MailRefused:
    """Write a message. The same id (UUIDv7) always gives the same Date and Message-ID."""
    recipient = parse_recipient(mail.to)
    if recipient is None:
        return MailRefused("its address is malformed")
    if not mail.subject.isprintable():
        return MailRefused("its subject has a line break or another control character")
    to = recipient.addr_spec
    international = not to.isascii()
    message = EmailMessage(SMTPUTF8 if international else SMTP)
    try:
        message["Date"] = made_at(mail_id)
        message["Message-ID"] = f"<{mail_id}@{domain_of(sender)}>"
        message["From"] = Address(addr_spec=sender)
        message["To"] = recipient
        message["Subject"] = mail.subject
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody is to answer it
        # As it is where it can be, so that a command in it can be copied out of a file.
        message.set_content(mail.text, cte="7bit" if _plain(mail.text) else None)
    except (ValueError, UnicodeError):
        return MailRefused("its text has characters that no message may have")
    return Composed(message, to, international)


def parse_recipient(text: str) -> Address | None:
    """Read one address, with an international domain in its ASCII form; None for any other text."""
    try:
        if text.isascii():
            return Address(addr_spec=text)
        known = validate_email(text, check_deliverability=False, test_environment=True)
    except (EmailNotValidError, MessageError, ValueError, IndexError):
        return None
    return Address(username=known.local_part, domain=known.ascii_domain)


def made_at(mail_id: UUID) -> datetime:
    """Tell when a UUIDv7 was made (RFC 9562, section 5.7), to the millisecond."""
    return datetime.fromtimestamp((mail_id.int >> 80) / 1000, UTC)


def domain_of(address: str) -> str:
    """Give what stands after the @ of an address."""
    return address.rpartition("@")[2]


def _plain(text: str) -> bool:
    return text.isascii() and all(len(line) <= _LONGEST_LINE for line in text.splitlines())
