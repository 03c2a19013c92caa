"""A webhook's history: its stream, its events, its state, and what may be done to it.

A webhook is an address to which the public form of events is sent (see `public_events.py`). How far
it has come is no event: the log would grow with every delivery. When and how often it is tried is
in `webhook_retries.py`, how it is signed in `webhook_signature.py`.

To add an event: its class and its place in `WebhookEvent`, its row in `evolve`, the decision that
emits it, and a golden file. The stored names are a format (see `domain/stored_event.py`).
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, assert_never
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from domain.claim import Claim
from domain.refusal import Refusal, RejectedByState, RejectedByValue
from domain.stored_event import StoredEvent
from domain.stream import Stream

STREAM_CATEGORY = "webhook"


def stream(webhook_id: UUID) -> Stream:
    """Name the stream of one webhook."""
    return Stream(STREAM_CATEGORY, webhook_id)


class DisabledBecause(StrEnum):
    """Why a webhook was disabled. The values are stored."""

    GONE = "gone"
    """The receiver answered 410: it wants nothing any more."""
    FAILING = "failing"
    """For days every attempt has failed."""


class Registered(StoredEvent, frozen=True, tag="webhook.registered.v1"):
    """Events are sent to an address since."""

    url: str
    event_types: tuple[str, ...] = ()
    """Names of events without the version of their form; none for all events."""


class Edited(StoredEvent, frozen=True, tag="webhook.edited.v1"):
    """It changed; only what changed is set."""

    url: str | UnsetType = UNSET
    event_types: tuple[str, ...] | UnsetType = UNSET


class Paused(StoredEvent, frozen=True, tag="webhook.paused.v1"):
    """Nothing is sent until it is resumed."""


class Resumed(StoredEvent, frozen=True, tag="webhook.resumed.v1"):
    """It goes on where it stood, after a pause or after it was disabled."""


class Disabled(StoredEvent, frozen=True, tag="webhook.disabled.v1"):
    """The product itself has stopped sending."""

    reason: DisabledBecause


class SecretRotated(StoredEvent, frozen=True, tag="webhook.secret-rotated.v1"):
    """It has another secret; the one before it signs as well, until a time."""

    previous_until: datetime


class Rewound(StoredEvent, frozen=True, tag="webhook.rewound.v1"):
    """What came after a position is sent again."""

    after: int


class DeliveryReplayed(StoredEvent, frozen=True, tag="webhook.delivery-replayed.v1"):
    """One event, whose delivery was over, is sent again."""

    position: int


class Removed(StoredEvent, frozen=True, tag="webhook.removed.v1"):
    """Nothing is sent any more, and the secret is gone."""


WebhookEvent = (
    Registered
    | Edited
    | Paused
    | Resumed
    | Disabled
    | SecretRotated
    | Rewound
    | DeliveryReplayed
    | Removed
)


class WebhookStatus(StrEnum):
    """Whether events are sent."""

    ACTIVE = "active"
    PAUSED = "paused"
    """By operators."""
    DISABLED = "disabled"
    """By the product, see `DisabledBecause`."""
    REMOVED = "removed"


class Webhook(Struct, frozen=True, gc=False):
    """A webhook as it stands at one version of its stream."""

    id: UUID
    url: str
    event_types: tuple[str, ...]
    status: WebhookStatus
    disabled_because: DisabledBecause | None
    previous_secret_until: datetime | None
    """Until when the secret before the present one signs as well."""
    created_at: datetime
    updated_at: datetime
    version: int

    @property
    def removed(self) -> bool:
        """Whether it is there no more."""
        return self.status is WebhookStatus.REMOVED


def evolve(
    state: Webhook | None,
    event: WebhookEvent,
    *,
    id: UUID,  # noqa: A002 - spelled as in the state
    version: int,
    at: datetime,
) -> Webhook:
    """Give the state after an event. A history must begin with `Registered`."""
    if isinstance(event, Registered):
        return Webhook(
            id=id,
            url=event.url,
            event_types=event.event_types,
            status=WebhookStatus.ACTIVE,
            disabled_because=None,
            previous_secret_until=None,
            created_at=at,
            updated_at=at,
            version=version,
        )
    if state is None:
        raise ValueError(f"the history of webhook {id} does not begin with its registration")
    after = replace(state, version=version, updated_at=at)
    match event:
        case Edited():
            return replace(after, **_set(event))
        case Paused():
            return replace(after, status=WebhookStatus.PAUSED)
        case Resumed():
            return replace(after, status=WebhookStatus.ACTIVE, disabled_because=None)
        case Disabled():
            return replace(after, status=WebhookStatus.DISABLED, disabled_because=event.reason)
        case SecretRotated():
            return replace(after, previous_secret_until=event.previous_until)
        case Rewound() | DeliveryReplayed():
            return after
        case Removed():
            return replace(after, status=WebhookStatus.REMOVED)
        case _:
            assert_never(event)


def claims(state: Webhook | None) -> frozenset[Claim]:
    """Give the names that it holds: none, as several webhooks may share an address."""
    del state
    return frozenset()


class Register(Struct, frozen=True):
    """Send events to an address, which was found allowed and is normalised."""

    url: str
    event_types: tuple[str, ...]


class Edit(Struct, frozen=True):
    """Change the members that are set and leave the others alone."""

    url: str | UnsetType = UNSET
    event_types: tuple[str, ...] | UnsetType = UNSET


class Pause(Struct, frozen=True):
    """Send nothing for now."""


class Resume(Struct, frozen=True):
    """Go on."""


class Disable(Struct, frozen=True):
    """Stop, as the receiver is gone or does not get well."""

    reason: DisabledBecause


class RotateSecret(Struct, frozen=True):
    """Sign with another secret, and with the present one for a while."""

    grace: timedelta


class Rewind(Struct, frozen=True):
    """Send again what came after a position."""

    after: int
    head: int
    """The last position of the log."""


class ReplayDelivery(Struct, frozen=True):
    """Send one event again."""

    position: int | None
    """None for a test, which is made anew and not again."""
    over: bool
    """Whether its delivery is over: delivered, or given up."""


class Remove(Struct, frozen=True):
    """Send nothing any more."""


WebhookCommand = (
    Register | Edit | Pause | Resume | Disable | RotateSecret | Rewind | ReplayDelivery | Remove
)


def decide(
    state: Webhook | None, command: WebhookCommand, *, now: datetime
) -> tuple[WebhookEvent, ...] | Refusal:
    """Decide a command; no events where it already is as asked."""
    if isinstance(command, Register):
        return (Registered(command.url, command.event_types),)
    assert state is not None  # noqa: S101 - only what exists is changed
    match command:
        case Edit():
            wanted = _set(command)
            changed = {name: each for name, each in wanted.items() if getattr(state, name) != each}
            return (Edited(**changed),) if changed else ()
        case Pause():
            return _pause(state)
        case Resume():
            return () if state.status is WebhookStatus.ACTIVE else (Resumed(),)
        case Disable():
            return (Disabled(command.reason),) if state.status is WebhookStatus.ACTIVE else ()
        case RotateSecret():
            return (SecretRotated(now + command.grace),)
        case Rewind():
            return _rewind(command)
        case ReplayDelivery():
            return _replay(command)
        case Remove():
            return () if state.removed else (Removed(),)
        case _:
            assert_never(command)


def _pause(state: Webhook) -> tuple[WebhookEvent, ...] | Refusal:
    match state.status:
        case WebhookStatus.PAUSED:
            return ()
        case WebhookStatus.ACTIVE:
            return (Paused(),)
        case WebhookStatus.DISABLED | WebhookStatus.REMOVED:
            return RejectedByState(
                "webhook_not_active", "Only an active webhook can be paused.", state.status.value
            )
        case _:
            assert_never(state.status)


def _replay(command: ReplayDelivery) -> tuple[WebhookEvent, ...] | Refusal:
    if command.position is None:
        return RejectedByState("delivery_not_replayable", "It is a test: make another.", "test")
    if not command.over:
        return RejectedByState(
            "delivery_not_replayable", "It waits for its next attempt.", "waiting"
        )
    return (DeliveryReplayed(command.position),)


def _rewind(command: Rewind) -> tuple[WebhookEvent, ...] | Refusal:
    if command.after > command.head:
        return RejectedByValue(
            "position_not_reached", f"after: The log ends at position {command.head}.", "after"
        )
    return (Rewound(command.after),)


def _set(struct: Edited | Edit) -> dict[str, Any]:
    """Give the members that are set, each of the type that it has."""
    members = {name: getattr(struct, name) for name in struct.__struct_fields__}
    return {name: value for name, value in members.items() if value is not UNSET}
