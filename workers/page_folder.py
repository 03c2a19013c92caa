"""Folds pages of the log into the rows of one projection, and remembers the states in between.

Only streams that change are in memory, and not for ever: a state that is not there is folded anew
from the log, a few events at a time. The projector itself is `workers/projector.py`.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from projections.following import Entry, ProjectorStore
from projections.registry import Projection
from projections.write import Put, Write

BATCH_BYTES = 4 * 1024 * 1024
"""A batch ends early rather than grow past this by more than one event's rows."""

MEMORY_BYTES = 16 * 1024 * 1024
"""Of states of streams, for each projection."""

_OVERHEAD = 500
_ENTRY = 200
"""About what an entry of a mapping takes."""

Decode = Callable[[str, str], Any]
"""Reads a stored event, from its tag and its text."""


class CannotFoldError(Exception):
    """An event of a stream cannot be folded, because of another one."""


class Poison(NamedTuple):
    """An event that cannot be folded, and why."""

    entry: Entry
    error: Exception


class Folded(NamedTuple):
    """What came of a page, or of its beginning."""

    writes: list[Write]
    position: int
    """Of the last event that was folded."""
    poison: Poison | None
    """What ended it early."""


class PageFolder:
    """Folds the pages of one projection, one after the other and none left out."""

    def __init__(
        self,
        projection: Projection,
        store: ProjectorStore,
        *,
        decode: Decode,
        skipped: frozenset[int],
    ) -> None:
        self._projection = projection
        self._store = store
        self._decode = decode
        self._skipped = skipped
        self._states = _States(MEMORY_BYTES)

    async def fold(self, page: Sequence[Entry], position: int) -> Folded:
        """Fold a page that comes after a position, as far as it goes."""
        writes: list[Write] = []
        size = 0
        await self._load(page)
        for entry in page:
            if entry.category == self._projection.category:
                try:
                    folded = self._fold_one(entry)
                except Exception as error:  # noqa: BLE001 - whatever it is, this event is the cause
                    return Folded(writes, position, Poison(entry, error))
                writes += folded
                size += sum(map(_weight, folded))
            position = entry.position
            if size > BATCH_BYTES:
                break
        return Folded(writes, position, None)

    def _fold_one(self, entry: Entry) -> Sequence[Write]:
        version, state = self._states.get(entry.stream_id)
        if isinstance(state, Exception):
            raise CannotFoldError(f"nor can an earlier event of the stream: {state}") from state
        if version != entry.version - 1:
            raise CannotFoldError(f"version {entry.version} comes after version {version}")
        if entry.position in self._skipped:
            self._states.keep(entry.stream_id, entry.version, state)
            return ()
        event = self._decode(entry.type, entry.data)
        after = self._evolve(state, event, entry)
        # Of rows that one event writes, those of `fold` are few: a list of them costs little.
        folded = list(self._projection.fold(state, event, after))
        self._states.keep(entry.stream_id, entry.version, after)
        return folded

    def _evolve(self, state: Any, event: Any, entry: Entry) -> Any:  # noqa: ANN401 - of any projection
        return self._projection.evolve(
            state, event, id=entry.stream_id, version=entry.version, at=entry.at
        )

    async def _load(self, page: Sequence[Entry]) -> None:
        """Load the states on which a page goes on, as far as they are not in memory."""
        firsts: dict[UUID, int] = {}
        for entry in page:
            if entry.category == self._projection.category:
                firsts.setdefault(entry.stream_id, entry.version)
        self._states.make_room(keeping=firsts)
        missing: dict[UUID, int] = {}
        for stream_id, version in firsts.items():
            if self._states.get(stream_id)[0] == version - 1:
                continue
            if version == 1:
                self._states.keep(stream_id, 0, None)
            else:
                missing[stream_id] = version
        if not missing:
            return
        # The exception stands for the state where an event cannot be folded.
        loaded: dict[UUID, tuple[int, Any]] = dict.fromkeys(missing, (0, None))
        async for entries in self._store.histories(self._projection.category, missing):
            for entry in entries:
                _, state = loaded[entry.stream_id]
                if not isinstance(state, Exception) and entry.position not in self._skipped:
                    state = self._replayed(state, entry)
                loaded[entry.stream_id] = entry.version, state
        for stream_id, (version, state) in loaded.items():
            self._states.keep(stream_id, version, state)

    def _replayed(self, state: Any, entry: Entry) -> Any:  # noqa: ANN401 - of any projection
        try:
            return self._evolve(state, self._decode(entry.type, entry.data), entry)
        except Exception as error:  # noqa: BLE001 - it is raised where the stream goes on
            return error


class _States:
    """States of streams in a bounded memory; the least recently used leave first."""

    def __init__(self, memory_bytes: int) -> None:
        self._states: OrderedDict[UUID, tuple[int, Any, int]] = OrderedDict()
        self._room = memory_bytes

    def get(self, stream_id: UUID) -> tuple[int, Any]:
        """Give the version and the state at it; version -1 where none is kept."""
        known = self._states.get(stream_id)
        return (-1, None) if known is None else known[:2]

    def keep(self, stream_id: UUID, version: int, state: Any) -> None:  # noqa: ANN401 - any state
        """Keep a state, however full the memory is."""
        known = self._states.pop(stream_id, None)
        if known is not None:
            self._room += known[2]
        weight = _OVERHEAD + _text_in(state)
        self._states[stream_id] = version, state, weight
        self._room -= weight

    def make_room(self, *, keeping: Iterable[UUID]) -> None:
        """Forget states until the memory is no fuller than it may be."""
        for stream_id in keeping:
            if stream_id in self._states:
                self._states.move_to_end(stream_id)
        while self._room < 0 and self._states:
            _, (_, _, weight) = self._states.popitem(last=False)
            self._room += weight


def _text_in(state: Any) -> int:  # noqa: ANN401 - any state
    if not isinstance(state, msgspec.Struct):
        return 0
    return sum(map(_weight_of, msgspec.structs.astuple(state)))


def _weight_of(value: Any) -> int:  # noqa: ANN401 - of any state
    if isinstance(value, Mapping):
        return _ENTRY * len(value)
    return len(value) if isinstance(value, str) else 0


def _weight(write: Write) -> int:
    if not isinstance(write, Put):
        return 0
    return sum(len(value) for value in write.row if isinstance(value, str))
