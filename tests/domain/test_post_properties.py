"""What holds for every history that commands can make, and for every one that events can."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from domain import post
from domain.claim import Claim
from domain.events import Event
from domain.post import Category, Post, PostEvent, PostFiles, Status
from domain.post_decisions import (
    Archive,
    Create,
    Decision,
    Delete,
    DropFiles,
    Edit,
    LiftHold,
    PlaceHold,
    PostCommand,
    Publish,
    PublishDue,
    Restore,
    Revert,
    Schedule,
    Unpublish,
    decide,
)
from domain.post_files import Usable
from tests.support.given import ID, NOW, START

# Small pools, so that equal values meet often.
TEXTS = st.sampled_from(["One", "Two", "Three", "你好"])
SLUGS = st.sampled_from(["one", "two", "three"])
CATEGORIES = st.sampled_from(Category)
TIMES = st.integers(-5, 40).map(lambda minutes: NOW + timedelta(minutes=minutes))
HOLDS = st.sampled_from(["urn:court:1", "urn:court:2"])
VERSIONS = st.integers(0, 12)
FILES = [UUID(int=number) for number in range(1, 4)]
COVERS = st.none() | st.sampled_from(FILES)
ATTACHED = st.lists(st.sampled_from(FILES), max_size=3, unique=True).map(tuple)
USABLE = st.sets(st.sampled_from(FILES)).map(
    # The last of them is no image.
    lambda ids: Usable(frozenset(ids), frozenset(ids) - {FILES[-1]})
)

CREATES = st.builds(
    Create,
    post_id=st.just(ID),
    author_id=st.just(ID),
    title=TEXTS,
    content=TEXTS,
    category=CATEGORIES,
    slug=st.none() | SLUGS,
    publish_at=st.none() | TIMES,
    files=st.builds(PostFiles, COVERS, ATTACHED),
    usable=USABLE,
)
CHANGES: st.SearchStrategy[PostCommand] = st.one_of(
    st.builds(
        Edit,
        title=st.just(UNSET) | TEXTS,
        content=st.just(UNSET) | TEXTS,
        category=st.just(UNSET) | CATEGORIES,
        slug=st.just(UNSET) | SLUGS,
        publish_at=st.just(UNSET) | st.none() | TIMES,
        cover_image=st.just(UNSET) | COVERS,
        attachments=st.just(UNSET) | ATTACHED,
        usable=USABLE,
    ),
    st.builds(Schedule, TIMES),
    st.builds(Revert, VERSIONS, st.none(), USABLE),
    st.builds(Restore, USABLE),
    st.builds(DropFiles, st.sets(st.sampled_from(FILES)).map(frozenset)),
    st.builds(PlaceHold, st.just("Order"), HOLDS),
    # A hold blocks all else, so it is lifted more often than it is placed.
    st.sampled_from([LiftHold(), LiftHold(), LiftHold()]),
    st.sampled_from([Publish(), PublishDue(), Unpublish(), Archive(), Delete(), Restore()]),
)
SEQUENCES = st.tuples(CREATES, st.lists(CREATES | CHANGES, max_size=25)).map(
    lambda commands: [commands[0], *commands[1]]
)


@dataclass
class Shell:
    """The least that a caller of `decide` does: gather facts, decide, append, fold."""

    history: list[tuple[PostEvent, int, datetime]] = field(default_factory=list)
    now: datetime = NOW

    @property
    def state(self) -> Post | None:
        """The post as it stands."""
        return post.fold(self.history, ID)

    def decide(self, command: PostCommand) -> Decision:
        """Decide without appending."""
        if isinstance(command, Revert) and 1 <= command.to_version <= len(self.history):
            snapshot = post.fold(self.history[: command.to_version], ID)
            command = Revert(command.to_version, snapshot, command.usable)
        return decide(self.state, command, now=self.now)

    def send(self, command: PostCommand) -> Decision:
        """Decide and append; a minute passes."""
        decision = self.decide(command)
        if isinstance(decision, tuple):
            version = len(self.history)
            self.history += [(e, version + n, self.now) for n, e in enumerate(decision, start=1)]
        self.now += timedelta(minutes=1)
        return decision


@given(SEQUENCES)
def test_what_is_decided_can_be_folded(commands: list[PostCommand]) -> None:
    """The version counts the events, and the state keeps its invariants all the way."""
    shell = Shell()
    for command in commands:
        shell.send(command)
        state = shell.state

        if state is None:
            assert not shell.history
            continue
        assert state.version == len(shell.history)
        assert (state.publish_at is not None) == (state.status is Status.SCHEDULED)
        assert (state.published_at is not None) == (state.status is Status.PUBLISHED)
        assert state.updated_at == shell.history[-1][2]
        uses = {Claim(f"file.use/{file_id}", str(ID)) for file_id in state.files.ids}
        assert post.claims(state) == (
            frozenset() if state.deleted else {Claim("post.slug", state.slug), *uses}
        )


@given(SEQUENCES)
def test_repeating_a_command_writes_nothing(commands: list[PostCommand]) -> None:
    """Whatever a command did, the same one at once again does nothing more."""
    shell = Shell()
    for command in commands:
        first = shell.send(command)
        again = shell.decide(command)

        if isinstance(first, tuple) and not isinstance(command, Create):
            assert again == ()
        else:
            assert not isinstance(again, tuple)


@given(SEQUENCES)
def test_every_event_changes_the_post(commands: list[PostCommand]) -> None:
    """No event is empty: each one leaves the post different beyond its version and time."""
    shell = Shell()
    for command in commands:
        shell.send(command)
    state: Post | None = None
    for event, version, at in shell.history:
        before, state = state, post.evolve(state, event, id=ID, version=version, at=at)

        assert before is None or _without_version(before) != _without_version(state)


@given(SEQUENCES)
def test_a_history_reads_back_as_it_was_written(commands: list[PostCommand]) -> None:
    """Encoded and decoded, a history folds to the same post."""
    shell = Shell()
    for command in commands:
        shell.send(command)
    stored = [event for event, _, _ in shell.history]

    assert msgspec.json.decode(msgspec.json.encode(stored), type=list[Event]) == stored


EVENTS: st.SearchStrategy[PostEvent] = st.one_of(
    st.builds(post.Created, st.just(ID), TEXTS, SLUGS, TEXTS, CATEGORIES),
    st.builds(post.Edited, st.just(UNSET) | TEXTS, st.just(UNSET) | TEXTS),
    st.builds(post.FilesChanged, COVERS, ATTACHED),
    st.builds(post.Renamed, SLUGS),
    st.builds(post.Scheduled, TIMES),
    st.builds(post.Reverted, VERSIONS, TEXTS, TEXTS, CATEGORIES),
    st.builds(post.LegalHoldPlaced, st.just("Order"), HOLDS),
    st.sampled_from(
        [
            post.Unscheduled(),
            post.Published(),
            post.Unpublished(),
            post.Archived(),
            post.Deleted(),
            post.Restored(),
            post.LegalHoldLifted(),
        ]
    ),
)
BEGINNINGS = st.builds(post.Created, st.just(ID), TEXTS, SLUGS, TEXTS, CATEGORIES)


@given(BEGINNINGS, st.lists(EVENTS, max_size=20), CREATES | CHANGES)
def test_any_history_can_be_folded_and_decided_upon(
    beginning: PostEvent, rest: list[PostEvent], command: PostCommand
) -> None:
    """Also one that no decision would make: `evolve` and `decide` are total."""
    state = post.fold([(e, n, START) for n, e in enumerate([beginning, *rest], start=1)], ID)
    decide(state, command, now=NOW)
    decide(None, command, now=NOW)

    assert state is not None
    assert state.version == 1 + len(rest)
    assert (state.publish_at is not None) == (state.status is Status.SCHEDULED)
    assert (state.published_at is not None) == (state.status is Status.PUBLISHED)


def _without_version(state: Post) -> Post:
    return msgspec.structs.replace(state, version=0, updated_at=START)
