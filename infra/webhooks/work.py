"""PostgreSQL's side of delivering: see `projections.webhook_delivering.WebhookWork`."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from domain.webhook_retries import LONGEST_WAIT
from infra.postgres import Database
from infra.webhooks.secrets import WebhookSecrets
from projections.database import load_queries
from projections.relaying import RelayedEntry
from projections.webhook_delivering import Due, Kept, Page, Result, TakenWebhook, Target

QUERIES = load_queries(Path(__file__).with_name("work.sql"))

LEASE_SECONDS = 30.0
"""After so long a worker that says nothing has lost its webhooks: more than an attempt takes."""
MOST_WAITING = 1000
"""So many deliveries of a webhook may wait for another attempt; then no event is tried for the
first time until some are over."""
PAGE_ROWS = 20
WINDOW = 5000
"""How much of the log one query looks through, in events."""


class PostgresWebhookWork:
    """Leases by the clock of the database, and what came of attempts."""

    def __init__(
        self,
        database: Database,
        secrets: WebhookSecrets,
        new_id: Callable[[], UUID],
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        self._database = database
        self._secrets = secrets
        self._new_id = new_id
        self._lease_seconds = lease_seconds

    async def take(self, most: int) -> Sequence[TakenWebhook]:
        """Take webhooks for which there is something to do and nobody does it."""
        rows = await self._database.fetch(QUERIES["take"], most, self._lease_seconds, MOST_WAITING)
        return [TakenWebhook(*row) for row in rows]

    async def target(self, taken: TakenWebhook) -> Target | None:
        """Tell where it sends to; None where it is not active any more."""
        rows = await self._database.fetch(QUERIES["target"], taken.id)
        if not rows:
            return None
        version, url, event_types, sealed, previous = rows[0]
        both = [sealed] if previous is None else [sealed, previous]
        secrets = tuple(self._secrets.open(taken.id, each) for each in both)
        return Target(version, url, tuple(event_types), secrets)

    async def due(self, taken: TakenWebhook) -> Due | None:
        """Give the delivery whose next attempt has been due for the longest time."""
        rows = await self._database.fetch(QUERIES["due"], taken.id)
        if not rows:
            return None
        delivery_id, event_id, attempts, *entry = rows[0]
        found = None if entry[0] is None else RelayedEntry(*entry)
        return Due(delivery_id, event_id, attempts, found)

    async def page(self, after: int, event_types: Sequence[str]) -> Page:
        """Read on in the log, through a window of it."""
        rows = await self._database.fetch(
            QUERIES["page"], after, WINDOW, event_types or None, PAGE_ROWS
        )
        entries = [RelayedEntry(*row[1:]) for row in rows if row[1] is not None]
        until: int = entries[-1].position if len(entries) == PAGE_ROWS else rows[0][0]
        return Page(entries, until)

    async def keep_first(
        self,
        taken: TakenWebhook,
        version: int,
        entry: RelayedEntry,
        result: Result,
        failures: int,
        hold: timedelta | None,
    ) -> Kept | None:
        """Keep what came of the first attempt of an event; None when the lease is lost."""
        rows = await self._database.fetch(
            QUERIES["keep_first"],
            *(taken.id, taken.epoch, version, self._lease_seconds),
            *_columns(result),
            *(self._new_id(), entry.position, entry.event_id, entry.type, failures, hold),
        )
        return Kept(*rows[0]) if rows else None

    async def keep_again(
        self, taken: TakenWebhook, version: int, due: Due, result: Result
    ) -> Kept | None:
        """Keep what came of a later attempt, or of a test; None when the lease is lost."""
        rows = await self._database.fetch(
            QUERIES["keep_again"],
            *(taken.id, taken.epoch, version, self._lease_seconds),
            *_columns(result),
            *(due.id, due.entry is not None),
        )
        return Kept(*rows[0]) if rows else None

    async def rest(self, taken: TakenWebhook, position: int) -> None:
        """Let go of it, having come to a position."""
        await self._database.fetch(QUERIES["rest"], taken.id, taken.epoch, position)

    async def forget(self, now: datetime, most: int) -> int:  # noqa: ARG002 - the database's clock counts
        """Delete no more than so many deliveries that are over for long; tell how many."""
        return len(await self._database.fetch(QUERIES["forget"], most))


def _columns(result: Result) -> Sequence[object]:
    again = None if result.again_in is None else min(result.again_in, 2 * LONGEST_WAIT)
    return (
        result.state,
        result.attempts,
        again,
        result.status,
        result.reason,
        result.quiet,
    )
