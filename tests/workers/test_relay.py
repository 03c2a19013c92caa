"""The relay: exactly the events, in their order, and nothing of what is nobody's business."""

from datetime import UTC, datetime

import pytest
from uuid_utils.compat import uuid7

from commands.handle import Caller
from commands.ports import Metadata
from commands.projections import skip_event
from domain.account import Registered
from domain.post import Edited, LegalHoldPlaced
from domain.stream import Role
from infra.embedded.nats import connected_once
from infra.projections.projector_store import PostgresProjectorStore
from infra.relay.jetstream import JetStreamBroker
from infra.relay.relay_store import PostgresRelayStore
from infra.relay.stream import STREAM
from infra.store.codec import Codec
from projections.relaying import Message, OutOfStepError
from projections.status import State
from tests.infra.store.test_codec import CHAIN
from tests.support.log import (
    ARCHIVED,
    AT,
    AUTHOR,
    CREATED,
    Log,
    a_stream,
    append,
    connected,
    numbered,
)
from tests.support.own_nats import own_nats
from tests.support.relaying import (
    all_positions,
    positions_published,
    published,
    relay_status,
    relayed,
    relaying,
)
from tests.support.waiting import eventually

CALLER = Caller(actor=None, at=AT, command="SkipEvent")


async def fill(log: Log, streams: int, edits: int = 3) -> None:
    """Append histories of posts."""
    for _ in range(streams):
        texts = [numbered(each, size=100) for each in range(edits)]
        await log.store.append(append(a_stream(), CREATED, *texts))


async def test_it_publishes_what_is_there_and_what_comes(log: Log, nats_url: str) -> None:
    """Each event once, in the order of the log; a hint wakes it."""
    await fill(log, 400)
    async with relaying(log, nats_url):
        await relayed(log)
        await fill(log, 10)
        await relayed(log)

    assert await positions_published(nats_url) == await all_positions(log)


async def test_a_message_tells_all_of_its_event(log: Log, nats_url: str) -> None:
    """The tag in the subject, the event in its public form, and in headers where it stands."""
    stream, trace = a_stream(), uuid7()
    metadata = Metadata("Test", AUTHOR, "request-1", str(trace))
    at = datetime(2026, 3, 1, 9, tzinfo=UTC)
    made = append(stream, CREATED, ARCHIVED, metadata=metadata, at=at)
    await log.store.append(made)
    async with relaying(log, nats_url):
        await relayed(log)
    first, second = await published(nats_url)
    span = made.events[0].id.hex[-16:]

    assert first.subject == "ledgerpress.events.post.created.v1"
    assert first.data == {
        "type": "post.created.v1",
        "authorId": str(AUTHOR),
        "title": "A title",
        "slug": "a-title",
        "content": "Text.",
        "category": "tech",
    }
    assert {name: text for name, text in first.headers.items() if "Batch" not in name} == {
        "Nats-Msg-Id": str(made.events[0].id),
        "Nats-Expected-Last-Sequence": "0",
        "Ledgerpress-Position": "1",
        "Ledgerpress-Stream": f"post/{stream.id}",
        "Ledgerpress-Version": "1",
        "Ledgerpress-Recorded-At": "2026-03-01T09:00:00Z",
        "traceparent": f"00-{trace.hex}-{span}-00",
    }
    assert (second.subject, second.body) == (
        "ledgerpress.events.post.archived.v1",
        b'{"type":"post.archived.v1"}',
    )


async def test_without_a_correlation_there_is_no_trace(log: Log, nats_url: str) -> None:
    """Nor with one that is no trace."""
    await log.store.append(append(a_stream()))
    odd = Metadata("Test", correlation="something else")
    await log.store.append(append(a_stream(), metadata=odd))
    async with relaying(log, nats_url):
        await relayed(log)

    assert not [each for each in await published(nats_url) if "traceparent" in each.headers]


async def test_an_old_event_is_published_in_its_newest_form(
    log: Log, database_url: str, nats_url: str
) -> None:
    """With the tag of that form; what is stored stays as it is."""
    await log.store.append(append(a_stream()))
    async with connected(database_url) as owner:
        await owner.execute(
            "insert into events select 2, category, stream_id, 2, gen_random_uuid(),"
            " 'test.edited.v1', $1::text::json, metadata, recorded_at from events",
            '{"type":"test.edited.v1","headline":"ABC"}',
        )
    async with relaying(log, nats_url, codec=Codec(CHAIN)):
        await relayed(log)
    _, message = await published(nats_url)

    assert message.subject == "ledgerpress.events.post.edited.v1"
    assert message.data == {"type": "post.edited.v1", "title": "ABC", "content": "abc"}


async def test_what_nobody_outside_may_see_is_not_sent(log: Log) -> None:
    """Neither sealed data nor hashes, ids of sessions or free text: not a byte of it is stored."""
    secrets = ("s1.sealed-address", "hash-of-address", "s1.sealed-name", "who-complained")
    email, email_hash, name, reason = secrets
    registered = Registered(email=email, email_hash=email_hash, name=name, roles=(Role.AUTHOR,))
    await log.store.append(append(a_stream("account"), registered))
    hold = LegalHoldPlaced(reason=reason, blocked_by="https://blocked.example")
    await log.store.append(append(a_stream(), CREATED, hold))
    async with own_nats() as nats:
        async with relaying(log, nats.url):
            await relayed(log)
        first = (await published(nats.url))[0]
        stored = b"".join(file.read_bytes() for file in nats.folder.rglob("*") if file.is_file())

    assert first.data == {"type": "account.registered.v1", "roles": ["author"]}
    assert b"https://blocked.example" in stored
    assert not [secret for secret in secrets if secret.encode() in stored]


async def test_an_event_that_is_too_large_goes_without_its_text(log: Log, nats_url: str) -> None:
    """A header says what is missing; a broker that takes no more than its default takes it."""
    await log.store.append(append(a_stream(), Edited(title="Large", content="\x01" * 200_000)))
    await fill(log, 1)
    async with relaying(log, nats_url):
        await relayed(log)
    first, second, *_ = await published(nats_url)

    assert first.data == {"type": "post.edited.v1", "title": "Large"}
    assert first.headers["Ledgerpress-Omitted"] == "content"
    assert "Ledgerpress-Omitted" not in second.headers


async def test_an_event_that_cannot_be_read_stops_it(
    log: Log, database_url: str, nats_url: str
) -> None:
    """All before it is published, nothing after it, until an operator wants it left out."""
    await fill(log, 1)
    async with connected(database_url) as owner:
        await owner.execute(
            "insert into events select 5, category, stream_id, 5, event_id, 'post.unheard-of.v1',"
            """ '{"type":"post.unheard-of.v1"}', metadata, recorded_at from events"""
            " where position = 4"
        )
    await fill(log, 1)

    async def halted() -> bool:
        return (await relay_status(log)).state is State.HALTED

    async with relaying(log, nats_url):
        assert await eventually(halted)
        status = await relay_status(log)
        before = await positions_published(nats_url)
        await skip_event(log.store, uuid7(), CALLER, "relay", 5, "Unheard of.")
        await PostgresProjectorStore(log.database, log.store).go_on("relay", 5)
        await relayed(log)

    assert (status.position, before) == (4, [1, 2, 3, 4])
    assert status.halted is not None
    assert status.halted.type == "post.unheard-of.v1"
    assert await positions_published(nats_url) == [1, 2, 3, 4, 6, 7, 8, 9, 10]


async def test_what_was_published_before_a_crash_is_not_published_twice(
    log: Log, nats_url: str
) -> None:
    """The broker's last message tells where to go on, also when it has forgotten the ids."""
    await fill(log, 50)
    async with relaying(log, nats_url):
        await relayed(log)
    # As if it had died before it could move the checkpoint, and long ago.
    await log.database.fetch("update projections set position = 120 where name = 'relay'")
    await fill(log, 1)
    async with relaying(log, nats_url):
        await relayed(log)

    assert await positions_published(nats_url) == await all_positions(log)


async def test_what_the_broker_lost_is_published_again(log: Log, nats_url: str) -> None:
    """It was acknowledged, and the disk did not have it: the checkpoint goes back."""
    await fill(log, 20)
    await log.database.fetch("update projections set position = 80 where name = 'relay'")
    async with JetStreamHolder(nats_url) as broker:
        entries = (await PostgresRelayStore(log.database).page(0))[:60]
        messages = [
            Message(
                entry.position,
                f"ledgerpress.events.{entry.type}",
                {
                    "Nats-Msg-Id": str(entry.event_id),
                    "Ledgerpress-Position": str(entry.position),
                },
                b"{}",
            )
            for entry in entries
        ]
        await broker.end()
        await (await broker.send(messages, 0))
    async with relaying(log, nats_url):

        async def all_there() -> bool:
            return len(await positions_published(nats_url)) == 80

        assert await eventually(all_there)

    assert await positions_published(nats_url) == await all_positions(log)


class JetStreamHolder:
    """A broker that is closed at the end of a block."""

    def __init__(self, url: str) -> None:
        self._broker = JetStreamBroker(url)

    async def __aenter__(self) -> JetStreamBroker:
        return self._broker

    async def __aexit__(self, *_: object) -> None:
        await self._broker.close()


async def test_a_stream_of_another_log_is_gone_on_with(log: Log, nats_url: str) -> None:
    """After a restored backup its last event is none of ours: the checkpoint tells where to go."""
    stray = Message(
        7,
        "ledgerpress.events.post.edited.v1",
        {"Nats-Msg-Id": str(uuid7()), "Ledgerpress-Position": "7"},
        b"{}",
    )
    async with JetStreamHolder(nats_url) as broker:
        await broker.end()
        await (await broker.send([stray], 0))
    await fill(log, 3)
    async with relaying(log, nats_url):
        await relayed(log)

    assert await positions_published(nats_url) == [7, *await all_positions(log)]


async def test_rewinding(log: Log, nats_url: str) -> None:
    """What JetStream has not stored in the last minutes comes again, and then all that is new."""
    await fill(log, 200)
    rewind = PostgresRelayStore(log.database).rewind
    async with relaying(log, nats_url):
        await relayed(log)
        async with connected_once(nats_url, 5) as client:
            await client.jetstream().delete_stream(STREAM)
        found = await rewind(300), await rewind(801)
        await fill(log, 1)
        await relayed(log)
        again = await positions_published(nats_url)
        # Nothing of this is taken again, and nothing is lost behind it.
        await rewind(700)
        await fill(log, 1)
        await relayed(log)

    assert found == (800, None)
    assert again == list(range(301, 805))
    assert await positions_published(nats_url) == list(range(301, 809))


async def test_one_leads(log: Log, nats_url: str) -> None:
    """Of two at once each event comes once; one that ends in order hands over at once."""
    async with relaying(log, nats_url):
        await fill(log, 5)
        async with relaying(log, nats_url):
            await fill(log, 100)
            await relayed(log)
        await fill(log, 5)
        await relayed(log)

    assert await positions_published(nats_url) == await all_positions(log)


async def test_one_that_slept_past_its_lease_publishes_nothing(log: Log, nats_url: str) -> None:
    """Another went on meanwhile; what the sleeper still sends is refused by the broker."""
    await fill(log, 5)
    async with JetStreamHolder(nats_url) as broker:
        await broker.end()
        entries = await PostgresRelayStore(log.database).page(0)
        async with relaying(log, nats_url):
            await relayed(log)
            await fill(log, 5)
            await relayed(log)
        stale = [
            Message(
                entry.position,
                "ledgerpress.events.post.edited.v1",
                {"Nats-Msg-Id": str(uuid7()), "Ledgerpress-Position": str(entry.position)},
                b"{}",
            )
            for entry in entries
        ]
        waiting = await broker.send(stale, 0)
        with pytest.raises(OutOfStepError):
            await waiting

    assert await positions_published(nats_url) == await all_positions(log)
