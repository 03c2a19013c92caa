"""Connections that write and at once read what they wrote: a stale answer does not go unseen."""

import asyncio
import itertools
import time
from collections import Counter

from tests.bench.load import Connection, field, open_all, request


class Seen:
    """What the witnesses saw."""

    def __init__(self) -> None:
        self.writes = 0
        self.statuses: Counter[str] = Counter()
        self.stale = 0
        self.slowest_write = 0.0


class Witness(Connection):
    """Edits one post at a pace and reads it after each edit, until it is told to stop."""

    def __init__(
        self, address: str, fields: dict[str, str], path: str, tag: str, interval: float, seen: Seen
    ) -> None:
        super().__init__()
        self._address, self._fields, self._path, self._tag = address, fields, path, tag
        self._interval = interval
        self._seen = seen
        self._edits = itertools.count()
        self._loop = asyncio.get_running_loop()
        self._writing = True
        self._stopping = False
        self._began = 0.0

    def begin(self) -> None:
        """Make the first edit."""
        self._due = self._loop.time()
        self._edit()

    def answered(self, head: bytes) -> None:
        """Read after an edit; wait for the next one after a read."""
        self._seen.statuses.update([head[9:12].decode()])
        tag = field(head, b"etag")
        if self._writing:
            self._seen.writes += 1
            took = time.perf_counter() - self._began
            self._seen.slowest_write = max(self._seen.slowest_write, took)
            self._tag = tag
            self._writing = False
            self.send(request(self._address, "GET", self._path, self._fields))
            return
        self._seen.stale += tag != self._tag
        if self._stopping:
            self.end()
            return
        self._due = max(self._due + self._interval, self._loop.time())
        self._loop.call_at(self._due, self._edit)

    def stop(self) -> None:
        """End with the next read."""
        self._stopping = True

    def _edit(self) -> None:
        self._writing = True
        self._began = time.perf_counter()
        fields = {**self._fields, "if-match": self._tag, "content-type": "application/json"}
        body = b'{"title":"Edited %d times"}' % next(self._edits)
        self.send(request(self._address, "PATCH", self._path, fields, body))


async def witnessed(address: str, witnesses: list[Witness], stop: asyncio.Event) -> None:
    """Let them all write and read until `stop` is set."""
    await open_all(address, witnesses)
    await stop.wait()
    for witness in witnesses:
        witness.stop()
    await asyncio.gather(*(witness.done for witness in witnesses))
