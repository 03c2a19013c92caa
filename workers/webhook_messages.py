"""Events as webhooks deliver them: an envelope around the public form. No I/O.

The envelope is that of the Standard Webhooks specification ("Payload structure"): `type`,
`timestamp`, `data`; and what tells a receiver where the event stands in the log.
"""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from projections.relaying import SUBJECTS, RelayedEntry
from projections.webhook_deliveries import TEST_TYPE
from workers.relay_messages import Decode, message

_encode = msgspec.json.Encoder().encode


class Envelope(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What a receiver gets."""

    type: str
    """The tag of the event, in the newest form that there is of it."""
    timestamp: datetime
    """When it was decided."""
    data: msgspec.Raw
    """The event as `docs/events/schemas/` says."""
    position: int | None = None
    """Its place in the log; none for a test."""
    stream: str | None = None
    """What it happened to."""
    version: int | None = None
    """Its place in the history of that."""
    omitted: tuple[str, ...] = ()
    """Members that were left out, as the message would be too large."""


class WebhookMessage(msgspec.Struct, frozen=True):
    """What is posted."""

    id: UUID
    """Of the event: the same whenever it is sent."""
    body: bytes
    headers: Mapping[str, str]


def of_event(entry: RelayedEntry, decode: Decode) -> WebhookMessage:
    """Make the message of an event. Raises where the event cannot be decoded."""
    relayed = message(entry, decode)
    omitted = relayed.headers.get("Ledgerpress-Omitted")
    envelope = Envelope(
        type=relayed.subject.removeprefix(f"{SUBJECTS}."),
        timestamp=entry.at,
        data=msgspec.Raw(relayed.body),
        position=entry.position,
        stream=f"{entry.category}/{entry.stream_id}",
        version=entry.version,
        omitted=tuple(omitted.split(",")) if omitted else (),
    )
    trace = relayed.headers.get("traceparent")
    headers = {} if trace is None else {"traceparent": trace}
    return WebhookMessage(entry.event_id, _encode(envelope), headers)


def of_test(delivery_id: UUID, at: datetime) -> WebhookMessage:
    """Make the message of a test, which speaks of no event."""
    envelope = Envelope(type=TEST_TYPE, timestamp=at, data=msgspec.Raw(b"{}"))
    return WebhookMessage(delivery_id, _encode(envelope), {})
