"""Specifies the way to receivers: one POST, over TLS, to an address that was judged."""

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from domain.webhook_retries import Answered, Attempt, NoAnswer
from infra.webhooks.addresses import is_public
from infra.webhooks.sender import HttpSender
from tests.support.receiver import (
    HOST,
    Received,
    Receiver,
    answering,
    is_this_machine,
    running_receiver,
    this_machine,
)

HEADERS = {"content-type": "application/json", "webhook-id": "1"}


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """Run a receiver."""
    async with running_receiver() as receiver:
        yield receiver


async def sent(sender: HttpSender, url: str) -> Attempt:
    """Send a message, once."""
    try:
        return await sender.send(url, HEADERS, b'{"a":1}')
    finally:
        await sender.close()


def resolving(*addresses: str) -> object:
    """Resolve every name to these."""

    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return addresses

    return resolve


async def test_a_message_is_posted(receiver: Receiver) -> None:
    """With its fields and its body, to the path and query of the address."""
    assert await sent(receiver.sender(), receiver.url) == Answered(204)

    (request,) = receiver.requests
    assert request.path == "/in?from=ledger"
    assert request.headers["host"] == receiver.place
    assert request.headers["webhook-id"] == "1"
    assert request.body == b'{"a":1}'


async def test_a_connection_is_used_again(receiver: Receiver) -> None:
    """The next message needs no new one."""
    sender = receiver.sender()
    first = await sender.send(receiver.url, HEADERS, b"{}")

    assert await sent(sender, receiver.url) == first
    assert receiver.connections == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_redirects_are_not_followed(receiver: Receiver, status: int) -> None:
    """Not even to the same place; that would be how to be led inside."""
    receiver.answers = answering(status, f"location: {receiver.url}\r\n")

    assert await sent(receiver.sender(), receiver.url) == Answered(status)
    assert len(receiver.requests) == 1


async def test_a_host_that_is_not_allowed_gets_nothing(receiver: Receiver) -> None:
    """The list counts at each attempt, not only when a webhook is registered."""
    for url in (
        f"https://{HOST}/in",
        f"https://other.example:{receiver.port}/",
        f"https://127.0.0.1:{receiver.port}/",
        f"http://{receiver.place}/",
        f"https://a@{receiver.place}/",
    ):
        assert await sent(receiver.sender(), url) == NoAnswer("host_not_allowed")
    assert receiver.connections == 0


@pytest.mark.parametrize(
    "addresses",
    [
        ("127.0.0.1",),
        ("169.254.169.254",),
        ("::ffff:10.0.0.1",),
        ("::1",),
        ("64:ff9b::a9fe:a9fe",),
        ("8.8.8.8", "127.0.0.1"),
        ("127.0.0.1", "8.8.8.8"),
    ],
)
async def test_a_name_that_leads_inside_is_not_connected_to(
    receiver: Receiver, addresses: tuple[str, ...]
) -> None:
    """Not even if only one of its addresses does: nothing comes to the machine itself."""
    sender = receiver.sender(resolve=resolving(*addresses), allows=is_public)  # type: ignore[arg-type]  # a resolver

    assert await sent(sender, receiver.url) == NoAnswer("address_not_public")
    assert receiver.connections == 0


async def test_the_product_itself_judges_addresses(receiver: Receiver) -> None:
    """Without anything said, as in production, this machine is refused."""
    sender = HttpSender([receiver.place], resolve=this_machine)

    assert await sent(sender, receiver.url) == NoAnswer("address_not_public")
    assert receiver.connections == 0


async def test_the_resolver_of_the_machine_is_asked(receiver: Receiver) -> None:
    """What it says of this machine's own name is judged like anything else."""
    place = f"localhost:{receiver.port}"

    assert await sent(HttpSender([place]), f"https://{place}/in") == NoAnswer("address_not_public")
    assert receiver.connections == 0


async def test_a_name_is_resolved_once_for_a_connection(receiver: Receiver) -> None:
    """What was judged is what is connected to, whatever a second look would give."""
    asked = 0

    async def rebinding(_host: str, _port: int) -> Sequence[str]:
        nonlocal asked
        asked += 1
        return ["127.0.0.1"] if asked == 1 else ["127.0.0.2"]

    assert await sent(receiver.sender(resolve=rebinding), receiver.url) == Answered(204)
    assert asked == 1


async def test_names_without_an_address(receiver: Receiver) -> None:
    """It is told as such, whether the resolver fails or finds nothing."""

    async def fails(_host: str, _port: int) -> Sequence[str]:
        raise OSError("no such name")

    assert await sent(receiver.sender(resolve=fails), receiver.url) == NoAnswer("name_unknown")
    nothing = receiver.sender(resolve=resolving())  # type: ignore[arg-type]  # a resolver
    assert await sent(nothing, receiver.url) == NoAnswer("name_unknown")


async def test_the_next_address_is_tried(receiver: Receiver) -> None:
    """Where nobody listens at the first."""
    resolve = resolving("127.0.0.2", "127.0.0.1")

    assert await sent(receiver.sender(resolve=resolve), receiver.url) == Answered(204)  # type: ignore[arg-type]  # a resolver


async def test_the_certificate_must_be_of_the_name(receiver: Receiver) -> None:
    """A receiver that cannot prove its name gets nothing."""
    strict = HttpSender(
        [receiver.place],
        allows=is_this_machine,
        resolve=this_machine,
        tls=ssl.create_default_context(),
    )

    assert await sent(strict, receiver.url) == NoAnswer("tls_failed")
    assert receiver.requests == []


async def test_nobody_listens(receiver: Receiver) -> None:
    """A refused connection is told as one."""
    resolve = resolving("127.0.0.2")

    assert await sent(receiver.sender(resolve=resolve), receiver.url) == NoAnswer(  # type: ignore[arg-type]  # a resolver
        "connection_failed"
    )


async def test_a_receiver_that_hangs(receiver: Receiver) -> None:
    """It is left after the time for an attempt."""

    async def hangs(_: Received, __: asyncio.StreamWriter) -> bytes:
        await asyncio.Event().wait()
        raise AssertionError

    receiver.answers = hangs

    assert await sent(receiver.sender(seconds=0.3), receiver.url) == NoAnswer("timeout")


async def test_a_receiver_that_never_ends_its_answer(receiver: Receiver) -> None:
    """The status counts; of the body a little is read."""
    sizes: list[int] = []

    async def streams(_: Received, writer: asyncio.StreamWriter) -> bytes:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000000000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x" * 65536)
            await writer.drain()
            sizes.append(65536)
        return b""

    receiver.answers = streams

    assert await sent(receiver.sender(), receiver.url) == Answered(200)
    assert sum(sizes) < 64 * 1024 * 1024


async def test_a_receiver_whose_fields_never_end(receiver: Receiver) -> None:
    """There is a limit to what is read of them."""

    async def streams(_: Received, writer: asyncio.StreamWriter) -> bytes:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while not writer.is_closing():
            writer.write(b"x-more: " + b"x" * 8192 + b"\r\n")
            await writer.drain()
        return b""

    receiver.answers = streams

    assert await sent(receiver.sender(), receiver.url) == NoAnswer("connection_broken")


async def test_a_body_that_trickles_changes_nothing(receiver: Receiver) -> None:
    """An answer is an answer once its head is there."""

    async def trickles(_: Received, writer: asyncio.StreamWriter) -> bytes:
        writer.write(b"HTTP/1.1 202 Accepted\r\ncontent-length: 10\r\n\r\nx")
        await writer.drain()
        await asyncio.Event().wait()
        raise AssertionError

    receiver.answers = trickles

    assert await sent(receiver.sender(), receiver.url) == Answered(202)


@pytest.mark.parametrize(
    "answer",
    [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 2\r\n\r\n", b"\x00" * 100, struct.pack(">Q", 2**63)],
)
async def test_what_is_no_answer(receiver: Receiver, answer: bytes) -> None:
    """Whatever a receiver does is the receiver's failure, and no exception of ours."""

    async def breaks(_: Received, writer: asyncio.StreamWriter) -> bytes:
        writer.write(answer)
        writer.close()
        return b""

    receiver.answers = breaks

    assert await sent(receiver.sender(seconds=5), receiver.url) == NoAnswer("connection_broken")


@pytest.mark.parametrize(
    ("field", "least", "most"),
    [
        ("120", 120, 120),
        ("in an hour", 3000, 3600),
        ("99999999999999999999", 10**9, 10**10),
        ("soon", None, None),
        ("-5", None, None),
        ("Wed, 99 Foo 2026 00:00:00 GMT", None, None),
    ],
)
async def test_retry_after_is_read(
    receiver: Receiver, field: str, least: int | None, most: int | None
) -> None:
    """Seconds or a date; what is neither is ignored."""
    if field == "in an hour":
        field = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    receiver.answers = answering(503, f"Retry-After: {field}\r\n")
    answer = await sent(receiver.sender(), receiver.url)

    assert isinstance(answer, Answered)
    if least is None or most is None:
        assert answer.retry_after is None
    else:
        assert answer.retry_after is not None
        assert least <= answer.retry_after.total_seconds() <= most
