"""The relay's side of PostgreSQL: pages of the log, and sending the relay back.

Its checkpoint is kept like a projection's, see `infra/projections/projector_store.py`.
"""

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from commands.ports import EVERYTHING
from infra.postgres import Database
from infra.store.event_log import PAGE_BYTES, SCAN_SECONDS, page_query
from projections.database import load_queries
from projections.relaying import RelayedEntry

QUERIES = load_queries(Path(__file__).with_name("relay.sql"))

PAGE_ROWS = 1000
"""A page is stored at once, with one wait for the disk; NATS takes no more messages in a batch."""

_PAGE, _ = page_query(
    EVERYTHING, ", ".join(RelayedEntry.__struct_fields__[:-1]) + ", recorded_at", backwards=False
)


class PostgresRelayStore:
    """See `projections.relaying.RelayStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, after: int) -> Sequence[RelayedEntry]:
        """Read the log after a position."""
        rows = await self._database.fetch(
            _PAGE, after, None, PAGE_ROWS, PAGE_BYTES, seconds=SCAN_SECONDS
        )
        return [RelayedEntry(*row) for row in rows]

    async def event_id(self, position: int) -> UUID | None:
        """Give the id of an event of the log."""
        rows = await self._database.fetch(QUERIES["event_id"], position)
        return rows[0][0] if rows else None

    async def again_until(self) -> int:
        """Tell up to which position events are published again."""
        rows = await self._database.fetch(QUERIES["again_until"])
        until: int = rows[0][0]
        return until

    async def rewind(self, position: int) -> int | None:
        """Send the relay back to a position; give the one where it stood, None if before that."""
        rows = await self._database.fetch(QUERIES["rewind"], position)
        return rows[0][0] if rows else None
