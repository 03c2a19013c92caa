"""Folds streams into states, and remembers the latest ones so that a long stream is read once.

A remembered state is only a head start: what was appended since is always read from the log, and
the expected version guards the append. So a state may be forgotten, or kept by several processes.
"""

from collections import OrderedDict
from typing import Any
from uuid import UUID

from commands.aggregate import Aggregate, C, Loaded, S
from commands.ports import EventStore
from domain.stream import Stream

MEMORY_BYTES = 8 * 1024 * 1024


class Loader:
    """Loads aggregates through a bounded memory of states, the least recently used leave first."""

    def __init__(self, store: EventStore, memory_bytes: int = MEMORY_BYTES) -> None:
        self._store = store
        self._room = memory_bytes
        self._states: OrderedDict[Stream, tuple[Loaded[Any], int]] = OrderedDict()

    async def load(self, aggregate: Aggregate[S, C], stream_id: UUID) -> Loaded[S]:
        """Give the newest state; its version is 0 where there is no such stream."""
        stream = Stream(aggregate.category, stream_id)
        known: tuple[Loaded[S], int] | None = self._states.get(stream)
        loaded: Loaded[S] = known[0] if known else Loaded(None, 0, None)
        newer = await self._store.read_stream(stream, after=loaded.version)
        state = loaded.state
        for recorded in newer:
            state = aggregate.evolve(
                state, recorded.event, id=stream_id, version=recorded.version, at=recorded.at
            )
        if newer:
            loaded = Loaded(state, newer[-1].version, newer[-1].at)
        self.remember(aggregate, stream_id, loaded)
        return loaded

    def remembered(self, aggregate: Aggregate[S, C], stream_id: UUID) -> Loaded[S] | None:
        """Give the state that is remembered, which need not be the newest."""
        known: tuple[Loaded[S], int] | None = self._states.get(
            Stream(aggregate.category, stream_id)
        )
        return known[0] if known else None

    def remember(self, aggregate: Aggregate[S, C], stream_id: UUID, loaded: Loaded[S]) -> None:
        """Keep a state for the next load, unless a newer one is kept already."""
        state = loaded.state
        if state is None:
            return
        stream = Stream(aggregate.category, stream_id)
        known = self._states.get(stream)
        if known:
            if known[0].version >= loaded.version:
                self._states.move_to_end(stream)
                return
            self._room += known[1]
        weight = aggregate.weigh(state)
        self._states[stream] = (loaded, weight)
        self._states.move_to_end(stream)
        self._room -= weight
        while self._room < 0:
            _, (_, freed) = self._states.popitem(last=False)
            self._room += freed
