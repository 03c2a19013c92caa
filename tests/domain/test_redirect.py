"""Specifies managed redirects without any I/O: decisions, fold, and how paths compare."""

from datetime import timedelta
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from domain.claim import Claim
from domain.redirect import (
    PATH_SCOPE,
    Create,
    Created,
    Delete,
    Deleted,
    Edit,
    Edited,
    Surroundings,
    claims,
    decide,
    evolve,
)
from domain.refusal import RejectedByState, RejectedByValue
from domain.web_path import MOST_CHARACTERS, normal_path, path_of
from tests.support.given import ID, NOW, START, Specification

CREATED = Created("/old", "/new", 301)
LATER = NOW + timedelta(days=1)
given = Specification(evolve, decide).given


def create(**members: Any) -> Create:  # noqa: ANN401 - of any member
    """Ask for the redirect of `CREATED`, but for these members."""
    asked: dict[str, Any] = {"path": "/old", "target": "/new", "status": 301}
    asked |= {"active_from": None, "active_until": None, "around": Surroundings()}
    return Create(**(asked | members))


def test_it_is_created() -> None:
    """With its window, where it has one."""
    given().when(create()).then(CREATED)
    given().when(create(active_from=NOW, active_until=LATER)).then(
        Created("/old", "/new", 301, NOW, LATER)
    )


@pytest.mark.parametrize(
    ("around", "error", "collides_with"),
    [
        (Surroundings(route="/posts"), "path_is_a_route", "/posts"),
        (Surroundings(target_path="/old"), "redirect_loop", "/old"),
        (Surroundings(target_path="/new", leads_on_to="/old?a#b"), "redirect_loop", "/old"),
        (Surroundings(target_path="/new", leads_on_to="/x"), "redirect_chain", "/new"),
        (Surroundings(led_to_from="/older"), "redirect_chain", "/older"),
    ],
)
def test_what_stands_around_may_forbid_it(
    around: Surroundings, error: str, collides_with: str
) -> None:
    """To create it, and to move it or its target there."""
    refused = {"error": error, "collides_with": collides_with}

    given().when(create(around=around)).then_refused(RejectedByState, **refused)
    before = Created("/before", "/before-target", 301)
    given(before).when(Edit(path="/old", around=around)).then_refused(RejectedByState, **refused)
    given(Created("/old", "/x", 301)).when(Edit(target="/new", around=around)).then_refused(
        RejectedByState, **refused
    )


def test_what_stands_around_counts_only_for_what_moves() -> None:
    """A redirect whose target is allowed no more can still be given an end."""
    around = Surroundings(target_fault="No.", route="/posts")

    given(CREATED).when(Edit(active_until=LATER, around=around)).then(Edited(active_until=LATER))
    given(CREATED).when(Edit(target="/x", around=Surroundings(target_fault="No."))).then_refused(
        RejectedByValue, error="target_not_allowed", member="target"
    )


def test_only_what_changes_is_recorded() -> None:
    """And nothing where nothing does."""
    given(CREATED).when(Edit(path="/old", target="/x", status=301)).then(Edited(target="/x"))
    given(CREATED).when(Edit(path="/old", status=301, active_from=None)).then()
    given(CREATED, Edited(active_from=NOW)).when(Edit(active_from=None)).then(
        Edited(active_from=None)
    )


def test_a_window_is_not_empty() -> None:
    """Whichever end of it is moved."""
    empty = {"error": "window_is_empty", "member": "activeUntil"}

    given().when(create(active_from=NOW, active_until=NOW)).then_refused(RejectedByValue, **empty)
    given(Created("/old", "/new", 301, NOW)).when(Edit(active_until=START)).then_refused(
        RejectedByValue, **empty
    )


def test_it_is_deleted_once() -> None:
    """And gives its path back."""
    given(CREATED).when(Delete()).then(Deleted())
    given(CREATED, Deleted()).when(Delete()).then()
    state = evolve(None, CREATED, id=ID, version=1, at=START)

    assert claims(state) == {Claim(PATH_SCOPE, "/old")}
    assert claims(evolve(state, Deleted(), id=ID, version=2, at=START)) == frozenset()
    assert claims(None) == frozenset()


def test_a_history_without_its_beginning_is_damaged() -> None:
    """Nobody knows what was redirected."""
    with pytest.raises(ValueError, match="does not begin"):
        evolve(None, Deleted(), id=ID, version=1, at=START)


@pytest.mark.parametrize(
    ("since", "until", "active"),
    [
        (None, None, True),
        (NOW, None, True),
        (LATER, None, False),
        (None, LATER, True),
        (None, NOW, False),
        (START, NOW, False),
    ],
)
def test_its_end_is_exclusive(since: Any, until: Any, *, active: bool) -> None:  # noqa: ANN401 - times or none
    """Its beginning is not."""
    state = evolve(None, Created("/a", "/b", 302, since, until), id=ID, version=1, at=START)

    assert state.active(NOW) is active


@for_all(st.one_of(st.text(max_size=30), st.from_regex(r"(/[a-zA-Z%0-9~.]{1,6}){1,4}/?")))
def test_a_normal_path_is_one_spelling(text: str) -> None:
    """It stays as it is, means what the text meant, and holds nothing that would be read twice."""
    path = normal_path(text)
    if path is None:
        return
    meant = unquote_to_bytes(text)

    assert normal_path(path) == path
    assert unquote_to_bytes(path) == meant
    assert path.isascii()
    assert path.startswith("/")
    assert "//" not in path
    assert len(path) <= MOST_CHARACTERS
    assert meant.count(b"/") == path.count("/")
    assert not {b".", b".."} & set(meant.split(b"/"))


def test_the_path_of_a_target() -> None:
    """Only a path of ours has one."""
    targets = ["/a?b#c", "/a#b?c", "/a", "https://ok.example/a"]

    assert [path_of(target) for target in targets] == ["/a", "/a", "/a", None]
