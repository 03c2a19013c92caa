"""What each event makes of a post, and what a post holds."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from domain import post
from domain.claim import Claim
from domain.post import Category, LegalHold, Post, PostFiles, Status
from tests.support.given import ID, NOW, START

AUTHOR = UUID("0190b8a5-0000-7000-8000-00000000a001")
COVER, FILE = UUID(int=1), UUID(int=2)
ATTACHED = PostFiles(None, (FILE,))
CREATED = post.Created(
    author_id=AUTHOR, title="First", slug="first", content="One", category=Category.TECH
)
SECOND = START + timedelta(minutes=1)
THIRD = START + timedelta(minutes=2)


def _after(*events: post.PostEvent) -> Post:
    state = post.fold(
        (
            (event, version, START + timedelta(minutes=version - 1))
            for version, event in enumerate(events, start=1)
        ),
        ID,
    )
    assert state is not None
    return state


def test_a_created_post_is_a_draft() -> None:
    """Creation sets every member; the times are those of the event."""
    assert _after(CREATED) == Post(
        id=ID,
        author_id=AUTHOR,
        title="First",
        slug="first",
        content="One",
        category=Category.TECH,
        status=Status.DRAFT,
        publish_at=None,
        published_at=None,
        created_at=START,
        updated_at=START,
        version=1,
        deleted=False,
        hold=None,
        files=PostFiles(None, ()),
    )


@pytest.mark.parametrize(
    ("events", "changed"),
    [
        ((post.Edited(title="Second"),), {"title": "Second"}),
        ((post.Edited(content="Two"),), {"content": "Two"}),
        ((post.Edited(category=Category.SECURITY),), {"category": Category.SECURITY}),
        ((post.Renamed("second"),), {"slug": "second"}),
        ((post.FilesChanged(COVER, (FILE,)),), {"files": PostFiles(COVER, (FILE,))}),
        ((post.FilesChanged(COVER, ()), post.FilesChanged(None, (FILE,))), {"files": ATTACHED}),
        ((post.Scheduled(NOW),), {"status": Status.SCHEDULED, "publish_at": NOW}),
        ((post.Scheduled(NOW), post.Unscheduled()), {"status": Status.DRAFT, "publish_at": None}),
        ((post.Published(),), {"status": Status.PUBLISHED, "published_at": SECOND}),
        (
            (post.Scheduled(NOW), post.Published()),
            {"status": Status.PUBLISHED, "publish_at": None, "published_at": THIRD},
        ),
        ((post.Published(), post.Unpublished()), {"status": Status.DRAFT, "published_at": None}),
        ((post.Published(), post.Archived()), {"status": Status.ARCHIVED, "published_at": None}),
        ((post.Scheduled(NOW), post.Archived()), {"status": Status.ARCHIVED, "publish_at": None}),
        ((post.Deleted(),), {"deleted": True, "status": Status.DRAFT}),
        (
            (post.Published(), post.Deleted()),
            {"deleted": True, "status": Status.PUBLISHED, "published_at": SECOND},
        ),
        ((post.Deleted(), post.Restored()), {"deleted": False}),
        (
            (post.Edited("Second", "Two"), post.Reverted(1, "First", "One", Category.TECH)),
            {"title": "First", "content": "One"},
        ),
        ((post.LegalHoldPlaced("Why", "urn:x"),), {"hold": LegalHold("Why", "urn:x")}),
        ((post.LegalHoldPlaced("Why", "urn:x"), post.LegalHoldLifted()), {"hold": None}),
    ],
)
def test_each_event_changes_what_it_says_and_nothing_else(
    events: tuple[post.PostEvent, ...], changed: dict[str, object]
) -> None:
    """Beside its own members, an event moves version and time of update alone."""
    before, after = _after(CREATED), _after(CREATED, *events)
    expected = {name: getattr(before, name) for name in Post.__struct_fields__} | changed
    expected |= {"version": 1 + len(events), "updated_at": START + timedelta(minutes=len(events))}

    assert {name: getattr(after, name) for name in Post.__struct_fields__} == expected


def test_no_history_is_no_post() -> None:
    """An empty stream folds to nothing."""
    assert post.fold([], ID) is None


def test_a_history_without_its_beginning_is_damage() -> None:
    """That is a broken log and not a refusal, so it is loud."""
    with pytest.raises(ValueError, match=f"post {ID} does not begin"):
        post.fold([(post.Published(), 1, START)], ID)


@pytest.mark.parametrize("at", [START, NOW])
def test_times_come_from_the_record(at: datetime) -> None:
    """The fold reads no clock."""
    state = post.fold([(CREATED, 1, START), (post.Published(), 2, at)], ID)

    assert state is not None
    assert (state.created_at, state.updated_at, state.published_at) == (START, at, at)


def test_a_live_post_holds_its_slug() -> None:
    """A rename moves the claim, a deletion frees it, a restoration needs it again."""
    first, second = Claim("post.slug", "first"), Claim("post.slug", "second")

    assert post.claims(None) == frozenset()
    assert post.claims(_after(CREATED)) == {first}
    assert post.claims(_after(CREATED, post.Archived())) == {first}
    assert post.claims(_after(CREATED, post.Renamed("second"))) == {second}
    assert post.claims(_after(CREATED, post.Deleted())) == frozenset()
    assert post.claims(_after(CREATED, post.Deleted(), post.Restored())) == {first}


def test_a_live_post_holds_a_use_of_each_of_its_files() -> None:
    """Under its own id, so that others may hold one as well; a deleted post holds none."""
    slug = Claim("post.slug", "first")
    uses = {Claim(f"file.use/{file_id}", str(ID)) for file_id in (COVER, FILE)}
    shown = post.FilesChanged(COVER, (FILE, COVER))

    assert post.claims(_after(CREATED, shown)) == {slug, *uses}
    assert post.claims(_after(CREATED, shown, post.FilesChanged(None, ()))) == {slug}
    assert post.claims(_after(CREATED, shown, post.Deleted())) == frozenset()
    assert post.claims(_after(CREATED, shown, post.Deleted(), post.Restored())) == {slug, *uses}


def test_a_post_has_its_stream() -> None:
    """The stream is named by category and id."""
    assert str(post.stream(ID)) == f"post/{ID}"
