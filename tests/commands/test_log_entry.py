"""The log's entries as JSON."""

from datetime import UTC, datetime
from uuid import UUID

from commands.log_entry import encode_entry
from commands.ports import LogEntry
from domain.stream import Stream

ID = UUID("0190b8a5-7c1e-7d3a-9f10-5e2b6c7d8e9f")
AT = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


def test_to_the_byte() -> None:
    """The stored JSON stands in the line unchanged, spaces and all."""
    data, metadata = '{"a" :  1.50, "ü":"\\u00e9"}', '{ "command":"X" }'
    entry = LogEntry(7, Stream("post", ID), 2, ID, "post.created.v1", data, metadata, AT)

    line = encode_entry(entry)

    assert line.decode() == (
        f'{{"position":7,"stream":"post/{ID}","version":2,"eventId":"{ID}",'
        '"type":"post.created.v1","recordedAt":"2026-03-01T09:00:00Z",'
        f'"data":{data},"metadata":{metadata}}}'
    )
