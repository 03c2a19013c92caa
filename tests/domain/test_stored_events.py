"""The format of the log: every tag ever stored still reads, and means what it meant.

`golden/<tag>.json` is an event as it once was stored. A golden file is added with its event and
never changed or removed: if one fails, the log of every installation fails.
"""

import json
from pathlib import Path

import msgspec
import pytest

from domain.events import TAGS, Event
from domain.post import Category, Edited, Scheduled
from domain.stored_event import StoredEvent

GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.json"))
DECODER: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_stored_event_still_reads(path: Path) -> None:
    """It decodes to the class of its tag and encodes to the same members: nothing is lost."""
    stored = path.read_bytes()
    event = DECODER.decode(stored)

    assert type(event) is TAGS[path.stem]
    assert json.loads(msgspec.json.encode(event)) == json.loads(stored)


def test_every_tag_has_a_golden_file() -> None:
    """A new event brings its file."""
    assert sorted(TAGS) == [path.stem for path in GOLDEN]


def test_every_event_class_is_registered() -> None:
    """An event left out of its aggregate's union could be written and never read."""
    assert set(TAGS.values()) == set(StoredEvent.__subclasses__())


def test_tags_carry_category_and_version() -> None:
    """A tag is `<category>.<what-happened>.v<number>`, and no class name is stored."""
    for tag, event in TAGS.items():
        assert tag.split(".")[0] == event.__module__.removeprefix("domain.")
        assert tag.rpartition(".")[2] == "v1"


def test_members_of_a_newer_version_are_let_through() -> None:
    """Old code reads what new code wrote during a rolling deploy."""
    event = DECODER.decode(b'{"type":"post.edited.v1","title":"Second","mood":"glad"}')

    assert event == Edited(title="Second")


def test_an_edit_stores_only_what_changed() -> None:
    """A member that is not set is not in the bytes."""
    assert msgspec.json.encode(Edited(category=Category.TECH)) == (
        b'{"type":"post.edited.v1","category":"tech"}'
    )


def test_times_keep_their_microseconds() -> None:
    """A time reads back as it was decided."""
    stored = b'{"type":"post.scheduled.v1","publishAt":"2026-03-01T18:00:00.123456Z"}'
    event = DECODER.decode(stored)

    assert isinstance(event, Scheduled)
    assert event.publish_at.microsecond == 123456
    assert msgspec.json.encode(event) == stored
