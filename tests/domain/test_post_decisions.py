"""The rules of a post for values: what a command does with what it carries."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from domain import post
from domain.post import (
    Archived,
    Category,
    Created,
    Edited,
    LegalHoldPlaced,
    Published,
    Renamed,
    Reverted,
    Scheduled,
    Unscheduled,
)
from domain.post_decisions import (
    Create,
    Edit,
    PlaceHold,
    PublishDue,
    Restore,
    Revert,
    Schedule,
    decide,
)
from domain.refusal import RejectedByState, RejectedByValue
from tests.support.given import ID, NOW, Specification

given = Specification(post.evolve, decide).given

AUTHOR = UUID("0190b8a5-0000-7000-8000-00000000a001")
SOON = NOW + timedelta(hours=1)
LATER = NOW + timedelta(hours=2)
CREATED = Created(
    author_id=AUTHOR, title="First", slug="first", content="One", category=Category.TECH
)
HOLD = LegalHoldPlaced("Order 12", "https://court.example/")
BLANKS = ["", "  ", "\t\n", "\N{NO-BREAK SPACE}", "\N{ZERO WIDTH SPACE}", "\N{IDEOGRAPHIC SPACE}"]


def test_a_new_post_takes_its_slug_from_the_title() -> None:
    """Where no slug is given, the title gives it."""
    given().when(Create(ID, AUTHOR, "Grüße aus Łódź", "One", Category.TECH)).then(
        Created(AUTHOR, "Grüße aus Łódź", "grusse-aus-lodz", "One", Category.TECH)
    )


def test_a_new_post_keeps_the_slug_that_is_given() -> None:
    """A slug that is given wins over the title."""
    given().when(Create(ID, AUTHOR, "First", "One", Category.TECH, slug="other")).then(
        Created(AUTHOR, "First", "other", "One", Category.TECH)
    )


def test_a_title_without_ascii_gives_a_slug_made_of_the_id() -> None:
    """A title that folds to nothing still gives an address of its own."""
    given().when(Create(ID, AUTHOR, "你好世界", "One", Category.TECH)).then(
        Created(AUTHOR, "你好世界", "post-5e2b6c7d8e9f", "One", Category.TECH)
    )


def test_a_new_post_with_a_time_is_scheduled() -> None:
    """Creation and schedule are one decision."""
    given().when(Create(ID, AUTHOR, "First", "One", Category.TECH, publish_at=SOON)).then(
        CREATED, Scheduled(SOON)
    )


@pytest.mark.parametrize("publish_at", [NOW, NOW - timedelta(microseconds=1)])
def test_a_new_post_cannot_be_scheduled_for_the_past(publish_at: datetime) -> None:
    """The present moment counts as the past, and nothing is created."""
    given().when(
        Create(ID, AUTHOR, "First", "One", Category.TECH, publish_at=publish_at)
    ).then_refused(RejectedByValue, error="publish_at_in_past", member="publishAt")


@pytest.mark.parametrize("title", BLANKS)
def test_a_title_must_show_something(title: str) -> None:
    """White space and zero-width characters alone are no title, new or edited."""
    for decided in (
        given().when(Create(ID, AUTHOR, title, "One", Category.TECH)),
        given(CREATED).when(Edit(title=title)),
        given(CREATED, Archived()).when(Edit(title=title)),
    ):
        decided.then_refused(RejectedByValue, error="title_blank", member="title")


def test_an_edit_records_only_what_changed() -> None:
    """Values that are equal to the present ones are dropped."""
    given(CREATED).when(Edit(title="First", content="Two", category=Category.TECH)).then(
        Edited(content="Two")
    )


def test_an_edit_of_everything_is_one_decision() -> None:
    """Text, slug and time change together, each with its own event."""
    given(CREATED).when(
        Edit(
            title="Second",
            content="Two",
            category=Category.SECURITY,
            slug="second",
            publish_at=SOON,
        )
    ).then(
        Edited(title="Second", content="Two", category=Category.SECURITY),
        Renamed("second"),
        Scheduled(SOON),
    )


def test_a_new_title_keeps_the_slug() -> None:
    """The slug changes only when asked."""
    given(CREATED).when(Edit(title="Second")).then(Edited(title="Second"))


def test_an_edit_of_nothing_changes_nothing() -> None:
    """No member set, or every one equal, is unchanged."""
    given(CREATED).when(Edit()).then()
    given(CREATED).when(Edit(title="First", slug="first", publish_at=None)).then()


def test_taking_the_time_away_makes_a_scheduled_post_a_draft() -> None:
    """A null time unschedules, beside any other change."""
    given(CREATED, Scheduled(SOON)).when(Edit(title="Second", publish_at=None)).then(
        Edited(title="Second"), Unscheduled()
    )


def test_a_null_time_means_nothing_to_a_published_post() -> None:
    """Only a scheduled post has a time to take away."""
    given(CREATED, Published()).when(Edit(publish_at=None)).then()


def test_a_published_post_cannot_get_a_time_and_keeps_its_text_then() -> None:
    """One member that collides refuses the whole edit."""
    given(CREATED, Published()).when(Edit(title="Second", publish_at=SOON)).then_refused(
        RejectedByState, error="transition_not_allowed", collides_with="published"
    )


def test_an_edit_cannot_schedule_for_the_past() -> None:
    """The rule of the schedule holds for an edit too."""
    given(CREATED).when(Edit(title="Second", publish_at=NOW)).then_refused(
        RejectedByValue, error="publish_at_in_past", member="publishAt"
    )


@pytest.mark.parametrize("event", [Published(), Archived()])
def test_a_bad_value_is_refused_before_a_bad_state(event: post.PostEvent) -> None:
    """What no state would accept is 422, also where the state collides."""
    given(CREATED, event).when(Schedule(NOW)).then_refused(
        RejectedByValue, error="publish_at_in_past"
    )


def test_a_scheduled_post_can_be_moved_to_another_time() -> None:
    """The new time replaces the old one."""
    given(CREATED, Scheduled(SOON)).when(Schedule(LATER)).then(Scheduled(LATER))


def test_the_same_time_again_is_no_change() -> None:
    """It is none either when that time has come and the scheduler has not."""
    given(CREATED, Scheduled(SOON)).when(Schedule(SOON)).then()
    given(CREATED, Scheduled(SOON)).when(Schedule(SOON), now=LATER).then()
    given(CREATED, Scheduled(SOON)).when(Edit(publish_at=SOON), now=LATER).then()


def test_a_scheduled_post_is_published_at_its_time_and_not_before() -> None:
    """The scheduler may ask at any moment; the time itself is due."""
    scheduled = given(CREATED, Scheduled(SOON))

    scheduled.when(PublishDue(), now=SOON - timedelta(microseconds=1)).then()
    scheduled.when(PublishDue(), now=SOON).then(Published())


def test_a_post_moved_to_a_later_time_is_not_published_at_the_earlier_one() -> None:
    """A scheduler that was woken for the old time does nothing."""
    given(CREATED, Scheduled(SOON), Scheduled(LATER)).when(PublishDue(), now=SOON).then()


@pytest.mark.parametrize(
    "status", [(), (Scheduled(SOON),), (Published(),), (Archived(),)], ids=[*post.Status]
)
def test_a_deleted_post_comes_back_with_its_status(status: tuple[post.PostEvent, ...]) -> None:
    """Delete and restore leave everything but version and time as it was."""
    before = given(CREATED, *status).state
    restored = given(CREATED, *status, post.Deleted())
    restored.when(Restore()).then(post.Restored())
    after = given(CREATED, *status, post.Deleted(), post.Restored()).state

    assert before is not None
    assert after is not None
    assert (after.status, after.publish_at, after.published_at) == (
        before.status,
        before.publish_at,
        before.published_at,
    )


def test_a_revert_takes_the_text_of_that_version() -> None:
    """Title, content and category come back; slug and status do not."""
    first = given(CREATED).state
    given(CREATED, Edited("Second", "Two", Category.BUSINESS), Renamed("x"), Published()).when(
        Revert(1, first)
    ).then(Reverted(1, "First", "One", Category.TECH))


def test_a_revert_to_the_same_text_changes_nothing() -> None:
    """Versions may differ in what a revert leaves alone."""
    given(CREATED, Published()).when(Revert(1, given(CREATED).state)).then()


@pytest.mark.parametrize("version", [-1, 0, 2, 3, 2**63])
def test_a_revert_needs_an_earlier_version(version: int) -> None:
    """The current version, one to come and one before the first are all unknown to it."""
    known = given(CREATED, Archived()).state if version == 2 else None
    given(CREATED, Archived()).when(Revert(version, known)).then_refused(
        RejectedByValue, error="version_unknown", member="version"
    )


def test_the_words_of_a_hold_can_be_corrected() -> None:
    """A hold with other words replaces the first; the same words change nothing."""
    held = given(CREATED, HOLD)

    held.when(PlaceHold("Order 12", "https://court.example/")).then()
    held.when(PlaceHold("Order 12", "https://host.example/")).then(
        LegalHoldPlaced("Order 12", "https://host.example/")
    )
