"""Events as text and back, through upcasters where their form is an old one."""

from typing import Any

import msgspec
import pytest

from domain.events import TAGS
from domain.post import Archived, Category, Created, Edited
from infra.store.codec import UPCASTERS, Codec, UnknownEventError, Upcaster
from tests.support.log import ARCHIVED, CREATED, a_stream, append, connected, open_log


def _v2(document: dict[str, Any]) -> dict[str, Any]:
    """Rename a member, as a first change of form might."""
    return {**document, "type": "test.edited.v2", "title": document["headline"]}


def _newest(document: dict[str, Any]) -> dict[str, Any]:
    """Change the tag to the one that the program knows, as a second might."""
    return {**document, "type": "post.edited.v1", "content": document["title"].lower()}


CHAIN: dict[str, Upcaster] = {"test.edited.v1": _v2, "test.edited.v2": _newest}


def test_an_event_is_encoded_with_its_tag() -> None:
    """The text is compact JSON in the order of the members, and bears its own tag."""
    text = Codec().encode(Edited(title="A", category=Category.TECH))

    assert text == '{"type":"post.edited.v1","title":"A","category":"tech"}'


@pytest.mark.parametrize("event", [CREATED, ARCHIVED, Edited(), Edited(content="\x00é\U0001f600")])
def test_decoding_undoes_encoding(event: Created | Archived | Edited) -> None:
    """What was not set stays unset, and any text survives."""
    codec = Codec()

    assert codec.decode(type(event).__struct_config__.tag, codec.encode(event)) == event  # type: ignore[arg-type]  # our tags are texts


def test_upcasters_are_chained() -> None:
    """An event of the oldest form passes through each upcaster in turn."""
    codec = Codec(CHAIN)

    from_v1 = codec.decode("test.edited.v1", '{"type":"test.edited.v1","headline":"ABC"}')
    from_v2 = codec.decode("test.edited.v2", '{"type":"test.edited.v2","title":"DEF"}')

    assert from_v1 == Edited(title="ABC", content="abc")
    assert from_v2 == Edited(title="DEF", content="def")


async def test_stored_bytes_stay_as_they_are(database_url: str) -> None:
    """Reading upcasts; what an auditor gets is what was stored."""
    stream = a_stream()
    old = '{"type":"test.edited.v1", "headline":"ABC"}'
    async with open_log(database_url, codec=Codec(CHAIN)) as log:
        await log.store.append(append(stream))
        async with connected(database_url) as owner:
            await owner.execute(
                "insert into events select 2, category, stream_id, 2, event_id, 'test.edited.v1',"
                " $1::text::json, metadata, recorded_at from events",
                old,
            )
        events = [recorded.event for recorded in await log.store.read_stream(stream)]
        pages = [page async for page in log.log.recorded()]
        entries = [entry async for entry in log.log.entries()]

    assert events == [ARCHIVED, Edited(title="ABC", content="abc")]
    assert [recorded.event for page in pages for recorded in page] == events
    assert (entries[1].type, entries[1].data) == ("test.edited.v1", old)


@pytest.mark.parametrize(
    "text",
    [
        '{"type":"post.unheard-of.v1"}',
        '{"type":"post.created.v1","title":1}',
        '{"type":"test.edited.v2","title":"no upcaster was given for this one"}',
        "[]",
    ],
)
def test_what_is_not_known_is_an_error(text: str) -> None:
    """An event that this program cannot read is never skipped or guessed at."""
    with pytest.raises(UnknownEventError):
        Codec().decode("test.v1", text)


def test_an_upcaster_into_the_unknown_is_an_error() -> None:
    """A chain must end at a tag that the program knows."""
    with pytest.raises(UnknownEventError):
        Codec({"test.edited.v1": _v2}).decode(
            "test.edited.v1", '{"type":"test.edited.v1","headline":"ABC"}'
        )


def test_upcasters_are_for_old_tags_alone() -> None:
    """A tag is either in use or has an upcaster, or no new event could be read as it is."""
    assert not set(UPCASTERS) & set(TAGS)


def test_members_that_are_not_known_are_let_through() -> None:
    """In a rolling deploy the old program reads what the new one wrote."""
    text = msgspec.json.encode({"type": "post.archived.v1", "newMember": 1}).decode()

    assert Codec().decode("post.archived.v1", text) == ARCHIVED
