"""What subscribers are told of the events: a JSON Schema for each, and an AsyncAPI document.

Both are made from the public forms of the events (`domain/public_events.py`). Run as
`python -m infra.relay.documents` to write them into `docs/events`; a test compares.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from domain.public_events import PUBLIC_EVENTS
from infra.relay.stream import STREAM
from projections.relaying import SUBJECTS

FOLDER = Path(__file__).parents[2] / "docs" / "events"

_DRAFT = "http://json-schema.org/draft-07/schema#"
_UUID = {"type": "string", "format": "uuid"}
_HEADERS: dict[str, Any] = {
    "type": "object",
    "required": [
        "Nats-Msg-Id",
        "Ledgerpress-Position",
        "Ledgerpress-Stream",
        "Ledgerpress-Version",
        "Ledgerpress-Recorded-At",
    ],
    "properties": {
        "Nats-Msg-Id": {**_UUID, "description": "The id of the event: the same each time."},
        "Ledgerpress-Position": {
            "type": "string",
            "pattern": "^[1-9][0-9]*$",
            "description": "Its place in the log: 1, 2, 3, ... without gaps.",
        },
        "Ledgerpress-Stream": {
            "type": "string",
            "pattern": "^[a-z-]+/[0-9a-f-]{36}$",
            "description": "The category and the id of what it happened to.",
        },
        "Ledgerpress-Version": {
            "type": "string",
            "pattern": "^[1-9][0-9]*$",
            "description": "Its place in the history of that: 1, 2, 3, ... without gaps.",
        },
        "Ledgerpress-Recorded-At": {
            "type": "string",
            "format": "date-time",
            "description": "When it was decided.",
        },
        "Ledgerpress-Omitted": {
            "type": "string",
            "description": "Members that were left out as the message would be too large.",
        },
        "traceparent": {
            "type": "string",
            "pattern": "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$",
            "description": "What it was part of (W3C Trace Context), where that is known.",
        },
    },
}


def schema(tag: str) -> dict[str, Any]:
    """Give the JSON Schema (draft 7) of an event's public form."""
    form = PUBLIC_EVENTS[tag].form
    (reference,), components = msgspec.json.schema_components(
        [form], ref_template="#/definitions/{name}"
    )
    own = components.pop(reference["$ref"].rpartition("/")[2])
    made = {"$schema": _DRAFT, "$id": f"urn:ledgerpress:event:{tag}", **own, "title": tag}
    return {**made, "definitions": components} if components else made


def async_api() -> dict[str, Any]:
    """Give the AsyncAPI 3.0 document: each event is a channel with one message."""
    names = {tag: _name(tag) for tag in PUBLIC_EVENTS}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Events of Ledgerpress",
            "version": "1",
            "description": (
                "Every event of the log, in its order, without personal data. The last part of "
                "a tag is the version of its form: a form never changes, and members that are not "
                "known are to be ignored."
            ),
        },
        "defaultContentType": "application/json",
        "servers": {
            "nats": {
                "host": "localhost:4222",
                "protocol": "nats",
                "description": f"NATS with JetStream; the stream is {STREAM}.",
            }
        },
        "channels": {
            name: {
                "address": f"{SUBJECTS}.{tag}",
                "messages": {name: {"$ref": f"#/components/messages/{name}"}},
            }
            for tag, name in names.items()
        },
        "operations": {
            f"publish-{name}": {
                "action": "send",
                "channel": {"$ref": f"#/channels/{name}"},
                "messages": [{"$ref": f"#/channels/{name}/messages/{name}"}],
            }
            for name in names.values()
        },
        "components": {
            "messages": {
                name: {
                    "name": tag,
                    "summary": PUBLIC_EVENTS[tag].form.__doc__,
                    "contentType": "application/json",
                    "headers": {"$ref": "#/components/schemas/headers"},
                    "payload": {"$ref": f"schemas/{tag}.json"},
                }
                for tag, name in names.items()
            },
            "schemas": {"headers": _HEADERS},
        },
    }


def documents() -> Iterator[tuple[str, bytes]]:
    """Give the files, by their names in the folder."""
    yield "asyncapi.json", _text(async_api())
    for tag in PUBLIC_EVENTS:
        yield f"schemas/{tag}.json", _text(schema(tag))


def write(folder: Path) -> None:
    """Write the files, and remove schemas of events that there are no more."""
    made = dict(documents())
    (folder / "schemas").mkdir(parents=True, exist_ok=True)
    for name, text in made.items():
        (folder / name).write_bytes(text)
    for file in (folder / "schemas").iterdir():
        if f"schemas/{file.name}" not in made:
            file.unlink()


def _name(tag: str) -> str:
    """Spell a tag as the keys of AsyncAPI may be spelled."""
    return tag.replace(".", "-")


def _text(document: dict[str, Any]) -> bytes:
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


if __name__ == "__main__":
    write(FOLDER)
    sys.stdout.write(f"{FOLDER}\n")
