"""How late the event loop is: what a process that is busy, or blocked, shows first."""

import asyncio
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager

LAG_BOUNDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
EVERY_SECONDS = 0.25


class LoopLag:
    """Measures, four times a second, how much later than it should a timer goes off."""

    def __init__(self) -> None:
        self.counts = [0] * (len(LAG_BOUNDS) + 1)
        self.seconds = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Measure the running loop while inside."""
        loop = asyncio.get_running_loop()

        def tick(due: float) -> None:
            late = max(loop.time() - due, 0.0)
            self.counts[bisect_left(LAG_BOUNDS, late)] += 1
            self.seconds += late
            again(loop.time() + EVERY_SECONDS)

        def again(due: float) -> None:
            self._timer = loop.call_at(due, tick, due)

        again(loop.time() + EVERY_SECONDS)
        try:
            yield
        finally:
            if self._timer is not None:
                self._timer.cancel()
