"""Counting clicks: gathered in the process, kept in the database, recorded as one event.

A click costs an addition in memory. Each second the process adds its counts to those that wait in
the database (`ClickStore`); each minute the clicks of all processes that wait become one event
(`record_clicks`). docs/adr/0020-counting-clicks.md says what is lost by which crash, and why.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Protocol
from uuid import UUID

import msgspec

from commands.ports import Append, Appended, EventStore, Metadata, NewEvent, Write
from domain.clicks import OTHERS, TargetClicks, gather, stream

MOST_IN_MEMORY = 1000
"""Targets that a process counts apart between two flushes; the clicks on others are one number."""
PAUSE = timedelta(minutes=1)
"""Between two events of one day."""
MOST_IN_EVENT = 100
"""Targets in one event; the others wait for the next one."""

Target = str | UUID
"""The address of a link, or the id of a managed redirect."""


class ClickBatch(msgspec.Struct, frozen=True):
    """Clicks to add, under a number by which a batch that comes twice is known."""

    process: UUID
    number: int
    clicks: Sequence[tuple[date, UUID, str | None, int]]
    """Day, id, address and number. The id of an address is the one that it gets if it is new."""


class Waiting(msgspec.Struct, frozen=True):
    """What waits on one day, and where the day's stream stands, both at the same moment."""

    counts: Sequence[TargetClicks]
    version: int
    last_at: datetime | None


class ClickStore(Protocol):
    """Keeps the clicks that are in no event yet."""

    async def add(self, batch: ClickBatch) -> None:
        """Add a batch, once however often it comes.

        Raises `StoreUnavailableError` when it was not added or nobody knows.
        """
        ...


class ClickQueue(Protocol):
    """Gives the clicks that are in no event yet."""

    async def days(self) -> Sequence[date]:
        """List the days on which clicks wait, the first one first."""
        ...

    async def waiting(self, day: date, most: int) -> Waiting:
        """Give what waits on a day: so many targets, those with the most clicks first."""
        ...


class ClickCounter:
    """The clicks that this process has answered and not handed over yet."""

    def __init__(self, new_id: Callable[[], UUID], most: int = MOST_IN_MEMORY) -> None:
        self._new_id = new_id
        self._process = new_id()
        self._most = most
        self._number = 0
        self._counts: dict[tuple[date, Target], int] = {}
        self._handed: ClickBatch | None = None

    def count(self, target: Target, at: datetime) -> None:
        """Count a click."""
        key = at.astimezone(UTC).date(), target
        if key not in self._counts and len(self._counts) >= self._most:
            key = key[0], OTHERS
        self._counts[key] = self._counts.get(key, 0) + 1

    async def flush(self, store: ClickStore) -> None:
        """Hand over what was counted.

        Raises `StoreUnavailableError`; then the same batch is handed over again the next time, and
        what is counted meanwhile waits behind it.
        """
        if self._handed is None:
            if not self._counts:
                return
            self._handed = self._batch()
        await store.add(self._handed)
        self._handed = None

    def _batch(self) -> ClickBatch:
        counts, self._counts = self._counts, {}
        self._number += 1
        ids: dict[str, UUID] = {}
        clicks: list[tuple[date, UUID, str | None, int]] = []
        for (day, target), number in counts.items():
            if isinstance(target, UUID):
                clicks.append((day, target, None, number))
            else:
                if target not in ids:
                    ids[target] = self._new_id()
                clicks.append((day, ids[target], target, number))
        return ClickBatch(self._process, self._number, clicks)


class Recording(msgspec.Struct, frozen=True):
    """What recording clicks needs."""

    store: EventStore
    queue: ClickQueue
    new_id: Callable[[], UUID]
    taken: Callable[[date, UUID, int], Write]
    """Makes the row that takes clicks off those that wait, in the transaction of the event."""


async def record_clicks(recording: Recording, now: datetime) -> int:
    """Record what waits, of each day once in a `PAUSE` at most; give how many events that made.

    The clicks stop waiting in the transaction of the event, and the event is appended only if the
    day's stream stands where it stood when they were read: whatever is repeated or done by several
    processes at once, each click is in one event.
    """
    appended = 0
    for day in await recording.queue.days():
        waiting = await recording.queue.waiting(day, MOST_IN_EVENT)
        if waiting.last_at is not None and now - waiting.last_at < PAUSE:
            continue
        events = gather(day, waiting.counts)
        if not events:
            continue
        append = Append(
            stream=stream(day),
            expected=waiting.version,
            events=[NewEvent(recording.new_id(), event) for event in events],
            metadata=Metadata(command="RecordClicks"),
            at=now,
            puts=[recording.taken(day, each.target, each.clicks) for each in waiting.counts],
        )
        # On a conflict another process was faster, and has recorded the same.
        if isinstance(await recording.store.append(append), Appended):
            appended += 1
    return appended
