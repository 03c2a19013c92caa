"""Housekeeping: forgets what is only kept for a time."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from workers.periodic import repeat

EVERY_SECONDS = 600.0


class Forgetful(Protocol):
    """Keeps something for a time of its own."""

    async def forget(self, now: datetime) -> None:
        """Forget what is out of its time."""
        ...


async def run_housekeeping(
    answers: Forgetful,
    *,
    now: Callable[[], datetime],
    stop: asyncio.Event,
    every_seconds: float = EVERY_SECONDS,
) -> None:
    """Forget old answers to idempotency keys, and again after each pause, until `stop` is set."""

    async def tick() -> None:
        await answers.forget(now())

    await repeat(tick, name="housekeeping", every_seconds=every_seconds, stop=stop)
