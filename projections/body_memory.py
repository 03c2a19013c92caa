"""Bodies of read models kept in memory, by id and edition.

An edition is the generation of the read model's rows (a rebuild makes a new one) and the version of
the resource. Its body never changes, so what is kept is never stale: a read asks the database for
the current edition alone and takes the body from here where it can.
"""

from collections import OrderedDict
from typing import NamedTuple
from uuid import UUID

MEMORY_BYTES = 8 * 1024 * 1024

_OVERHEAD = 200


class Edition(NamedTuple):
    """Which body of a resource it is."""

    generation: int
    version: int


class BodyMemory:
    """A bounded memory; the least recently used leave first."""

    def __init__(self, memory_bytes: int = MEMORY_BYTES) -> None:
        self._room = memory_bytes
        self._bodies: OrderedDict[tuple[UUID, Edition], bytes] = OrderedDict()

    def get(self, resource_id: UUID, edition: Edition) -> bytes | None:
        """Give the body of this edition, if it is kept."""
        key = (resource_id, edition)
        body = self._bodies.get(key)
        if body is not None:
            self._bodies.move_to_end(key)
        return body

    def keep(self, resource_id: UUID, edition: Edition, body: bytes) -> None:
        """Keep a body, making room for it."""
        key = (resource_id, edition)
        if key in self._bodies:
            return
        self._bodies[key] = body
        self._room -= len(body) + _OVERHEAD
        while self._room < 0:
            _, forgotten = self._bodies.popitem(last=False)
            self._room += len(forgotten) + _OVERHEAD
