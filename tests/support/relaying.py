"""The relay in tests: running it, and reading what it published past all of its own code."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import msgspec
from nats.js.api import ConsumerConfig, DeliverPolicy
from uuid_utils.compat import uuid7

from infra.embedded.nats import connected_once
from infra.projections.projector_store import PostgresProjectorStore
from infra.relay.jetstream import JetStreamBroker
from infra.relay.relay_store import PostgresRelayStore
from infra.relay.stream import STREAM
from infra.store.codec import Codec
from projections.relaying import Broker
from projections.status import ProjectionQueries, ProjectionStatus
from tests.support.log import Log
from tests.support.projecting import Parts
from tests.support.waiting import eventually
from workers.relay import Relay, run_relay


class Published(NamedTuple):
    """A message as a subscriber gets it."""

    subject: str
    headers: dict[str, str]
    body: bytes

    @property
    def position(self) -> int:
        """The position in the log that it tells."""
        return int(self.headers["Ledgerpress-Position"])

    @property
    def data(self) -> dict[str, Any]:
        """The event in its public form."""
        members: dict[str, Any] = msgspec.json.decode(self.body)
        return members


def a_relay(parts: Parts, broker: Broker, *, codec: Codec | None = None) -> Relay:
    """Make what one process has of the relay."""
    return Relay(
        PostgresProjectorStore(parts.database, parts.store),
        PostgresRelayStore(parts.database),
        broker,
        decode=(codec or Codec()).decode,
        leader=uuid7(),
    )


@asynccontextmanager
async def relaying(parts: Parts, url: str, *, codec: Codec | None = None) -> AsyncIterator[None]:
    """Run a relay while inside."""
    stop = asyncio.Event()
    relay = a_relay(parts, JetStreamBroker(url), codec=codec)
    running = asyncio.create_task(run_relay(relay, listen=parts.hints.listen, stop=stop))
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(running, 15)


async def published(url: str) -> Sequence[Published]:
    """Read the whole stream."""
    async with connected_once(url, 5) as client:
        jetstream = client.jetstream()
        left = (await jetstream.stream_info(STREAM)).state.messages
        if not left:
            return []
        config = ConsumerConfig(deliver_policy=DeliverPolicy.ALL, max_ack_pending=-1)
        subscription = await jetstream.pull_subscribe("", stream=STREAM, config=config)
        found: list[Published] = []
        while left:
            messages = await subscription.fetch(min(left, 1000), timeout=30)
            found += [Published(m.subject, m.headers or {}, m.data) for m in messages]
            left -= len(messages)
        return found


async def positions_published(url: str) -> list[int]:
    """Tell the positions of all that is in the stream, in its order."""
    return [message.position for message in await published(url)]


async def relay_status(parts: Parts) -> ProjectionStatus:
    """Tell how the relay stands."""
    status = await ProjectionQueries(parts.database).one("relay")
    assert status is not None
    return status


async def relayed(parts: Parts, *, within: float = 20) -> None:
    """Wait until the relay has published the whole log."""

    async def done() -> bool:
        return (await relay_status(parts)).lag_events == 0

    assert await eventually(done, within=within), await relay_status(parts)


async def all_positions(log: Log) -> list[int]:
    """Tell the positions in the log."""
    return list(range(1, await log.log.head() + 1))
