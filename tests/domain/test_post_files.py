"""The files of a post: what may be shown, and what becomes of it when posts come and go."""

from uuid import UUID

import pytest

from domain import post
from domain.post import (
    Category,
    Created,
    Deleted,
    FilesChanged,
    LegalHoldPlaced,
    PostFiles,
    Restored,
    Reverted,
    Scheduled,
)
from domain.post_decisions import Create, DropFiles, Edit, Restore, Revert, decide
from domain.post_files import Usable
from domain.refusal import RejectedByState, RejectedByValue, UnderLegalHold
from tests.support.given import ID, NOW, START, Specification

given = Specification(post.evolve, decide).given

IMAGE, OTHER_IMAGE, PDF, LOST = (UUID(int=number) for number in range(1, 5))
USABLE = Usable(frozenset({IMAGE, OTHER_IMAGE, PDF}), frozenset({IMAGE, OTHER_IMAGE}))
CREATED = Created(author_id=ID, title="First", slug="first", content="One", category=Category.TECH)
SHOWN = FilesChanged(IMAGE, (PDF,))
NOT_USABLE = "file_not_usable"


def a_create(files: PostFiles, **members: object) -> Create:
    """Ask for a new post with files."""
    return Create(ID, ID, "First", "One", Category.TECH, files=files, usable=USABLE, **members)  # type: ignore[arg-type]  # any others


def test_a_new_post_may_show_files() -> None:
    """Beside its creation an event says which; a time comes after it."""
    files = PostFiles(IMAGE, (PDF, OTHER_IMAGE))
    soon = NOW.replace(hour=18)

    given().when(a_create(files)).then(CREATED, FilesChanged(IMAGE, (PDF, OTHER_IMAGE)))
    given().when(a_create(PostFiles(), publish_at=soon)).then(CREATED, Scheduled(soon))
    given().when(a_create(files, publish_at=soon)).then(
        CREATED, FilesChanged(IMAGE, (PDF, OTHER_IMAGE)), Scheduled(soon)
    )


@pytest.mark.parametrize(
    ("files", "member"),
    [
        (PostFiles(LOST), "coverImage"),
        (PostFiles(PDF), "coverImage"),
        (PostFiles(None, (LOST,)), "attachments"),
        (PostFiles(None, (PDF, LOST)), "attachments"),
        (PostFiles(None, (PDF, IMAGE, PDF)), "attachments"),
        (PostFiles(LOST, (LOST,)), "coverImage"),
    ],
)
def test_what_cannot_be_shown_is_refused(files: PostFiles, member: str) -> None:
    """Neither by a new post nor by one that is edited; the member at fault is named."""
    refused = given().when(a_create(files))
    edited = given(CREATED).when(
        Edit(cover_image=files.cover_image, attachments=files.attachments, usable=USABLE)
    )

    for each in (refused, edited):
        each.then_refused(RejectedByValue, error=NOT_USABLE, member=member)


def test_an_edit_changes_the_members_that_are_set() -> None:
    """What is not set stays; null takes the cover away, and an empty list the attachments."""
    shown = given(CREATED, SHOWN)

    shown.when(Edit(cover_image=OTHER_IMAGE, usable=USABLE)).then(FilesChanged(OTHER_IMAGE, (PDF,)))
    shown.when(Edit(attachments=(PDF, OTHER_IMAGE), usable=USABLE)).then(
        FilesChanged(IMAGE, (PDF, OTHER_IMAGE))
    )
    shown.when(Edit(cover_image=None)).then(FilesChanged(None, (PDF,)))
    shown.when(Edit(attachments=())).then(FilesChanged(IMAGE, ()))
    shown.when(Edit(cover_image=IMAGE, attachments=(PDF,))).then()


def test_what_is_shown_needs_nobody_to_know_of_it() -> None:
    """A post keeps, and may move about, what it has; only a new cover must be known as an image."""
    shown = given(CREATED, FilesChanged(IMAGE, (PDF, OTHER_IMAGE)))

    shown.when(Edit(attachments=(OTHER_IMAGE, PDF))).then(FilesChanged(IMAGE, (OTHER_IMAGE, PDF)))
    shown.when(Edit(attachments=(IMAGE,))).then(FilesChanged(IMAGE, (IMAGE,)))
    shown.when(Edit(cover_image=OTHER_IMAGE, usable=USABLE)).then(
        FilesChanged(OTHER_IMAGE, (PDF, OTHER_IMAGE))
    )
    shown.when(Edit(cover_image=PDF, usable=USABLE)).then_refused(
        RejectedByValue, error=NOT_USABLE, member="coverImage"
    )


def test_the_value_is_looked_at_before_the_state() -> None:
    """422 before 409: an archived post with a bad file is refused for the file."""
    archived = given(CREATED, post.Archived())

    archived.when(Edit(cover_image=LOST)).then_refused(RejectedByValue, error=NOT_USABLE)
    archived.when(Edit(cover_image=IMAGE, usable=USABLE)).then_refused(
        RejectedByState, error="transition_not_allowed"
    )


@pytest.mark.parametrize(
    ("left", "after"),
    [
        ({IMAGE, PDF}, ()),
        ({PDF}, (FilesChanged(None, (PDF,)),)),
        ({IMAGE}, (FilesChanged(IMAGE, ()),)),
        (set(), (FilesChanged(None, ()),)),
    ],
)
def test_a_post_comes_back_with_what_is_left(
    left: set[UUID], after: tuple[FilesChanged, ...]
) -> None:
    """Restoring brings all files that are still there, and is not refused for the others."""
    given(CREATED, SHOWN, Deleted()).when(Restore(Usable(frozenset(left)))).then(Restored(), *after)


@pytest.mark.parametrize(
    ("left", "after"),
    [
        ({IMAGE, PDF}, (SHOWN,)),
        ({PDF}, (FilesChanged(None, (PDF,)),)),
        (set(), (FilesChanged(None, ()),)),
    ],
)
def test_a_revert_brings_files_back_as_far_as_there_are_any(
    left: set[UUID], after: tuple[FilesChanged, ...]
) -> None:
    """What the post shows now goes, what it showed then comes; the text only where it differs."""
    then = post.fold([(CREATED, 1, START), (SHOWN, 2, START)], ID)
    revert = Revert(2, then, Usable(frozenset(left)))
    now = (CREATED, SHOWN, FilesChanged(OTHER_IMAGE, ()))
    text = Reverted(2, "First", "One", Category.TECH)

    given(*now).when(revert).then(*after)
    given(*now, post.Edited(title="Second")).when(revert).then(text, *after)
    given(CREATED, SHOWN, post.Archived()).when(Revert(2, then)).then_refused(RejectedByState)


def test_a_revert_needs_nothing_that_the_post_still_shows() -> None:
    """Files that stay need not be looked up."""
    then = post.fold([(CREATED, 1, START), (SHOWN, 2, START)], ID)

    given(CREATED, SHOWN, post.Edited(title="Second")).when(Revert(2, then)).then(
        Reverted(2, "First", "One", Category.TECH)
    )


def test_the_files_of_whoever_is_erased_go_from_any_post() -> None:
    """Also from one that is held or deleted, where nobody may change anything else."""
    hold = LegalHoldPlaced("Order 12", "https://court.example/")
    drop = DropFiles(frozenset({IMAGE, LOST}))

    for states in ((), (hold,), (Deleted(),), (post.Archived(),)):
        given(CREATED, SHOWN, *states).when(drop).then(FilesChanged(None, (PDF,)))
    given(CREATED, FilesChanged(None, (PDF,))).when(drop).then()
    given(CREATED, SHOWN, hold).when(Edit(cover_image=None)).then_refused(UnderLegalHold)
