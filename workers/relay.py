"""The relay: publishes every event of the log, in order, for subscribers outside.

Several may run; one leads, see `workers/leader.py`. Each message is stored only behind the one
before it, by its number in the broker's stream. So whatever is lost, repeated or late on the way,
or sent by a relay that slept past its lease, the stream holds the events in their order and each of
them once; and after a crash its last message tells where to go on, whatever the checkpoint says.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Sequence
from uuid import UUID

import structlog
from msgspec import Struct

from projections.following import BrokerUnavailableError, LeaseStore
from projections.relaying import (
    RELAY,
    AlreadyThereError,
    Broker,
    Message,
    OutOfStepError,
    RelayedEntry,
    RelayStore,
)
from workers.leader import Leader, Listen, follow
from workers.relay_messages import Decode, message
from workers.watching import Watching

PAGES_IN_FLIGHT = 2
"""So that the next page is read and sent while the broker stores the one before it."""

_log = structlog.stdlib.get_logger("ledgerpress.relay")


async def run_relay(relay: "Relay", *, listen: Listen, stop: asyncio.Event) -> None:
    """Publish what there is and what comes, until `stop` is set."""
    try:
        await follow(relay, listen, stop)
    finally:
        await relay.close()


class _Sent(Struct, frozen=True):
    """A page on its way."""

    position: int
    """Of its last event, also where operators wanted that left out."""
    messages: Sequence[Message]
    stored: "asyncio.Future[None]"


class Relay(Leader):
    """The relay as one process sees it: leading it, or waiting to."""

    def __init__(
        self,
        leases: LeaseStore,
        store: RelayStore,
        broker: Broker,
        *,
        decode: Decode,
        leader: UUID,
        watching: Watching | None = None,
    ) -> None:
        super().__init__(RELAY, leases, leader)
        self._publishing = (watching or Watching()).publishing()
        self._store = store
        self._broker = broker
        self._decode = decode
        self._skipped: frozenset[int] = frozenset()
        self._in_flight: deque[_Sent] = deque()
        self._read = 0
        """The position up to which the log was read; what is between it and the checkpoint is in
        flight."""
        self._sequence = 0
        """The number that the last message in flight will have in the broker's stream."""
        self._again_until = 0
        self._at_odds = False
        """Whether the broker's stream was elsewhere than expected, and nothing was stored since."""

    async def catch_up(self, stop: asyncio.Event) -> None:
        """Publish what there is to publish, if this is or can become the leader."""
        try:
            await super().catch_up(stop)
        except BaseException:
            await self.close()
            raise
        if self._lease is not None:
            await self._settle()

    async def close(self) -> None:
        """Forget what is in flight, and give the connection up."""
        self._forget()
        await self._broker.close()

    async def _begin_anew(self) -> None:
        self._skipped = await self._leases.skipped(RELAY)
        await self._agree()

    async def _agree(self) -> None:
        """Begin where the broker's stream ends.

        It may know more than the checkpoint, when a relay ended before it could say what it had
        published; or less, when the broker lost its latest messages. Both are settled by the last
        message, if it is of this very log. Where there is none, the checkpoint tells.
        """
        lease = self._lease
        if lease is None:
            return
        self._forget()
        self._again_until = await self._store.again_until()
        end = await self._broker.end()
        if end.made and lease.position:
            _log.warning("the stream is new: older events are not in it", after=lease.position)
        self._read, self._sequence = lease.position, end.sequence
        if end.position is None or end.position == lease.position:
            return
        if lease.position < self._again_until and end.position > lease.position:
            return
        if await self._store.event_id(end.position) != end.event_id:
            _log.warning("the stream ends with an event of another log", position=end.position)
            return
        if end.position < lease.position:
            _log.warning("the broker has lost events: publishing again", after=end.position)
        await self._move(end.position)
        self._read = end.position

    async def _advance(self) -> bool:
        lease = self._lease
        if lease is None:
            return False
        if lease.halted is not None and lease.halted.position > lease.position:
            return await self._beat(lease)
        again = lease.position < self._again_until
        if self._in_flight and (again or len(self._in_flight) == PAGES_IN_FLIGHT):
            return await self._settle_one()
        page = await self._store.page(self._read)
        if not page:
            if self._in_flight:
                return await self._settle_one()
            if not self._broker.connected:
                # Whatever it lost meanwhile is to be seen to before the next event comes.
                raise BrokerUnavailableError("the connection has ended")
            return await self._rest(lease)
        messages, poison = self._messages(page)
        await self._send(messages, page[-1].position if poison is None else poison[0].position - 1)
        if poison is None:
            return True
        await self._settle()
        if self._lease is None:
            return False
        if self._lease.position + 1 < poison[0].position:
            return True  # what is before it is not stored yet
        return await self._halt(self._lease, *poison)

    def _messages(
        self, page: Sequence[RelayedEntry]
    ) -> tuple[list[Message], tuple[RelayedEntry, Exception] | None]:
        """Make the messages of a page, as far as its events can be read."""
        messages: list[Message] = []
        for entry in page:
            if entry.position not in self._skipped:
                try:
                    messages.append(self._publishing.begins(message(entry, self._decode)))
                except Exception as error:  # noqa: BLE001 - whatever it is, this event is the cause
                    return messages, (entry, error)
        return messages, None

    async def _send(self, messages: Sequence[Message], position: int) -> None:
        if position == self._read:
            return
        stored = await self._broker.send(messages, self._sequence)
        self._in_flight.append(_Sent(position, messages, asyncio.ensure_future(stored)))
        self._read = position
        self._sequence += len(messages)

    async def _settle(self) -> None:
        """Wait for all that is in flight."""
        while self._in_flight and self._lease is not None:
            await self._settle_one()

    async def _settle_one(self) -> bool:
        """Wait until the oldest page in flight is stored, and move the checkpoint past it."""
        sent = self._in_flight[0]
        try:
            await sent.stored
        except AlreadyThereError:
            if self._lease is None or self._lease.position >= self._again_until:
                return await self._out_of_step()
            await self._broker.send_again(sent.messages)
            self._sequence = (await self._broker.end()).sequence
        except OutOfStepError:
            return await self._out_of_step()
        self._in_flight.popleft()
        self._at_odds = False
        return await self._move(sent.position)

    async def _out_of_step(self) -> bool:
        if self._at_odds:
            raise BrokerUnavailableError("its stream is not where it says that it is")
        self._at_odds = True
        for sent in self._in_flight:
            with contextlib.suppress(OutOfStepError):
                await sent.stored
        await self._agree()
        return self._lease is not None

    async def _move(self, position: int) -> bool:
        lease = self._lease
        if lease is None:
            return False
        if not await self._leases.write(RELAY, lease, (), (lease.position, position)):
            self._lost()
            return False
        self._moved(lease, position)
        self._publishing.stored(lease.position, position)
        return True

    def _lost(self) -> None:
        self._forget()
        super()._lost()

    def _forget(self) -> None:
        self._publishing.forgotten()
        while self._in_flight:
            stored = self._in_flight.popleft().stored
            if not stored.cancel() and not stored.cancelled():
                stored.exception()  # or asyncio would call it an error that nobody looked at
