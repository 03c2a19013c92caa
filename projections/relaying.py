"""What the relay shares with the database and the broker: entries, messages, where the stream ends.

The relay itself is `workers/relay.py`; the ways to PostgreSQL and NATS are in `infra/relay/`.
"""

from collections.abc import Awaitable, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec

from projections.write import Table

SUBJECTS = "ledgerpress.events"
"""The subjects of events are under this one: `ledgerpress.events.` and the event's tag."""


class LogConsumer(msgspec.Struct, frozen=True):
    """A follower of the log that writes no tables. See `projections.following.Followed`."""

    name: str
    schema_version: int
    tables: tuple[Table, ...] = ()


RELAY = LogConsumer("relay", 1)


# gc=False: it holds no cycle, and the garbage collector would walk each of a thousand in a page.
class RelayedEntry(msgspec.Struct, frozen=True, gc=False):
    """An event of the log, not decoded yet."""

    position: int
    category: str
    stream_id: UUID
    version: int
    event_id: UUID
    type: str
    data: str
    metadata: str
    at: datetime


class Message(msgspec.Struct, frozen=True, gc=False):
    """An event as the broker gets it."""

    position: int
    subject: str
    headers: Mapping[str, str]
    body: bytes


class StreamEnd(msgspec.Struct, frozen=True):
    """What the broker's stream ends with."""

    sequence: int
    """The number of its last message, also when that is not kept any more; 0 before any."""
    position: int | None
    """Of the event in its last message; None where that is gone or none of ours."""
    event_id: UUID | None
    made: bool
    """Whether there was no stream until now."""


class OutOfStepError(Exception):
    """The broker's stream does not end where it was expected to: nothing more was stored."""


class AlreadyThereError(OutOfStepError):
    """The broker has stored one of the events not long ago, and not again."""


class RelayStore(Protocol):
    """The log and what is known of the relay. All of it raises `StoreUnavailableError`."""

    async def page(self, after: int) -> Sequence[RelayedEntry]:
        """Read the log after a position, in bounded pieces."""
        ...

    async def event_id(self, position: int) -> UUID | None:
        """Give the id of an event of the log."""
        ...

    async def again_until(self) -> int:
        """Tell up to which position operators want events published that were published before."""
        ...


class Broker(Protocol):
    """The broker's stream of events. All of it raises `BrokerUnavailableError`."""

    @property
    def connected(self) -> bool:
        """Whether there is a connection, as far as is known."""
        ...

    async def end(self) -> StreamEnd:
        """Tell where the stream ends, once it is connected to and made where it is missing."""
        ...

    async def send(self, messages: Sequence[Message], after: int) -> Awaitable[None]:
        """Send messages that shall follow the stream's message of this number.

        What is returned waits until all are stored, durably. Whatever is sent before is stored
        before. Raises `OutOfStepError` there, when the stream is elsewhere, and then stores none
        that is after a gap.
        """
        ...

    async def send_again(self, messages: Sequence[Message]) -> None:
        """Store messages, one after the other, but for those that were stored not long ago."""
        ...

    async def close(self) -> None:
        """Give the connection up; the next call makes another."""
        ...
