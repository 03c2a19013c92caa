"""Specifies files: given what happened, when a command comes, then these events or this refusal."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.file import (
    Deleted,
    File,
    FileEvent,
    Previewed,
    Thumbnail,
    Uploaded,
    WhyDeleted,
    evolve,
)
from domain.file_decisions import Delete, FileCommand, ShowPreviews, Upload, decide
from domain.file_type import ALLOWED, FileType
from domain.refusal import RejectedByState
from tests.support.given import ID, NOW, START

DIGEST, SMALL = "a" * 64, "b" * 64
UPLOADED = Uploaded(ID, DIGEST, 81_234, FileType.PNG, "sealed", 640, 480)
DOCUMENT = replace(UPLOADED, mime=FileType.PDF, width=None, height=None)
UPLOAD = Upload(ID, DIGEST, 81_234, FileType.PNG, "sealed", 640, 480)
THUMBNAILS = (Thumbnail(320, 240, SMALL, 8_123),)
PREVIEWED = Previewed("LEHV6nWB2yk8", THUMBNAILS)
DELETED = Deleted(WhyDeleted.OWNER)


def file_after(*history: FileEvent) -> File | None:
    """Fold a history, an event a minute."""
    state = None
    for version, event in enumerate(history, start=1):
        at = START + timedelta(minutes=version)
        state = evolve(state, event, id=ID, version=version, at=at)
    return state


Row = tuple[str, list[FileEvent], FileCommand, list[FileEvent] | str]

DELETIONS: list[Row] = [
    (f"a file is deleted: {why}", [UPLOADED], Delete(why), [Deleted(why)]) for why in WhyDeleted
]
SPECIFICATION: list[Row] = [
    *DELETIONS,
    ("a file is recorded", [], UPLOAD, [UPLOADED]),
    ("an id is used once", [UPLOADED], UPLOAD, "present"),
    ("an image gets previews", [UPLOADED], ShowPreviews("LEHV6nWB2yk8", THUMBNAILS), [PREVIEWED]),
    ("previews are made once", [UPLOADED, PREVIEWED], ShowPreviews("other", ()), []),
    ("a document has none", [DOCUMENT], ShowPreviews("x", ()), "application/pdf"),
    ("nor has a deleted image", [UPLOADED, DELETED], ShowPreviews("x", ()), "deleted"),
    ("nor has nothing", [], ShowPreviews("x", ()), "absent"),
    (
        "with its previews",
        [UPLOADED, PREVIEWED],
        Delete(WhyDeleted.UNUSED),
        [Deleted(WhyDeleted.UNUSED)],
    ),
    ("a file is deleted once", [UPLOADED, DELETED], Delete(WhyDeleted.ERASED), []),
    ("nothing cannot be deleted", [], Delete(WhyDeleted.OWNER), "absent"),
]


@pytest.mark.parametrize(
    ("history", "command", "expected"),
    [row[1:] for row in SPECIFICATION],
    ids=[row[0] for row in SPECIFICATION],
)
def test_decisions(
    history: list[FileEvent], command: FileCommand, expected: list[FileEvent] | str
) -> None:
    """Each row of the specification holds."""
    decision = decide(file_after(*history), command, now=NOW)

    if isinstance(expected, str):
        assert isinstance(decision, RejectedByState)
        assert (decision.error, decision.collides_with) == ("transition_not_allowed", expected)
    else:
        assert list(decision if isinstance(decision, tuple) else [decision]) == expected


def test_a_file_is_what_its_events_say() -> None:
    """State holds the members of the events, and the times and versions of the log."""
    state = file_after(UPLOADED, PREVIEWED)

    assert state == File(
        id=ID,
        owner_id=ID,
        digest=DIGEST,
        size=81_234,
        mime=FileType.PNG,
        name_sealed="sealed",
        width=640,
        height=480,
        blur_hash="LEHV6nWB2yk8",
        thumbnails=THUMBNAILS,
        deleted=False,
        created_at=START + timedelta(minutes=1),
        updated_at=START + timedelta(minutes=2),
        version=2,
    )


def test_a_deleted_file_still_says_what_it_consisted_of() -> None:
    """Whoever deletes it has to name its blobs."""
    state = file_after(UPLOADED, PREVIEWED, DELETED)

    assert state is not None
    assert state.deleted
    assert state.blobs == {DIGEST, SMALL}


@given(st.lists(st.sampled_from([UPLOADED, DOCUMENT, PREVIEWED, DELETED]), max_size=6))
@settings(derandomize=True, deadline=None)
def test_any_event_follows_any_other(rest: list[FileEvent]) -> None:
    """What happened is never rejected, once there is a beginning."""
    state = file_after(UPLOADED, *rest)

    assert state is not None
    assert state.version == len(rest) + 1


@pytest.mark.parametrize("event", [PREVIEWED, DELETED], ids=lambda event: type(event).__name__)
def test_a_history_begins_with_an_upload(event: FileEvent) -> None:
    """Another beginning is a damaged log."""
    with pytest.raises(ValueError, match="does not begin"):
        file_after(event)


@given(
    st.lists(st.sampled_from([UPLOADED, PREVIEWED, DELETED]), max_size=4),
    st.sampled_from([ShowPreviews("x", THUMBNAILS), Delete(WhyDeleted.OWNER)]),
)
@settings(derandomize=True, deadline=None)
def test_a_repeated_command_changes_nothing(rest: list[FileEvent], command: FileCommand) -> None:
    """After a command that was carried out, the same one makes no event."""
    history = [UPLOADED, *rest]
    first = decide(file_after(*history), command, now=NOW)
    if isinstance(first, tuple):
        assert decide(file_after(*history, *first), command, now=NOW) == ()


def test_each_type_says_what_it_is() -> None:
    """Images and videos are shown in a page; documents are saved."""
    said = {kind: (kind.extension, kind.is_image, kind.is_video, kind.inline) for kind in FileType}

    assert said == {
        FileType.JPEG: ("jpg", True, False, True),
        FileType.PNG: ("png", True, False, True),
        FileType.WEBP: ("webp", True, False, True),
        FileType.PDF: ("pdf", False, False, False),
        FileType.MP4: ("mp4", False, True, True),
        FileType.WEBM: ("webm", False, True, True),
    }
    assert set(ALLOWED) == set(said)
