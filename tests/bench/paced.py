"""A load generator that keeps to a rate, and tells how long each answer took.

A request that is due while its connection still waits for an answer is sent after that one, and
its time counts from when it was due: a slow answer must not hide those that would have followed.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable

from tests.bench.load import Connection, open_all


async def paced(
    address: str, make: Callable[[], bytes], *, connections: int, per_second: float, seconds: float
) -> list[float]:
    """Send so many requests a second, over all connections; give each answer's seconds, sorted.

    Every answer must be a 200.
    """
    loop = asyncio.get_running_loop()
    interval = connections / per_second
    begin = loop.time() + 0.05
    clients = [
        _Paced(make, begin + interval * number / connections, interval, round(seconds / interval))
        for number in range(connections)
    ]
    await open_all(address, clients)
    await asyncio.gather(*(client.done for client in clients))
    for client in clients:
        assert set(client.statuses) == {"200"}, client.statuses
    return sorted(took for client in clients for took in client.took)


class _Paced(Connection):
    def __init__(
        self, make: Callable[[], bytes], first: float, interval: float, requests: int
    ) -> None:
        super().__init__()
        self._make = make
        self._first = first
        self._interval = interval
        self._requests = requests
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[float] = deque()
        self._scheduled = 0
        self.took: list[float] = []

    def begin(self) -> None:
        self._schedule()

    def answered(self, head: bytes) -> None:
        del head
        self.took.append(time.perf_counter() - self._waiting.popleft())
        if self._waiting:
            self.send(self._make())
        elif len(self.took) == self._requests:
            self.end()

    def _schedule(self) -> None:
        self._loop.call_at(self._first + self._scheduled * self._interval, self._due)
        self._scheduled += 1

    def _due(self) -> None:
        # The moment at which this runs, not the one it was meant for: that the generator is late
        # is not the server's doing.
        self._waiting.append(time.perf_counter())
        if len(self._waiting) == 1:
            self.send(self._make())
        if self._scheduled < self._requests:
            self._schedule()
