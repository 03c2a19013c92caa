"""Events as messages for subscribers: subject, headers, and the public form as JSON. No I/O."""

from collections.abc import Callable
from uuid import UUID

import msgspec

from commands.tracing import TRACE_PARENT
from domain.public_events import PUBLIC_EVENTS
from domain.stored_event import StoredEvent
from projections.relaying import SUBJECTS, Message, RelayedEntry

MAX_BODY_BYTES = 900 * 1024
"""With the headers it stays below 1 MiB, the most that NATS takes unless it is told otherwise."""

_SPAN_ID_DIGITS = 16

Decode = Callable[[str, str], StoredEvent]
"""Reads a stored event into its newest form, from its tag and its text."""


class _Metadata(msgspec.Struct):
    correlation: str | None = None


_metadata_of = msgspec.json.Decoder(_Metadata).decode
_encode = msgspec.json.Encoder().encode


def message(entry: RelayedEntry, decode: Decode) -> Message:
    """Make the message of an event. Raises where the event cannot be decoded."""
    event = decode(entry.type, entry.data)
    tag = str(event.__struct_config__.tag)
    public = PUBLIC_EVENTS[tag]
    headers = {
        "Nats-Msg-Id": str(entry.event_id),
        "Ledgerpress-Position": str(entry.position),
        "Ledgerpress-Stream": f"{entry.category}/{entry.stream_id}",
        "Ledgerpress-Version": str(entry.version),
        "Ledgerpress-Recorded-At": _encode(entry.at).decode().strip('"'),
    }
    correlation = _metadata_of(entry.metadata).correlation
    trace = None if correlation is None else trace_parent(correlation, entry.event_id)
    if trace is not None:
        headers["traceparent"] = trace
    body = _encode(public.of(event))
    if len(body) > MAX_BODY_BYTES:
        headers["Ledgerpress-Omitted"] = ",".join(public.large)
        body = _encode(public.small(event))
    return Message(entry.position, f"{SUBJECTS}.{tag}", headers, body)


def trace_parent(correlation: str, event_id: UUID) -> str | None:
    """Give the `traceparent` (W3C Trace Context, section 3.2) of what an event was part of.

    A correlation may be such a field itself, or a UUID, which is as long as a trace id is. Then the
    span is named after the event, and nobody is said to have recorded it.
    """
    if TRACE_PARENT.fullmatch(correlation):
        return correlation
    try:
        trace_id = UUID(correlation)
    except ValueError:
        return None
    return f"00-{trace_id.hex}-{event_id.hex[-_SPAN_ID_DIGITS:]}-00" if trace_id.int else None
