"""Handing over clicks and recording them, again and again, whatever the database does."""

import asyncio
from datetime import UTC, datetime

from uuid_utils.compat import uuid7

from commands.clicks import ClickBatch, ClickCounter, Recording
from commands.ports import StoreUnavailableError
from infra.clicks import PostgresClicks, taken_row
from tests.support.log import AT, open_log
from tests.support.waiting import eventually
from workers.clicks import run_click_flusher, run_click_recorder


class Store:
    """Keeps batches, or is out of reach."""

    def __init__(self) -> None:
        self.batches: list[ClickBatch] = []
        self.tries = 0
        self.down = False

    async def add(self, batch: ClickBatch) -> None:
        """Keep a batch."""
        self.tries += 1
        if self.down:
            raise StoreUnavailableError("down")
        self.batches.append(batch)


async def test_the_last_clicks_are_handed_over_on_stopping() -> None:
    """Whoever ends a process with care loses none."""
    counter, store, stop = ClickCounter(uuid7), Store(), asyncio.Event()
    running = asyncio.create_task(run_click_flusher(counter, store, stop=stop, every_seconds=3600))
    await asyncio.sleep(0)
    counter.count("https://ok.example/", AT)
    stop.set()
    async with asyncio.timeout(30):
        await running

    assert [batch.clicks[0][3] for batch in store.batches] == [1]


async def test_an_outage_loses_no_click_and_repeats_the_same_batch() -> None:
    """What came meanwhile is the next batch."""
    counter, store, stop = ClickCounter(uuid7), Store(), asyncio.Event()
    store.down = True
    counter.count("https://ok.example/", AT)
    running = asyncio.create_task(run_click_flusher(counter, store, stop=stop, every_seconds=0.001))

    async def tried() -> bool:
        return store.tries >= 3

    async def two() -> bool:
        return len(store.batches) == 2

    assert await eventually(tried)
    counter.count("https://ok.example/", AT)
    store.down = False
    assert await eventually(two)
    stop.set()
    async with asyncio.timeout(30):
        await running

    assert [batch.number for batch in store.batches] == [1, 2]


async def test_an_end_in_an_outage_is_an_end() -> None:
    """The clicks are lost then, and nobody waits for ever."""
    counter, store, stop = ClickCounter(uuid7), Store(), asyncio.Event()
    store.down = True
    counter.count("https://ok.example/", AT)
    stop.set()
    async with asyncio.timeout(30):
        await run_click_flusher(counter, store, stop=stop)

    assert store.batches == []


async def test_what_waits_is_recorded(database_url: str) -> None:
    """By a worker, without being asked."""
    stop = asyncio.Event()
    async with open_log(database_url) as log:
        clicks = PostgresClicks(log.database)
        counter = ClickCounter(uuid7)
        counter.count("https://ok.example/", AT)
        await counter.flush(clicks)
        running = asyncio.create_task(
            run_click_recorder(
                Recording(log.store, clicks, uuid7, taken_row),
                now=lambda: datetime.now(UTC),
                stop=stop,
                every_seconds=0.01,
            )
        )

        async def recorded() -> bool:
            return await log.log.head() == 1

        assert await eventually(recorded)
        stop.set()
        async with asyncio.timeout(30):
            await running
        assert not await clicks.days()
