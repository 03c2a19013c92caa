"""The tables of clicks that are in no event yet, and of the addresses that were clicked on."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from uuid import UUID

from commands.clicks import ClickBatch, Waiting
from domain.clicks import TargetClicks, stream
from projections.database import Database, load_queries
from projections.write import Put, Table

QUERIES = load_queries(Path(__file__).with_name("clicks.sql"))
TAKEN_CLICKS = Table("taken_clicks", ("day", "target", "clicks"), key_columns=2)
"""What is put here is taken off the clicks that wait: see the function `apply_taken_clicks`."""

MOST_IN_DAY = 1000
"""Addresses that are counted apart on one day; the clicks on others are one number."""
ADDRESSES_KEPT = timedelta(days=400)
"""How long an address is known after its last click; its counts stay, under its id."""

_DAYS_KEPT = timedelta(days=2)
_BATCHES_KEPT = timedelta(days=7)


def taken_row(day: date, target: UUID, clicks: int) -> Put:
    """Make the row that takes clicks off those that wait."""
    return Put(TAKEN_CLICKS, (day, target, clicks))


class PostgresClicks:
    """See `commands.clicks`: both `ClickStore` and `ClickQueue`."""

    def __init__(self, database: Database, most_in_day: int = MOST_IN_DAY) -> None:
        self._database = database
        self._most_in_day = most_in_day

    async def add(self, batch: ClickBatch) -> None:
        """Add a batch, once however often it comes."""
        columns = [list(column) for column in zip(*batch.clicks, strict=True)]
        await self._database.fetch(
            QUERIES["add"], batch.process, batch.number, *columns, self._most_in_day
        )

    async def days(self) -> Sequence[date]:
        """List the days on which clicks wait, the first one first."""
        return [row[0] for row in await self._database.fetch(QUERIES["days"])]

    async def waiting(self, day: date, most: int) -> Waiting:
        """Give what waits on a day: so many targets, those with the most clicks first."""
        rows = await self._database.fetch(QUERIES["waiting"], day, stream(day).id, most)
        _, _, version, last_at = rows[0] if rows else (None, None, None, None)
        return Waiting([TargetClicks(row[0], row[1]) for row in rows], version or 0, last_at)

    async def forget(self, now: datetime, most: int) -> int:
        """Delete no more than so many of what nobody needs any more; tell how many."""
        asked = (
            ("forget_batches", now - _BATCHES_KEPT),
            ("forget_waiting", (now - _DAYS_KEPT).date()),
            ("forget_targets", (now - ADDRESSES_KEPT).date()),
        )
        forgotten = 0
        for query, before in asked:
            rows = await self._database.fetch(QUERIES[query], before, most - forgotten)
            forgotten += len(rows)
        return forgotten
