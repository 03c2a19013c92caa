"""The deliveries of webhooks as operators see them: what waits, what was given up, how far it is.

They are no read model of the log: whoever delivers writes them, see `infra/webhooks/`.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from projections.database import Database, load_queries

QUERIES = load_queries(Path(__file__).with_name("webhook_deliveries.sql"))

TEST_TYPE = "webhook.test"
"""The type of what operators send to see whether it arrives. There is no such event."""


_STATE = 4
"""Its place in a row."""


class DeliveryState(StrEnum):
    """How a delivery stands."""

    WAITING = "waiting"
    """For its next attempt."""
    DELIVERED = "delivered"
    """The receiver answered 2xx. It is shown for seven days."""
    DEAD = "dead"
    """Given up, until operators replay it. It is shown for ninety days."""


class Delivery(msgspec.Struct, frozen=True, rename="camel"):
    """The delivery of one event to one webhook."""

    id: UUID
    position: int | None
    """Of the event in the log; null for a test."""
    event_id: UUID
    type: str
    state: DeliveryState
    attempts: int
    next_attempt_at: datetime | None
    last_attempt_at: datetime | None
    status: int | None
    """Of the last answer, where there was one."""
    reason: str | None
    """Why the last attempt failed, as a code."""
    created_at: datetime


class Progress(msgspec.Struct, frozen=True, rename="camel"):
    """How far a webhook has come."""

    position: int
    """Of the last event that was tried once, or was not wanted."""
    head: int
    """The last position of the log."""
    failing_since: datetime | None
    """Since when every attempt has failed."""
    held_until: datetime | None
    """No event is tried for the first time before, as the last ones failed."""


class DeliveryQueries:
    """Reads deliveries, and puts tests among them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self,
        webhook_id: UUID,
        state: DeliveryState | None,
        limit: int,
        before: tuple[datetime, UUID] | None = None,
    ) -> Sequence[Delivery]:
        """List deliveries of a webhook, the newest first, from after the one of this key."""
        at, delivery_id = before or (None, None)
        rows = await self._database.fetch(
            QUERIES["page"], webhook_id, state and state.value, at, delivery_id, limit
        )
        return [_delivery(row) for row in rows]

    async def by_id(self, webhook_id: UUID, delivery_id: UUID) -> Delivery | None:
        """Find a delivery of a webhook."""
        rows = await self._database.fetch(QUERIES["by_id"], webhook_id, delivery_id)
        return _delivery(rows[0]) if rows else None

    async def progress(self, webhook_id: UUID) -> Progress:
        """Tell how far a webhook has come."""
        rows = await self._database.fetch(QUERIES["progress"], webhook_id)
        return Progress(*rows[0])

    async def put_test(self, delivery_id: UUID, webhook_id: UUID) -> None:
        """Have a test sent as soon as the webhook is active."""
        await self._database.fetch(QUERIES["put_test"], delivery_id, webhook_id, TEST_TYPE)


def _delivery(row: Sequence[Any]) -> Delivery:
    values = [*row]
    values[_STATE] = DeliveryState(row[_STATE])
    return Delivery(*values)
