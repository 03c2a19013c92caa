"""What those who deliver for webhooks share with the database and with the way to receivers.

The worker is `workers/webhooks.py`; PostgreSQL's side and the HTTP client are in `infra/webhooks/`.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from msgspec import Struct

from domain.webhook_retries import Attempt
from projections.relaying import RelayedEntry


class TakenWebhook(Struct, frozen=True):
    """A webhook that has something to deliver, in the hands of one worker while its lease lasts."""

    id: UUID
    epoch: int
    """Grows with each taking; whoever has an older one writes nothing any more."""
    position: int
    """Up to which each event was tried once, or passed over."""
    failures: int
    """Of first attempts, since anything was delivered."""
    held: bool
    """Whether no event may be tried for the first time now."""


class Target(Struct, frozen=True):
    """Where a webhook sends to, and what. It holds as long as its version does."""

    version: int
    url: str
    event_types: tuple[str, ...]
    secrets: tuple[bytes, ...]
    """The present one first."""

    def __repr__(self) -> str:
        """Show nothing, as what is shown may be logged."""
        return "Target(***)"


class Due(Struct, frozen=True):
    """A delivery that is tried again, or a test."""

    id: UUID
    event_id: UUID
    attempts: int
    """That were made before."""
    entry: RelayedEntry | None
    """The event; None for a test."""


class Page(Struct, frozen=True):
    """What comes next in the log, of what a webhook wants."""

    entries: Sequence[RelayedEntry]
    until: int
    """Once these are tried, nothing up to this position is left."""


class Result(Struct, frozen=True):
    """What came of an attempt, to be kept."""

    state: str
    """As in `projections.webhook_deliveries.DeliveryState`."""
    attempts: int
    again_in: timedelta | None
    """Until the next attempt, where it waits for one."""
    status: int | None
    reason: str | None
    quiet: timedelta | None
    """How long the receiver wants to be left alone."""


class Kept(Struct, frozen=True):
    """The result is kept."""

    unchanged: bool
    """Whether the webhook is active, and at the version that was known."""
    failing_for: timedelta | None
    """How long every attempt has failed."""


class WebhookWork(Protocol):
    """Who delivers for which webhook, and how far it has come.

    All times are the database's; all raise `StoreUnavailableError`.
    """

    async def take(self, most: int) -> Sequence[TakenWebhook]:
        """Take webhooks for which there is something to do and nobody does it."""
        ...

    async def target(self, taken: TakenWebhook) -> Target | None:
        """Tell where it sends to; None where it is not active any more."""
        ...

    async def due(self, taken: TakenWebhook) -> Due | None:
        """Give the delivery whose next attempt has been due for the longest time."""
        ...

    async def page(self, after: int, event_types: Sequence[str]) -> Page:
        """Read on in the log."""
        ...

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
        ...

    async def keep_again(
        self, taken: TakenWebhook, version: int, due: Due, result: Result
    ) -> Kept | None:
        """Keep what came of a later attempt, or of a test; None when the lease is lost."""
        ...

    async def rest(self, taken: TakenWebhook, position: int) -> None:
        """Let go of it, having come to a position."""
        ...


class Sender(Protocol):
    """The way to receivers."""

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Attempt:
        """Post a message, once, within a bounded time. Raises nothing that a receiver causes."""
        ...
