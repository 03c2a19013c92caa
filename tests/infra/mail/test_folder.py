"""The folder of messages: private files that can be read, and that erasing finds again."""

import os
from pathlib import Path

import pytest
from uuid_utils.compat import uuid7

from commands.mail import Mail, MailNotSentError, MailRefused
from infra.mail.folder import FolderSender
from tests.support.mail import mails_in, text_of

SENDER = "ledgerpress@localhost"


def mail(to: str = "ada@example.org", text: str = "Text.\n") -> Mail:
    """Make a message."""
    return Mail(to, "News", text)


def files(folder: Path) -> list[Path]:
    """List everything in a folder."""
    return sorted(folder.iterdir())


async def test_written(tmp_path: Path) -> None:
    """A message is a file of its own that its owner alone can read, named by its time and id."""
    folder, first, second = tmp_path / "deep" / "mail", uuid7(), uuid7()
    before = os.umask(0)
    try:
        sender = FolderSender(folder, SENDER)
        await sender.send(second, mail(text="Grüße.\n"))
        await sender.send(first, mail())
    finally:
        os.umask(before)

    assert [text_of(message) for message in mails_in(folder)] == ["Text.\n", "Grüße.\n"]
    names = [path.name for path in files(folder)]
    assert [name.partition("Z-")[2] for name in names] == [f"{first}.eml", f"{second}.eml"]
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in files(folder)} == {0o600}


async def test_twice_is_once(tmp_path: Path) -> None:
    """The same message sent again is the same file."""
    sender, mail_id = FolderSender(tmp_path, SENDER), uuid7()

    await sender.send(mail_id, mail())
    await sender.send(mail_id, mail())

    assert len(mails_in(tmp_path)) == 1


async def test_forgotten(tmp_path: Path) -> None:
    """Erasing removes every file to the address however it is spelt, a draft too, and no other."""
    sender = FolderSender(tmp_path, SENDER)
    for to in ("Ada@Bücher.Example", "ada@xn--bcher-kva.example", "ida@example.org"):
        await sender.send(uuid7(), mail(to))
    draft = next(path for path in files(tmp_path) if b"ada@" in path.read_bytes())
    draft.rename(tmp_path / ".draft.eml")

    await sender.forget("ada@bücher.example")

    assert [message["To"] for message in mails_in(tmp_path)] == ["ida@example.org"]
    assert len(files(tmp_path)) == 1


async def test_forgotten_international(tmp_path: Path) -> None:
    """An address beyond ASCII is found as well."""
    sender = FolderSender(tmp_path, SENDER)
    await sender.send(uuid7(), mail("üda@example.org"))

    await sender.forget("Üda@example.org")

    assert files(tmp_path) == []


async def test_nothing_to_forget(tmp_path: Path) -> None:
    """Without a folder there is nothing to forget, and what is no message is left alone."""
    (tmp_path / "other.eml").write_bytes(b"no message")

    await FolderSender(tmp_path / "missing", SENDER).forget("ada@example.org")
    await FolderSender(tmp_path, SENDER).forget("ada@example.org")

    assert [path.name for path in files(tmp_path)] == ["other.eml"]


async def test_refused(tmp_path: Path) -> None:
    """A message that cannot be written as one leaves no file."""
    refused = await FolderSender(tmp_path, SENDER).send(uuid7(), mail("ada@example.org\r\nX: y"))

    assert isinstance(refused, MailRefused)
    assert files(tmp_path) == []


async def test_no_folder(tmp_path: Path) -> None:
    """A folder that cannot be made is worth another try."""
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(MailNotSentError, match="Not a directory"):
        await FolderSender(tmp_path / "file" / "mail", SENDER).send(uuid7(), mail())
