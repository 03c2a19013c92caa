"""The relay's way to JetStream: messages are stored in their order, each once, or not at all."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import msgspec
import pytest
from uuid_utils.compat import uuid7

from infra.embedded.nats import connected_once
from infra.relay.jetstream import JetStreamBroker
from infra.relay.stream import CONFIGURATION, STREAM
from projections.following import BrokerUnavailableError
from projections.relaying import AlreadyThereError, Message, OutOfStepError, StreamEnd
from tests.support.relaying import positions_published

BOTH = pytest.mark.parametrize("atomic", [True, False], ids=["together", "one by one"])

NEW = StreamEnd(0, None, None, made=True)


def some(first: int, last: int) -> list[Message]:
    """Make messages of the events at these positions."""
    return [
        Message(
            position,
            "ledgerpress.events.test.happened.v1",
            {"Nats-Msg-Id": str(uuid7()), "Ledgerpress-Position": str(position)},
            b"{}",
        )
        for position in range(first, last + 1)
    ]


async def make_stream(url: str, *, atomic: bool) -> None:
    """Make the stream as a newer or an older server would."""
    async with connected_once(url, 5) as client:
        jetstream = client.jetstream()
        made = await jetstream.add_stream(CONFIGURATION.evolve(allow_atomic=atomic))
        # Once in a thousand times the server gives a new stream what it is just removing of the
        # one before it.
        while made.state.last_seq:
            await jetstream.delete_stream(STREAM)
            made = await jetstream.add_stream(CONFIGURATION.evolve(allow_atomic=atomic))


@pytest.fixture
async def broker(nats_url: str) -> AsyncIterator[JetStreamBroker]:
    """Give a way to a broker without any stream."""
    broker = JetStreamBroker(nats_url)
    yield broker
    await broker.close()


async def store(broker: JetStreamBroker, messages: Sequence[Message], after: int) -> None:
    """Send messages and wait until they are stored."""
    await (await broker.send(messages, after))


async def test_a_stream_that_is_missing_is_made(broker: JetStreamBroker, nats_url: str) -> None:
    """With explicit limits, and once; it ends nowhere yet."""
    first, second = await broker.end(), await broker.end()
    async with connected_once(nats_url, 5) as client:
        config = (await client.jetstream().stream_info(STREAM)).config

    assert (first, second) == (NEW, msgspec.structs.replace(NEW, made=False))
    assert (config.max_age, config.max_bytes) == (7 * 24 * 3600, 256 * 1024 * 1024)
    assert (config.duplicate_window, config.num_replicas) == (120, 1)


@BOTH
async def test_pages_in_flight_are_stored_in_order(
    broker: JetStreamBroker, nats_url: str, *, atomic: bool
) -> None:
    """Several are sent before the first is acknowledged; the end tells the last."""
    await make_stream(nats_url, atomic=atomic)
    await broker.end()
    pages = [some(1, 300), some(301, 301), some(302, 600)]
    waiting, after = [], 0
    for page in pages:
        waiting.append(await broker.send(page, after))
        after += len(page)
    await asyncio.gather(*waiting)
    end = await broker.end()

    assert await positions_published(nats_url) == list(range(1, 601))
    assert (end.sequence, end.position) == (600, 600)
    assert str(end.event_id) == pages[-1][-1].headers["Nats-Msg-Id"]


@BOTH
async def test_what_comes_after_a_gap_is_not_stored(
    broker: JetStreamBroker, nats_url: str, *, atomic: bool
) -> None:
    """A sender that is behind, or ahead, of the stream stores nothing."""
    await make_stream(nats_url, atomic=atomic)
    await broker.end()
    await store(broker, some(1, 10), 0)
    for after in (0, 9, 11):
        with pytest.raises(OutOfStepError):
            await store(broker, some(11, 20), after)

    assert await positions_published(nats_url) == list(range(1, 11))


@BOTH
async def test_what_is_there_already_is_told_apart(
    broker: JetStreamBroker, nats_url: str, *, atomic: bool
) -> None:
    """And can be sent again together with what is not, which is then stored behind the rest."""
    await make_stream(nats_url, atomic=atomic)
    await broker.end()
    messages = some(1, 20)
    await store(broker, messages[:10], 0)
    with pytest.raises(AlreadyThereError):
        await store(broker, messages[5:], 10)
    await broker.send_again(messages[5:])

    assert await positions_published(nats_url) == list(range(1, 21))


async def test_where_the_last_message_is_gone(broker: JetStreamBroker, nats_url: str) -> None:
    """Its number is known still, the event is not."""
    await broker.end()
    await store(broker, some(1, 3), 0)
    async with connected_once(nats_url, 5) as client:
        await client.jetstream().delete_msg(STREAM, 3)
        removed = await broker.end()
        await client.jetstream().purge_stream(STREAM)
        purged = await broker.end()

    assert [removed, purged] == [msgspec.structs.replace(NEW, sequence=3, made=False)] * 2


@BOTH
async def test_a_stream_that_goes_away(
    broker: JetStreamBroker, nats_url: str, *, atomic: bool
) -> None:
    """Is no bug: what is sent to nowhere is as in an outage, and the stream is made again."""
    await make_stream(nats_url, atomic=atomic)
    await broker.end()
    async with connected_once(nats_url, 5) as client:
        await client.jetstream().delete_stream(STREAM)
    with pytest.raises(BrokerUnavailableError):
        await store(broker, some(1, 2), 0)

    assert await broker.end() == NEW


async def test_nobody_at_the_address() -> None:
    """It is unavailable, at once, and nothing is left behind."""
    broker = JetStreamBroker("nats://127.0.0.1:1")
    with pytest.raises(BrokerUnavailableError):
        await broker.end()
    with pytest.raises(BrokerUnavailableError):
        await broker.send(some(1, 1), 0)
    assert not broker.connected
    await broker.close()


def test_the_stream_takes_every_event() -> None:
    """Its subjects are those of the messages; old ones leave, new ones are never refused."""
    config = msgspec.to_builtins(CONFIGURATION.as_dict())

    assert config["subjects"] == ["ledgerpress.events.>"]
    assert config["discard"] == "old"
