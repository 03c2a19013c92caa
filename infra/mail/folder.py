"""Mail for development: each message is a file `<UTC time>-<id>.eml` in a folder of its owner's."""

import asyncio
import os
import tempfile
from email import policy
from email.parser import HeaderParser
from pathlib import Path
from uuid import UUID

from commands.mail import Mail, MailNotSentError, MailRefused
from infra.identity.personal_data import normalised_email
from infra.mail.message import Composed, compose, made_at, parse_recipient

_READER = HeaderParser(policy=policy.default)


class FolderSender:
    """Writes messages into a folder, which is made (0700) when the first one comes."""

    def __init__(self, folder: Path, sender: str) -> None:
        self._folder = folder
        self._sender = sender

    async def send(self, mail_id: UUID, mail: Mail) -> MailRefused | None:
        """Write the file; twice the same message is one file. Raises `MailNotSentError`."""
        composed = compose(mail_id, mail, self._sender)
        if isinstance(composed, MailRefused):
            return composed
        name = f"{made_at(mail_id):%Y%m%dT%H%M%S.%fZ}-{mail_id}.eml"
        try:
            await asyncio.to_thread(self._write, name, composed)
        except OSError as error:
            raise MailNotSentError(f"the folder cannot be written: {error.strerror}") from error
        return None

    async def forget(self, to: str) -> None:
        """Remove the files to this address. Raises `OSError` where they cannot be."""
        await asyncio.to_thread(self._forget, _compared(to))

    def _write(self, name: str, composed: Composed) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Nobody finds half a message. The draft, which a crash may leave, is found by `forget`.
        descriptor, draft = tempfile.mkstemp(dir=self._folder, prefix=".", suffix=".eml")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(composed.message.as_bytes())
            Path(draft).replace(self._folder / name)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise

    def _forget(self, to: str) -> None:
        for path in self._folder.glob("*.eml"):
            try:
                header = _READER.parsestr(path.read_text("utf-8", errors="replace"))
            except FileNotFoundError:
                continue  # a draft that has got its name, or somebody else removed it
            if _compared(str(header["To"])) == to:
                path.unlink(missing_ok=True)


def _compared(address: str) -> str:
    recipient = parse_recipient(address)
    return normalised_email(address if recipient is None else recipient.addr_spec)
