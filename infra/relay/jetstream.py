"""The relay's side of NATS: sends messages to JetStream and waits until they are stored.

A connection is never mended: after any trouble it is given up, and the next one begins by asking
where the stream ends. What was sent on an old one and arrives late cannot take a wrong place, as
every message, or the batch that it is in, names the one before it.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from uuid import UUID, uuid4

import msgspec
import nats.errors
import nats.js.errors
from nats.aio.msg import Msg
from nats.js import JetStreamContext

from infra.relay.stream import STREAM, found_or_made
from infra.relay.wire import ComposedClient, composed, header_lines
from projections.following import BrokerUnavailableError
from projections.relaying import AlreadyThereError, Message, OutOfStepError, StreamEnd

CONNECT_SECONDS = 2
CALL_SECONDS = 2.0
STORE_SECONDS = 4.0
"""Less than the lease of a leader."""

_CLOSE_SECONDS = 0.5
_WRONG_LAST = frozenset({10070, 10071})
"""Of `Nats-Expected-Last-Msg-Id` and `Nats-Expected-Last-Sequence`."""
_DUPLICATE_IN_BATCH = 10201
_TROUBLE = (nats.errors.Error, nats.js.errors.Error, OSError, TimeoutError)
_ONE = 1
_COMMIT = header_lines({"Nats-Batch-Commit": "1"})


class _Refusal(msgspec.Struct):
    err_code: int = 0
    description: str = ""


class _Ack(msgspec.Struct):
    seq: int = 0
    duplicate: bool = False
    error: _Refusal | None = None


_decode_ack = msgspec.json.Decoder(_Ack).decode


class JetStreamBroker:
    """See `projections.relaying.Broker`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: _Connection | None = None

    @property
    def connected(self) -> bool:
        """Whether there is a connection, as far as is known."""
        return self._connection is not None and self._connection.client.is_connected

    async def end(self) -> StreamEnd:
        """Tell where the stream ends, once it is connected to and made where it is missing."""
        with _unavailable():
            connection = self._connection
            if connection is None or not connection.client.is_connected:
                await self.close()
                connection = self._connection = await _connect(self._url)
            return await _end(connection)

    async def send(self, messages: Sequence[Message], after: int) -> Awaitable[None]:
        """Send messages that shall follow the stream's message of this number."""
        connection = self._open()
        with _unavailable():
            async with asyncio.timeout(STORE_SECONDS):
                if connection.atomic and len(messages) > _ONE:
                    acks = await _send_together(connection, messages, after)
                else:
                    acks = await _send_each(connection, messages, after)
        return _stored(acks, after + len(messages))

    async def send_again(self, messages: Sequence[Message]) -> None:
        """Store messages, one after the other, but for those that were stored not long ago."""
        connection = self._open()
        with _unavailable():
            sequence = (await _end(connection)).sequence
            for message in messages:
                reply, waiting = connection.expect_ack()
                command = composed(message, _behind(sequence), reply)
                async with asyncio.timeout(STORE_SECONDS):
                    await connection.client.send_composed(command)
                    ack = await waiting
                _check(ack)
                sequence = sequence if ack.duplicate else ack.seq

    async def close(self) -> None:
        """Give the connection up; the next call makes another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(*_TROUBLE):
                await asyncio.wait_for(connection.client.close(), _CLOSE_SECONDS)

    def _open(self) -> "_Connection":
        if self._connection is None:
            raise BrokerUnavailableError("there is no connection")
        return self._connection


class _Connection:
    """A connection, and the acknowledgements that are waited for on it."""

    def __init__(self, client: ComposedClient) -> None:
        self.client = client
        self.jetstream: JetStreamContext = client.jetstream(timeout=CALL_SECONDS)
        self.atomic = False
        """Whether the stream takes batches that are stored together."""
        self._inbox = client.new_inbox()
        self._numbers = count()
        self._waiting: dict[str, asyncio.Future[_Ack]] = {}

    async def listen(self) -> None:
        """Begin to hear acknowledgements."""
        await self.client.subscribe(f"{self._inbox}.*", cb=self._heard)

    def expect_ack(self) -> tuple[str, "asyncio.Future[_Ack]"]:
        """Give where a message is to be acknowledged, and what becomes the acknowledgement."""
        number = str(next(self._numbers))
        ack = self._waiting[number] = asyncio.get_running_loop().create_future()
        return f"{self._inbox}.{number}", ack

    async def _heard(self, reply: Msg) -> None:
        ack = self._waiting.pop(reply.subject.rpartition(".")[2], None)
        if ack is None or ack.done():
            return
        if not reply.data:  # nobody listens on the subject: there is no stream any more
            ack.set_result(_Ack(error=_Refusal(description="there is no stream")))
        else:
            ack.set_result(_decode_ack(reply.data))


async def _connect(url: str) -> _Connection:
    client = ComposedClient()
    try:
        await client.connect(
            url,
            name="ledgerpress relay",
            connect_timeout=CONNECT_SECONDS,
            allow_reconnect=False,
            # The library counts the first attempt too, and takes 0 for no limit.
            max_reconnect_attempts=1,
            reconnect_time_wait=0,
            error_cb=_ignore,
            # Those of events are made of tags, and it would be done for each again.
            skip_subject_validation=True,
        )
        connection = _Connection(client)
        await connection.listen()
    except BaseException:
        await client.close()
        raise
    return connection


async def _end(connection: _Connection) -> StreamEnd:
    info, made = await found_or_made(connection.jetstream)
    connection.atomic = bool(info.config.allow_atomic)
    sequence = info.state.last_seq
    headers: Mapping[str, str] = {}
    if info.state.messages:
        with contextlib.suppress(nats.js.errors.NotFoundError):  # it was removed
            last = await connection.jetstream.get_msg(STREAM, seq=sequence)
            headers = last.headers or {}
    position, event_id = headers.get("Ledgerpress-Position"), headers.get("Nats-Msg-Id")
    if position is None or event_id is None:
        return StreamEnd(sequence, None, None, made)
    return StreamEnd(sequence, int(position), UUID(event_id), made)


async def _send_together(
    connection: _Connection, messages: Sequence[Message], after: int
) -> list["asyncio.Future[_Ack]"]:
    """Send messages that are stored all together or not at all, with one wait for the disk."""
    batch = header_lines({"Nats-Batch-Id": uuid4().hex})
    last = len(messages) - 1
    reply, ack = connection.expect_ack()
    commands: list[bytes] = []
    for number, message in enumerate(messages):
        headers = f"{batch}Nats-Batch-Sequence: {number + 1}\r\n"
        if number == 0:
            headers += _behind(after)
        if number == last:
            headers += _COMMIT
        commands.append(composed(message, headers, reply if number == last else ""))
    await connection.client.send_composed(b"".join(commands))
    return [ack]


async def _send_each(
    connection: _Connection, messages: Sequence[Message], after: int
) -> list["asyncio.Future[_Ack]"]:
    """Send messages of which each is stored behind the one before it, or not at all.

    By its id and not by its number: one that was sent long ago must not fit in by chance.
    """
    acks: list[asyncio.Future[_Ack]] = []
    commands: list[bytes] = []
    expected = _behind(after)
    for message in messages:
        reply, ack = connection.expect_ack()
        commands.append(composed(message, expected, reply))
        acks.append(ack)
        expected = header_lines({"Nats-Expected-Last-Msg-Id": message.headers["Nats-Msg-Id"]})
    await connection.client.send_composed(b"".join(commands))
    return acks


def _behind(sequence: int) -> str:
    """Let a message be stored behind the one of this number, or not at all."""
    return header_lines({"Nats-Expected-Last-Sequence": str(sequence)})


async def _stored(acks: "Sequence[asyncio.Future[_Ack]]", last: int) -> None:
    """Wait until all are stored, the last of them under this number."""
    with _unavailable():
        async with asyncio.timeout(STORE_SECONDS):
            for number, waiting in enumerate(acks, start=last - len(acks) + 1):
                ack = await waiting
                _check(ack)
                if ack.seq != number:
                    raise AlreadyThereError if ack.duplicate else OutOfStepError


def _check(ack: _Ack) -> None:
    if ack.error is None:
        return
    if ack.error.err_code in _WRONG_LAST:
        raise OutOfStepError
    if ack.error.err_code == _DUPLICATE_IN_BATCH:
        raise AlreadyThereError
    raise BrokerUnavailableError(f"{ack.error.description} ({ack.error.err_code})")


@contextmanager
def _unavailable() -> Iterator[None]:
    """Let what goes wrong between us and the broker leave as `BrokerUnavailableError`."""
    try:
        yield
    except _TROUBLE as error:
        raise BrokerUnavailableError(str(error) or type(error).__name__) from error


async def _ignore(_: Exception) -> None:
    """Take the error that the call raises as well."""
