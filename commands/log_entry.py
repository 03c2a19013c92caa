"""An entry of the log as JSON: one form for auditors, over HTTP and on the command line."""

from datetime import datetime
from uuid import UUID

import msgspec

from commands.ports import LogEntry


class _Entry(msgspec.Struct, frozen=True, rename="camel", gc=False):
    position: int
    stream: str
    version: int
    event_id: UUID
    type: str
    recorded_at: datetime
    data: msgspec.Raw
    metadata: msgspec.Raw


_encode = msgspec.json.Encoder().encode


def encode_entry(entry: LogEntry) -> bytes:
    """Give the entry as one line of JSON, without its end.

    `data` and `metadata` stand in it to the byte as they are stored, so that what was hashed can be
    hashed again.
    """
    return _encode(
        _Entry(
            position=entry.position,
            stream=str(entry.stream),
            version=entry.version,
            event_id=entry.event_id,
            type=entry.type,
            recorded_at=entry.at,
            data=msgspec.Raw(entry.data.encode()),
            metadata=msgspec.Raw(entry.metadata.encode()),
        )
    )
