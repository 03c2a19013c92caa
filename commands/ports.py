"""What the commands need from the outside, as protocols, and the data that crosses them.

`infra/` implements these; `infra/bootstrap.py` wires them. A protocol belongs here when a command
or a worker calls it.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import msgspec

from domain.claim import Claim
from domain.events import Event
from domain.stream import Stream

NO_STREAM = 0
"""Expected version of a stream that must not exist yet. It is checked like any other."""
ANY_VERSION = -1
"""Append whatever the stream's version is."""


class Metadata(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Who caused an event, by which request and command. Stored beside the event as JSON."""

    command: str
    actor: UUID | None = None
    request_id: str | None = None
    correlation: str | None = None
    causation: str | None = None


class NewEvent(msgspec.Struct, frozen=True):
    """An event that is not in the log yet, with the id (UUIDv7) that it will keep."""

    id: UUID
    event: Event


class IdempotencyKey(msgspec.Struct, frozen=True):
    """An account's key for one request, with the request's fingerprint (SHA-256)."""

    account_id: UUID
    key: str
    fingerprint: bytes


class FirstAnswer(msgspec.Struct, frozen=True):
    """What was answered to the first request with a key; stored with the events it speaks of."""

    key: IdempotencyKey
    answer: bytes


class WriteTarget(Protocol):
    """A read model's table."""

    @property
    def name(self) -> str:
        """Its name in the database."""
        ...


class Write(Protocol):
    """A row that a projection wants put. Commands pass it on unread."""

    @property
    def table(self) -> WriteTarget:
        """Where the row goes."""
        ...

    @property
    def row(self) -> tuple[Any, ...]:
        """A value for each of the table's columns, in their order."""
        ...


class Append(msgspec.Struct, frozen=True):
    """Events for one stream, and everything that must be true or written together with them."""

    stream: Stream
    expected: int
    """The stream's version before, `NO_STREAM` or `ANY_VERSION`."""
    events: Sequence[NewEvent]
    metadata: Metadata
    at: datetime
    """When it was decided; never before the stream's last event."""
    seen: Sequence[tuple[Stream, int]] = ()
    """Other streams on which the decision rests, and the versions it saw of them."""
    takes: Sequence[Claim] = ()
    releases: Sequence[Claim] = ()
    vacant: Sequence[str] = ()
    """Scopes in which nobody may hold a claim; whoever takes one there sees this stream."""
    first_answer: FirstAnswer | None = None
    puts: Sequence[Write] = ()
    """Rows of the read models that must be current at once."""


class Appended(msgspec.Struct, frozen=True):
    """All of it is committed: the stream's new version, the position of its last event."""

    version: int
    position: int


class Conflict(msgspec.Struct, frozen=True):
    """Nothing was written: the stream stands at another version than expected."""

    actual: int


class ClaimTaken(msgspec.Struct, frozen=True):
    """Nothing was written: another stream holds one of the claims, or one in a vacant scope."""


class KeyUsed(msgspec.Struct, frozen=True):
    """Nothing was written: the idempotency key has an answer already."""


class SeenChanged(msgspec.Struct, frozen=True):
    """Nothing was written: a stream on which the decision rests has changed since."""


AppendResult = Appended | Conflict | ClaimTaken | KeyUsed | SeenChanged


class Recorded(msgspec.Struct, frozen=True, gc=False):
    """An event as the log holds it, decoded and brought up to its newest form."""

    position: int
    stream: Stream
    version: int
    event_id: UUID
    event: Event
    at: datetime


class LogEntry(msgspec.Struct, frozen=True, gc=False):
    """An event as the log holds it, to the byte: what auditors get."""

    position: int
    stream: Stream
    version: int
    event_id: UUID
    type: str
    data: str
    """The JSON text that was stored."""
    metadata: str
    """The JSON text that was stored, see `Metadata`."""
    at: datetime


class LogFilter(msgspec.Struct, frozen=True):
    """Which entries an auditor asks for; None stands for all."""

    category: str | None = None
    stream: Stream | None = None
    after_version: int | None = None
    """Of a stream: only what came after its event of this version."""
    type: str | None = None
    actor: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    """Exclusive."""


EVERYTHING = LogFilter()


class EventStore(Protocol):
    """Appends to the log, and reads streams for decisions."""

    async def append(self, append: Append) -> AppendResult:
        """Write it all or nothing, durably.

        Raises `StoreUnavailableError` when it was not written or nobody knows.
        """
        ...

    async def read_stream(self, stream: Stream, *, after: int = 0) -> Sequence[Recorded]:
        """Read a stream's events after a version, oldest first; none for a stream unknown."""
        ...


class EventLog(Protocol):
    """Reads the log for auditors, projections and exports, in bounded memory."""

    async def head(self) -> int:
        """Tell the last position, 0 when the log is empty."""
        ...

    def entries(
        self,
        which: LogFilter = EVERYTHING,
        *,
        after: int = 0,
        before: int | None = None,
        backwards: bool = False,
        limit: int | None = None,
    ) -> AsyncIterator[LogEntry]:
        """Go through the entries with `after < position < before`, in order or from the newest."""
        ...

    def recorded(
        self, which: LogFilter = EVERYTHING, *, after: int = 0
    ) -> AsyncIterator[Sequence[Recorded]]:
        """Go through the decoded events after a position, oldest first, a page at a time."""
        ...

    def tail(self, which: LogFilter = EVERYTHING, *, after: int = 0) -> AsyncIterator[LogEntry]:
        """Go through the entries after a position and go on with new ones as they come."""
        ...


class Answers(Protocol):
    """Looks up the first answers to idempotency keys."""

    async def first_answer(self, key: IdempotencyKey) -> FirstAnswer | None:
        """Find what was answered to this account's key; its fingerprint may be another."""
        ...


class StoreUnavailableError(Exception):
    """PostgreSQL cannot be reached in time. An append may or may not have been written."""
