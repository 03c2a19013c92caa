"""What subscribers are told: true to the code, well formed, and said of every event."""

import json
from typing import Any

import msgspec
import pytest
from jsonschema import Draft7Validator  # type: ignore[import-untyped]  # it has no types

from domain.events import TAGS
from domain.public_events import LARGE, PUBLIC, PUBLIC_EVENTS
from domain.stored_event import StoredEvent
from infra.relay.documents import FOLDER, async_api, documents, schema
from tests.architecture.test_imports import ROOT

GOLDEN = ROOT / "tests" / "domain" / "golden"


def golden(tag: str) -> StoredEvent:
    """Read the example of an event that is kept for ever."""
    return msgspec.json.decode((GOLDEN / f"{tag}.json").read_bytes(), type=TAGS[tag])


@pytest.mark.parametrize("tag", TAGS)
def test_it_is_said_of_every_event_what_is_public(tag: str) -> None:
    """A new event needs its row in `domain/public_events.py`, and rows name members that exist."""
    assert TAGS[tag] in PUBLIC
    assert set(PUBLIC[TAGS[tag]]) <= set(TAGS[tag].__struct_fields__)


def test_no_sealed_or_hashed_member_is_public() -> None:
    """Nor free text of those with power, nor what opens something."""
    public = {member for members in PUBLIC.values() for member in members}

    assert not public & {"email", "email_hash", "session", "result", "subject", "blur_hash"}
    assert not any("name" in PUBLIC[event] for event in (TAGS["account.registered.v1"],))
    assert "name" not in PUBLIC[TAGS["file.uploaded.v1"]]
    assert "reason" not in PUBLIC[TAGS["post.legal-hold-placed.v1"]]


@pytest.mark.parametrize("tag", TAGS)
def test_a_tag_begins_with_the_category_of_its_stream(tag: str) -> None:
    """So a subject is `ledgerpress.events.` and the tag, and `post.>` are the events of posts."""
    module = __import__(TAGS[tag].__module__, fromlist=["STREAM_CATEGORY"])

    assert tag.split(".", maxsplit=1)[0] == module.STREAM_CATEGORY
    assert len(tag.split(".")) == 3


@pytest.mark.parametrize("tag", TAGS)
def test_an_event_is_as_its_schema_says(tag: str) -> None:
    """In its public form, and in the small one of an event that is too large."""
    validator = Draft7Validator(schema(tag))
    Draft7Validator.check_schema(schema(tag))
    event, public = golden(tag), PUBLIC_EVENTS[tag]
    for form in (public.of(event), public.small(event)):
        members = json.loads(msgspec.json.encode(form))

        validator.validate(members)
        assert members["type"] == tag
    assert not LARGE & set(msgspec.to_builtins(public.small(event)))
    assert not Draft7Validator(schema(tag)).is_valid({"type": "another"})


def test_the_files_are_what_the_code_makes() -> None:
    """After a change: `python -m infra.relay.documents`."""
    made = dict(documents())
    there = {
        path.relative_to(FOLDER).as_posix(): path.read_bytes() for path in FOLDER.rglob("*.json")
    }

    assert there == made


def test_the_async_api_document_holds_together() -> None:
    """Version 3: every reference leads somewhere, and each event has its channel and operation."""
    document = async_api()
    addresses = {channel["address"] for channel in document["channels"].values()}
    sent = {operation["channel"]["$ref"] for operation in document["operations"].values()}

    assert document["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= document["info"].keys()
    assert addresses == {f"ledgerpress.events.{tag}" for tag in TAGS}
    assert sent == {f"#/channels/{name}" for name in document["channels"]}
    for operation in document["operations"].values():
        assert operation["action"] == "send"
        for message in operation["messages"]:
            assert message["$ref"].startswith(operation["channel"]["$ref"] + "/messages/")
    for reference in _references(document):
        if reference.startswith("#/"):
            assert _found(document, reference), reference
        else:
            assert (FOLDER / reference).is_file(), reference


def _references(node: Any) -> list[str]:  # noqa: ANN401 - any JSON
    if isinstance(node, dict):
        own = [node["$ref"]] if "$ref" in node else []
        return own + [each for value in node.values() for each in _references(value)]
    if isinstance(node, list):
        return [each for value in node for each in _references(value)]
    return []


def _found(document: Any, reference: str) -> bool:  # noqa: ANN401 - any JSON
    for key in reference.removeprefix("#/").split("/"):
        document = document.get(key)
        if document is None:
            return False
    return True
