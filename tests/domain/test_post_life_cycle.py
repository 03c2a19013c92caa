"""The life cycle of a post as one table: every command in every state."""

from typing import get_args
from uuid import UUID

import pytest

from domain import post
from domain.post import Category, Created, Edited, FilesChanged, Status
from domain.post_decisions import (
    Archive,
    Create,
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
from domain.refusal import RejectedByState, UnderLegalHold
from tests.support.given import ID, NOW, START, Specification

given = Specification(post.evolve, decide).given

# Read: the command of a row, sent to a post in the state of a column, gives the event named, or
# changes nothing (unchanged), or collides with that state (refused) or with there being a post
# (exists), or is blocked by a legal hold (blocked). The scheduled, the deleted and the held post
# have a publication time that has come.
LIFE_CYCLE = """
            | draft           | scheduled       | published       | archived        | deleted      | held
create      | exists          | exists          | exists          | exists          | exists       | exists
edit        | Edited          | Edited          | Edited          | refused         | refused      | blocked
publish     | Published       | Published       | unchanged       | refused         | refused      | blocked
publish due | unchanged       | Published       | unchanged       | unchanged       | unchanged    | blocked
unpublish   | unchanged       | Unscheduled     | Unpublished     | Unpublished     | refused      | blocked
schedule    | Scheduled       | Scheduled       | refused         | refused         | refused      | blocked
archive     | Archived        | Archived        | Archived        | unchanged       | refused      | blocked
delete      | Deleted         | Deleted         | Deleted         | Deleted         | unchanged    | blocked
restore     | unchanged       | unchanged       | unchanged       | unchanged       | Restored     | blocked
revert      | Reverted        | Reverted        | Reverted        | refused         | refused      | blocked
place hold  | LegalHoldPlaced | LegalHoldPlaced | LegalHoldPlaced | LegalHoldPlaced | refused      | LegalHoldPlaced
lift hold   | unchanged       | unchanged       | unchanged       | unchanged       | refused      | LegalHoldLifted
drop files  | FilesChanged    | FilesChanged    | FilesChanged    | FilesChanged    | FilesChanged | FilesChanged
"""  # noqa: E501 - a table is not wrapped

CREATED = Created(author_id=ID, title="First", slug="first", content="One", category=Category.TECH)
FILE = UUID("01920000-0000-7000-8000-00000000000a")
SHOWN = FilesChanged(FILE, ())
BEGIN = (CREATED, SHOWN, Edited(content="Two"))
DUE = post.Scheduled(NOW)

STATES: dict[str, tuple[post.PostEvent, ...]] = {
    "draft": BEGIN,
    "scheduled": (*BEGIN, DUE),
    "published": (*BEGIN, post.Published()),
    "archived": (*BEGIN, post.Archived()),
    "deleted": (*BEGIN, DUE, post.Deleted()),
    "held": (*BEGIN, DUE, post.LegalHoldPlaced("Order 12", "https://court.example/")),
}

COMMANDS: dict[str, PostCommand] = {
    "create": Create(ID, ID, "First", "One", Category.TECH),
    "edit": Edit(title="Second"),
    "publish": Publish(),
    "publish due": PublishDue(),
    "unpublish": Unpublish(),
    "schedule": Schedule(NOW.replace(hour=18)),
    "archive": Archive(),
    "delete": Delete(),
    "restore": Restore(Usable(frozenset({FILE}))),
    "revert": Revert(2, post.fold([(CREATED, 1, START), (SHOWN, 2, START)], ID)),
    "place hold": PlaceHold("Order 13", "https://court.example/"),
    "lift hold": LiftHold(),
    "drop files": DropFiles(frozenset({FILE})),
}


def _cells() -> list[tuple[str, str, str]]:
    heading, *rows = [[cell.strip() for cell in line.split("|")] for line in _lines()]
    return [
        (row[0], state, outcome)
        for row in rows
        for state, outcome in zip(heading[1:], row[1:], strict=True)
    ]


def _lines() -> list[str]:
    return LIFE_CYCLE.strip("\n").splitlines()


@pytest.mark.parametrize(
    ("command", "state", "outcome"),
    [pytest.param(*cell, id=f"{cell[0]} on {cell[1]}: {cell[2]}") for cell in _cells()],
)
def test_each_cell_of_the_table_holds(command: str, state: str, outcome: str) -> None:
    """A command in a state ends as the table says."""
    decided = given(*STATES[state]).when(COMMANDS[command])

    match outcome:
        case "unchanged":
            decided.then()
        case "refused":
            decided.then_refused(
                RejectedByState, error="transition_not_allowed", collides_with=state
            )
        case "exists":
            decided.then_refused(
                RejectedByState, error="transition_not_allowed", collides_with="present"
            )
        case "blocked":
            decided.then_refused(UnderLegalHold, blocked_by="https://court.example/")
        case _:
            assert isinstance(decided.decision, tuple)
            assert [type(event).__name__ for event in decided.decision] == [outcome]


def test_the_table_is_complete() -> None:
    """No command and no status is missing from the table."""
    cells = _cells()

    assert {type(COMMANDS[command]) for command, _, _ in cells} == set(get_args(PostCommand))
    assert {state for _, state, _ in cells} == {*Status, "deleted", "held"}
    assert len(cells) == len(COMMANDS) * len(STATES)


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS.keys())
def test_a_post_that_does_not_exist_can_only_be_created(command: PostCommand) -> None:
    """Every command but the creation is refused where there is no post."""
    decided = given().when(command)

    if isinstance(command, Create):
        decided.then(CREATED)
    else:
        decided.then_refused(
            RejectedByState, error="transition_not_allowed", collides_with="absent"
        )
