"""Folds histories, one after the other, into the rows that they leave in a projection's tables."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

import msgspec

from infra.store.codec import Codec, UnknownEventError
from projections.registry import Projection
from projections.write import Write, key_of

EventRow = Iterable[Any]
"""Stream id, version, position, type, data and time of an event."""


class CannotFoldError(Exception):
    """An event that the projection cannot take. The text says where, and holds nothing personal."""

    def __init__(self, projection: Projection, row: EventRow, why: Exception) -> None:
        stream_id, _, position, tag, *_ = row
        super().__init__(
            f"{projection.name} cannot take the event at position {position} ({tag} of "
            f"{projection.category}/{stream_id}): {why}"
        )
        self.position: int = position


class Folder:
    """Takes the events of one stream after the other and gives the last write of every row.

    A row belongs to one stream, so what a finished history writes is never written again. A history
    may be as long as it likes: only its state and its rows are kept.
    """

    def __init__(self, projection: Projection, codec: Codec, skipped: Collection[int]) -> None:
        self._projection = projection
        self._decode = codec.decode
        self._skipped = frozenset(skipped)
        self._id: UUID | None = None
        self._state: Any = None
        self._left: dict[tuple[str, tuple[Any, ...]], Write] = {}
        self._finished: list[Write] = []

    def add(self, rows: Sequence[EventRow]) -> None:
        """Go on with events, in the order of streams and versions. Raises `CannotFoldError`."""
        evolve, leaves, decode = self._projection.evolve, self._projection.leaves, self._decode
        skipped, left = self._skipped, self._left
        for row in rows:
            stream_id, version, position, tag, data, at = row
            if stream_id != self._id:
                self._finish()
                self._id = stream_id
                left = self._left
            if position in skipped:
                continue
            before = self._state
            try:
                event = decode(tag, data)
                after = evolve(before, event, id=stream_id, version=version, at=at)
                for write in leaves(before, event, after):
                    left[write.table.name, key_of(write)] = write
            except (UnknownEventError, msgspec.MsgspecError, ValueError) as error:
                raise CannotFoldError(self._projection, row, error) from error
            self._state = after

    def finished(self) -> list[Write]:
        """Take what the histories wrote that are over by now."""
        writes, self._finished = self._finished, []
        return writes

    def end(self) -> list[Write]:
        """Take what is left, as no more events come."""
        self._finish()
        self._id = None
        return self.finished()

    def _finish(self) -> None:
        if self._left:
            self._finished += self._left.values()
            self._left = {}
        if self._state is not None:
            self._finished += self._projection.shows(self._state)
            self._state = None
