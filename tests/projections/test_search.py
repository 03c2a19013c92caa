"""The fold of the search, and how what PostgreSQL marks becomes text and offsets."""

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import post
from domain.post import Category, Created, Post, PostEvent, Published, Status
from projections.search import (
    BEGIN,
    END,
    INDEXED_BYTES,
    POST_SEARCH,
    Highlight,
    highlight,
    shows,
)
from projections.write import Drop, Put, Write
from tests.domain.test_post_properties import BEGINNINGS, EVENTS
from tests.support.given import ID, START


def a_published_post(title: str = "A title", content: str = "Text.") -> Post:
    """Fold the shortest history of a post that everybody may read."""
    created = Created(ID, title, "a-title", content, Category.TECH)
    folded = post.fold([(created, 1, START), (Published(), 2, START)], ID)
    assert folded is not None
    return folded


def row(state: Post) -> tuple[object, ...]:
    """Give the row that a post has."""
    (write,) = shows(state)
    assert isinstance(write, Put)
    return write.row


@given(BEGINNINGS, st.lists(EVENTS, max_size=15))
def test_a_row_is_there_while_everybody_may_read_the_post(
    beginning: PostEvent, rest: list[PostEvent]
) -> None:
    """It has the post's version, and goes when the post is hidden in any way."""
    state: Post | None = None
    for version, event in enumerate([beginning, *rest], start=1):
        at = START + timedelta(minutes=version)
        state = post.evolve(state, event, id=ID, version=version, at=at)
        public = state.status is Status.PUBLISHED and not state.deleted and state.hold is None
        expected: list[Write] = [Drop(POST_SEARCH, (ID,))]
        if public:
            made = (ID, version, ID, state.published_at, state.title, state.content)
            expected = [Put(POST_SEARCH, made)]

        assert list(shows(state)) == expected


def test_what_postgresql_cannot_store_is_left_out() -> None:
    """A NUL, and the two characters that mark matches."""
    state = a_published_post(f"a\x00b{BEGIN}c", f"{END}\x00d")

    assert row(state)[-2:] == ("a b c", "  d")


@pytest.mark.parametrize("text", ["a", "é", "你", "\U0001f600"])
def test_no_more_is_indexed_than_postgresql_takes(text: str) -> None:
    """Cut between characters, wherever the limit falls."""
    content = "x" + text * 200_000
    (indexed,) = row(a_published_post(content=content))[-1:]

    assert isinstance(indexed, str)
    assert content.startswith(indexed)
    assert INDEXED_BYTES - 4 < len(indexed.encode()) <= INDEXED_BYTES


@pytest.mark.parametrize(
    ("headline", "expected"),
    [
        ("", Highlight("", [])),
        ("no match", Highlight("no match", [])),
        (f"{BEGIN}one{END} two {BEGIN}ö{END}", Highlight("one two ö", [(0, 3), (8, 9)])),
        (f"{BEGIN}{END}", Highlight("", [(0, 0)])),
        (f"cut {BEGIN}off", Highlight("cut off", [])),
        ("<b>&amp;</b>", Highlight("<b>&amp;</b>", [])),
    ],
)
def test_marks_become_offsets(headline: str, expected: Highlight) -> None:
    """Into plain text, which is never taken for HTML of ours."""
    assert highlight(headline) == expected


@given(st.lists(st.tuples(st.text("ab \U0001f600"), st.booleans()), max_size=8))
def test_offsets_are_those_of_the_matches(pieces: list[tuple[str, bool]]) -> None:
    """Every match is found again at its place."""
    headline = "".join(f"{BEGIN}{text}{END}" if matched else text for text, matched in pieces)
    found = highlight(headline)

    assert found.text == "".join(text for text, _ in pieces)
    assert [found.text[begin:end] for begin, end in found.marks] == [
        text for text, matched in pieces if matched
    ]
    assert msgspec.json.decode(msgspec.json.encode(found), type=Highlight) == found
