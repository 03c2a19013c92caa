"""Mail that was written into a folder: reading it, and what it says."""

import re
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

_PARSER = BytesParser(EmailMessage, policy=policy.default)
_TOKEN = re.compile(r'"token": "([^"]+)"')


def mails_in(folder: Path) -> list[EmailMessage]:
    """Read the messages in a folder, oldest first; none where there is no folder yet."""
    return [
        _PARSER.parsebytes(path.read_bytes())
        for path in sorted(folder.glob("*.eml"))
        if not path.name.startswith(".")
    ]


def text_of(mail: EmailMessage) -> str:
    """Give the text of a message, with plain line ends."""
    text: str = mail.get_content()
    return text.replace("\r\n", "\n")


def token_in(text: str) -> str:
    """Find the token in the text of a message."""
    found = _TOKEN.search(text)
    assert found is not None, text
    return found[1]
