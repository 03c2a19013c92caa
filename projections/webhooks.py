"""The webhooks: shape, fold, schema version and queries.

Written in the transaction of the events. One that was removed keeps its row. How far a webhook has
come is no part of it, see `webhook_deliveries.py`.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol
from uuid import UUID

import msgspec

from domain.webhook import DisabledBecause, Webhook, WebhookStatus
from projections.database import Database, load_queries
from projections.write import Put, Rendered, Table, last_of_each_key

SCHEMA_VERSION = 1

WEBHOOKS = Table(
    "webhooks",
    ("id", "version", "url", "event_types", "status", "created_at", "updated_at", "body"),
    key_columns=1,
)
QUERIES = load_queries(Path(__file__).with_name("webhooks.sql"))

_encode = msgspec.json.Encoder().encode


class WebhookBody(msgspec.Struct, frozen=True, rename="camel"):
    """A webhook as operators get it."""

    id: UUID
    url: str
    event_types: tuple[str, ...]
    """Names of events without the version of their form; none for all events."""
    status: WebhookStatus
    disabled_because: DisabledBecause | None
    previous_secret_until: datetime | None
    """Until when the secret before the present one signs as well; it may be over."""
    created_at: datetime
    updated_at: datetime
    version: int


def shown(state: Webhook) -> WebhookBody:
    """Show a webhook, without its secret."""
    return WebhookBody(
        id=state.id,
        url=state.url,
        event_types=state.event_types,
        status=state.status,
        disabled_because=state.disabled_because,
        previous_secret_until=state.previous_secret_until,
        created_at=state.created_at,
        updated_at=state.updated_at,
        version=state.version,
    )


def shows(after: Webhook) -> Iterable[Put]:
    """Say what a state asks for: the webhook's row."""
    yield Put(
        WEBHOOKS,
        (
            after.id,
            after.version,
            after.url,
            [*after.event_types],  # as PostgreSQL gives it back, to be compared
            after.status.value,
            after.created_at,
            after.updated_at,
            _encode(shown(after)),
        ),
    )


def tag(version: int) -> str:
    """Give the opaque part of the entity tag of a version."""
    return f"{SCHEMA_VERSION}.{version}"


class Step(Protocol):
    """What the view needs of an event and the states around it."""

    @property
    def after(self) -> Webhook:
        """The state after the event."""
        ...


class WebhookView:
    """The read model of webhooks as the command loop uses it."""

    def location(self, stream_id: UUID) -> str:
        """Give the webhook's path."""
        return f"/webhooks/{stream_id}"

    def history(self, stream_id: UUID) -> str:
        """Give the path of the webhook's events."""
        return f"/streams/webhook/{stream_id}"

    def tag(self, version: int) -> str:
        """Give the opaque part of the entity tag of a version."""
        return tag(version)

    def render(self, state: Webhook, steps: Sequence[Step]) -> Rendered:
        """Show the webhook, and give the rows that its last steps ask for."""
        return Rendered(
            _encode(shown(state)),
            last_of_each_key(put for step in steps for put in shows(step.after)),
        )


class WebhookRow(msgspec.Struct, frozen=True, gc=False):
    """A webhook as a read of itself needs it."""

    id: UUID
    version: int
    status: str
    created_at: datetime
    updated_at: datetime
    body: bytes


class WebhookQueries:
    """Reads webhooks that were not removed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def by_id(self, webhook_id: UUID) -> WebhookRow | None:
        """Find a webhook."""
        rows = await self._database.fetch(QUERIES["by_id"], webhook_id)
        return WebhookRow(*rows[0]) if rows else None

    async def page(
        self, limit: int, before: tuple[datetime, UUID] | None = None
    ) -> Sequence[WebhookRow]:
        """List webhooks, the newest first, from after the one of this time and id."""
        at, webhook_id = before or (None, None)
        rows = await self._database.fetch(QUERIES["page"], at, webhook_id, limit)
        return [WebhookRow(*row) for row in rows]
