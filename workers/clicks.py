"""Hands over the clicks that a process has counted, and records those that wait."""

import asyncio
from collections.abc import Callable
from datetime import datetime

import structlog

from commands.clicks import ClickCounter, ClickStore, Recording, record_clicks
from commands.ports import StoreUnavailableError
from workers.periodic import repeat

FLUSH_SECONDS = 1.0
"""Clicks of so long are lost where the process is killed."""
RECORD_SECONDS = 15.0

_log = structlog.stdlib.get_logger("ledgerpress.clicks")


async def run_click_flusher(
    counter: ClickCounter,
    store: ClickStore,
    *,
    stop: asyncio.Event,
    every_seconds: float = FLUSH_SECONDS,
) -> None:
    """Hand over what is counted again and again until `stop` is set, and then once more."""

    async def tick() -> None:
        await counter.flush(store)

    await repeat(tick, name="click flusher", every_seconds=every_seconds, stop=stop)
    try:
        await counter.flush(store)  # what an outage left, and then what came meanwhile
        await counter.flush(store)
    except StoreUnavailableError as error:
        _log.warning("the last clicks are not counted", reason=str(error))


async def run_click_recorder(
    recording: Recording,
    *,
    now: Callable[[], datetime],
    stop: asyncio.Event,
    every_seconds: float = RECORD_SECONDS,
) -> None:
    """Record the clicks that wait again and again until `stop` is set."""

    async def tick() -> None:
        await record_clicks(recording, now())

    await repeat(tick, name="click recorder", every_seconds=every_seconds, stop=stop)
