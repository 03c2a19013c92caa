"""How often each target was clicked on, day by day: shape, fold, schema version and queries.

Run by the projector. A row holds a day (UTC) and the id of a target. What the id stands for, an
address or a managed redirect, is looked up on reading, outside the read model.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from uuid import UUID

import msgspec

from domain.clicks import ClickDay, ClicksEvent
from projections.database import Database, load_queries
from projections.write import Put, Table

SCHEMA_VERSION = 1

CLICKS = Table("clicks", ("day", "target", "clicks"), key_columns=2)
QUERIES = load_queries(Path(__file__).with_name("clicks.sql"))


def leaves(_before: ClickDay | None, event: ClicksEvent, after: ClickDay) -> Iterable[Put]:
    """Say what an event leaves behind: the sums so far of the targets that it names."""
    for count in event.counts:
        yield Put(CLICKS, (after.day, count.target, after.clicks[count.target]))


def shows(_state: ClickDay) -> Iterable[Put]:
    """Say what a state asks for: nothing, as each row is left by the last event that names it."""
    return ()


class ClickRow(msgspec.Struct, frozen=True):
    """The clicks on one target on one day, and what is known of the target."""

    day: date
    target: UUID
    clicks: int
    address: str | None
    """Of a link; None for what is no link, and where it has been forgotten."""
    redirect: str | None
    """The path of a managed redirect; None for what is none."""


class ClickQueries:
    """Reads clicks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self,
        limit: int,
        *,
        since: date | None = None,
        until: date | None = None,
        before: tuple[date, UUID] | None = None,
    ) -> Sequence[ClickRow]:
        """List clicks, the newest day first, then by target; `until` is exclusive."""
        day, target = before or (None, None)
        rows = await self._database.fetch(QUERIES["page"], since, until, day, target, limit)
        return [ClickRow(*row) for row in rows]
