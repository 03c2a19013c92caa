"""Housekeeping: deletes what is only kept for a time."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from workers.periodic import repeat

EVERY_SECONDS = 600.0
AT_ONCE = 500
"""So few that no statement takes long, however much there is."""


class Forgetful(Protocol):
    """Keeps something for a time of its own."""

    async def forget(self, now: datetime, most: int) -> int:
        """Delete no more than so many of what is out of its time; tell how many.

        Fewer than that means that all are gone.
        """
        ...


async def run_housekeeping(
    kept: Sequence[Forgetful],
    *,
    now: Callable[[], datetime],
    stop: asyncio.Event,
    every_seconds: float = EVERY_SECONDS,
    at_once: int = AT_ONCE,
) -> None:
    """Delete all that is out of its time, and again after each pause, until `stop` is set."""

    async def tick() -> None:
        at = now()
        for each in kept:
            while await each.forget(at, at_once) >= at_once and not stop.is_set():
                pass

    await repeat(tick, name="housekeeping", every_seconds=every_seconds, stop=stop)
