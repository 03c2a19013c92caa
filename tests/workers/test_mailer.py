"""The mailer: every message is sent or given up, by one of several, whatever fails."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from structlog.testing import capture_logs
from uuid_utils.compat import uuid7

from commands.mail import Mail, MailNotSentError, MailRefused, MailSender
from infra.mail.folder import FolderSender
from infra.mail.queue import PostgresMailQueue
from infra.mail.smtp import SEND_SECONDS, SmtpSender
from infra.postgres import Database
from tests.infra.mail.smtp_server import Inbox, smtp_server
from tests.support.mail import mails_in
from tests.support.own_postgres import own_postgres
from tests.support.waiting import eventually
from workers.mailer import LEASE, next_try, run_mailer, send_all_due

FROM = "ledgerpress@press.example"
MAIL = Mail("canary@example.org", "canary subject", "canary text")
OVER = timedelta(seconds=-1)
"""A lease that is over when it begins: its taker was killed at once."""


class Postbox:
    """A sender that keeps what it gets, fails as a test says, or waits."""

    def __init__(self) -> None:
        self.sent: list[UUID] = []
        self.forgotten: list[str] = []
        self.failure: Exception | MailRefused | None = None
        self.before: asyncio.Event | None = None
        self.busy = asyncio.Event()

    async def send(self, mail_id: UUID, mail: Mail) -> MailRefused | None:
        """Keep it, unless."""
        self.busy.set()
        if self.before is not None:
            await self.before.wait()
        if isinstance(self.failure, Exception) and mail == MAIL:
            raise self.failure
        if isinstance(self.failure, MailRefused) and mail == MAIL:
            return self.failure
        self.sent.append(mail_id)
        return None

    async def forget(self, to: str) -> None:
        """Remember who was forgotten."""
        self.forgotten.append(to)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """Connect to an empty database."""
    database = await Database.connect(database_url)
    yield database
    await database.close()


@pytest.fixture
async def queue(database: Database) -> PostgresMailQueue:
    """Give an empty queue."""
    return PostgresMailQueue(database, b"k" * 32, uuid7)


@asynccontextmanager
async def mailer(
    queue: PostgresMailQueue, sender: MailSender, every_seconds: float = 0.01
) -> AsyncIterator[None]:
    """Run a mailer until the block ends; then it ends in time."""
    stop = asyncio.Event()
    running = asyncio.create_task(
        run_mailer(
            queue,
            sender,
            filled=queue.filled,
            stop=stop,
            every_seconds=every_seconds,
            grace_seconds=0.2,
        )
    )
    try:
        yield
    finally:
        stop.set()
        async with asyncio.timeout(30):
            await running


async def send_now(queue: PostgresMailQueue, sender: MailSender) -> list[Any]:
    """Try what is due once, and give what was logged."""
    with capture_logs() as logs:
        await send_all_due(queue, sender, stop=asyncio.Event())
    assert "canary" not in repr(logs)
    return logs


async def waiting(database: Database) -> int:
    """Count the messages in the queue."""
    rows = await database.fetch("select count(*) from mails")
    count: int = rows[0][0]
    return count


async def test_woken(queue: PostgresMailQueue, database: Database, tmp_path: Path) -> None:
    """A message put in the same process is sent at once, not at the next round."""
    async with mailer(queue, FolderSender(tmp_path, FROM), every_seconds=3600):
        for number in range(1, 3):
            await queue.put(MAIL, "hash")

            async def sent(number: int = number) -> bool:
                return (len(mails_in(tmp_path)), await waiting(database)) == (number, 0)

            assert await eventually(sent)


async def test_polled(queue: PostgresMailQueue, database: Database) -> None:
    """A message put by another process is found by looking again."""
    elsewhere, postbox = PostgresMailQueue(database, b"k" * 32, uuid7), Postbox()
    async with mailer(queue, postbox):

        async def idle() -> bool:
            return not queue.filled.is_set()

        assert await eventually(idle)
        await elsewhere.put(MAIL, "hash")

        async def sent() -> bool:
            return await waiting(database) == 0

        assert await eventually(sent)
    assert len(postbox.sent) == 1


async def test_two_mailers(queue: PostgresMailQueue, database: Database) -> None:
    """Of two mailers at once each message is sent by one."""
    postbox = Postbox()
    other = PostgresMailQueue(database, b"k" * 32, uuid7)
    async with mailer(queue, postbox), mailer(other, postbox):
        await asyncio.gather(*(queue.put(MAIL, "hash") for _ in range(50)))

        async def all_sent() -> bool:
            return await waiting(database) == 0

        assert await eventually(all_sent)
    assert len(postbox.sent) == len(set(postbox.sent)) == 50


async def test_killed_after_sending(queue: PostgresMailQueue) -> None:
    """What a mailer sent and could not forget is sent again, with the same Message-ID."""
    inbox = Inbox()
    async with smtp_server(inbox) as server:
        sender = SmtpSender(server, FROM)
        await queue.put(MAIL, "hash")
        [taken] = await queue.take(1, OVER)
        await sender.send(taken.id, MAIL)

        await send_now(queue, sender)

    first, second = inbox.messages
    assert first.content == second.content
    assert f"Message-ID: <{taken.id}@press.example>".encode() in (second.content or b"")


async def test_stopped_while_it_sends(queue: PostgresMailQueue, database: Database) -> None:
    """Being told to stop lets what is being sent come to its end."""
    inbox = Inbox()
    inbox.hold = asyncio.Event()
    async with smtp_server(inbox) as server:
        stop = asyncio.Event()
        running = asyncio.create_task(
            run_mailer(queue, SmtpSender(server, FROM), filled=queue.filled, stop=stop)
        )
        await queue.put(MAIL, "hash")
        await inbox.arrived.wait()
        stop.set()
        inbox.hold.set()
        async with asyncio.timeout(30):
            await running

    assert len(inbox.messages) == 1
    assert await waiting(database) == 0


async def test_stopped_while_it_hangs(queue: PostgresMailQueue, database: Database) -> None:
    """What hangs is left after a moment; its message stays for another mailer."""
    postbox = Postbox()
    postbox.before = asyncio.Event()
    async with mailer(queue, postbox):
        await queue.put(MAIL, "hash")
        await postbox.busy.wait()

    assert postbox.sent == []
    assert await waiting(database) == 1


async def test_tried_again(queue: PostgresMailQueue, database: Database) -> None:
    """A failure puts the message off, says so without address or text, and holds up no other."""
    postbox = Postbox()
    postbox.failure = MailNotSentError("the mail server answered 451")
    await queue.put(MAIL, "hash")
    await queue.put(Mail("ida@example.org", "x", "x"), "other")

    [line] = await send_now(queue, postbox)

    assert len(postbox.sent) == 1
    assert (line["log_level"], line["attempts"]) == ("warning", 1)
    assert line["why"] == "the mail server answered 451"
    assert line["next_try_seconds"] == 5
    [row] = await database.fetch("select due_at - now() > interval '4 seconds' from mails")
    assert row[0]
    postbox.failure = None
    await database.fetch("update mails set due_at = now()")
    assert await send_now(queue, postbox) == []
    assert await waiting(database) == 0


async def test_a_bug_in_a_sender(queue: PostgresMailQueue, database: Database) -> None:
    """An unforeseen exception is logged by its place, not its words, and the mail tried again."""
    postbox = Postbox()
    postbox.failure = ValueError(f"cannot send {MAIL.to}")
    await queue.put(MAIL, "hash")

    [line] = await send_now(queue, postbox)

    assert line["why"].startswith(f"ValueError at {__file__}:")
    assert await waiting(database) == 1


async def test_given_up(queue: PostgresMailQueue, database: Database) -> None:
    """After a day of failures a message is given up as an error, and gone."""
    postbox = Postbox()
    postbox.failure = MailNotSentError("the mail server answered 451")
    await queue.put(MAIL, "hash")
    await database.fetch("update mails set created_at = now() - interval '24 hours'")

    [line] = await send_now(queue, postbox)

    assert (line["log_level"], line["event"]) == (
        "error",
        "a mail could not be sent and was given up",
    )
    assert await waiting(database) == 0


async def test_refused(queue: PostgresMailQueue, database: Database) -> None:
    """A message that its server will never take is given up at once."""
    inbox = Inbox()
    inbox.recipient_answer = "550 no {address} here"
    await queue.put(MAIL, "hash")
    async with smtp_server(inbox) as server:
        [line] = await send_now(queue, SmtpSender(server, FROM))

    assert (line["log_level"], line["why"]) == (
        "error",
        "the mail server answered 550 to the address",
    )
    assert await waiting(database) == 0


async def test_header_injection(queue: PostgresMailQueue, database: Database) -> None:
    """A message that would write its own header is given up and reaches no server."""
    inbox = Inbox()
    await queue.put(Mail("ada@example.org\r\nBcc: eve@example.org", "x", "x"), "hash")
    await queue.put(Mail("ada@example.org", "x\r\nBcc: eve@example.org", "x"), "hash")
    async with smtp_server(inbox) as server:
        logs = await send_now(queue, SmtpSender(server, FROM))

    assert [line["log_level"] for line in logs] == ["error", "error"]
    assert "example.org" not in repr(logs)
    assert inbox.messages == []
    assert await waiting(database) == 0


async def test_another_key(queue: PostgresMailQueue, database: Database) -> None:
    """A message that cannot be opened is given up loudly, and the others are sent."""
    postbox = Postbox()
    await PostgresMailQueue(database, b"x" * 32, uuid7).put(MAIL, "hash")
    await queue.put(MAIL, "hash")

    [line] = await send_now(queue, postbox)

    assert line["log_level"] == "error"
    assert "cannot be opened" in line["event"]
    assert len(postbox.sent) == 1
    assert await waiting(database) == 0


async def test_erased_while_it_is_sent(
    queue: PostgresMailQueue, database: Database, tmp_path: Path
) -> None:
    """The message of a person who is erased in that moment leaves no file."""

    class Slow(FolderSender):
        async def send(self, mail_id: UUID, mail: Mail) -> MailRefused | None:
            await database.fetch("delete from mails where email_hash = 'hash'")
            return await super().send(mail_id, mail)

    await queue.put(MAIL, "hash")

    await send_now(queue, Slow(tmp_path, FROM))

    assert mails_in(tmp_path) == []


async def test_lost_lease(queue: PostgresMailQueue) -> None:
    """A mailer that slept through its lease removes nothing of what another has sent since."""
    postbox, other = Postbox(), Postbox()
    postbox.before = asyncio.Event()
    await queue.put(MAIL, "hash")
    late = asyncio.create_task(send_all_due(queue, postbox, stop=asyncio.Event(), lease=OVER))
    await postbox.busy.wait()
    await send_now(queue, other)
    postbox.before.set()
    await late

    assert other.sent == postbox.sent
    assert postbox.forgotten == []


async def test_outage() -> None:
    """A database that goes away is told once, and its mails are sent when it is back."""
    async with own_postgres() as postgres:
        database = await Database.connect(postgres.url)
        queue, postbox = PostgresMailQueue(database, b"k" * 32, uuid7), Postbox()
        await queue.put(MAIL, "hash")
        await postgres.stop()
        with capture_logs() as logs:
            async with mailer(queue, postbox):

                async def noticed() -> bool:
                    return len(logs) > 0

                assert await eventually(noticed)
                await postgres.start()

                async def sent() -> bool:
                    return len(postbox.sent) == 1

                assert await eventually(sent)
        await database.close()

    said = [line["event"] for line in logs if not line["event"].startswith("circuit breaker")]
    assert said == ["the database is out of reach", "the database is back"]


@pytest.mark.parametrize(
    ("attempts", "age_hours", "seconds"),
    [
        (1, 0, 5),
        (2, 0, 10),
        (3, 0, 20),
        (10, 1, 2560),
        (11, 2, 3600),
        (2_000_000_000, 23.9, 3600),
        (1, 24, None),
        (30, 25, None),
    ],
)
def test_next_try(attempts: int, age_hours: float, seconds: int | None) -> None:
    """The pauses double from 5 seconds up to an hour; after a day there is none."""
    wanted = None if seconds is None else timedelta(seconds=seconds)

    assert next_try(attempts, timedelta(hours=age_hours)) == wanted


def test_the_lease_is_longer_than_a_sender_tries() -> None:
    """Nobody else takes a message while it is still being sent."""
    assert LEASE.total_seconds() >= 2 * SEND_SECONDS
