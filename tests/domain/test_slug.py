"""Slugs: what titles fold to."""

import re
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.slug import MAX_LENGTH, slug_for, slugify

ID = UUID("0190b8a5-7c1e-7d3a-9f10-5e2b6c7d8e9f")


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Hello, World!", "hello-world"),
        ("  HTTP/1.1 -- and 2  ", "http-1-1-and-2"),
        ("Zażółć gęślą jaźń", "zazolc-gesla-jazn"),
        ("Straße, STRASSE, STRAẞE", "strasse-strasse-strasse"),
        ("Ærø Øl Đakovo Þing œuvre", "aero-ol-dakovo-thing-oeuvre"),
        ("İstanbul ılık", "istanbul-ilik"),  # noqa: RUF001 - these letters are the point
        ("don't and don’t", "dont-and-dont"),  # noqa: RUF001 - both apostrophes are meant
        ("before—after…end", "before-after-end"),
        ("２０２６ ﬁle ①", "2026-file-1"),  # noqa: RUF001 - compatibility forms are the point
        ("Python 入门", "python"),
        ("a_b", "a-b"),
        ("你好", ""),
        ("🎉 --- 🎉", ""),
        ("", ""),
    ],
)
def test_a_title_folds_to_its_slug(title: str, slug: str) -> None:
    """Letters fold to ASCII where they have such a form, and everything else parts words."""
    assert slugify(title) == slug


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("a" * 80, "a" * 80),
        ("a" * 81, "a" * 80),
        ("a" * 80 + " tail", "a" * 80),
        ("a" * 70 + " " + "b" * 9, "a" * 70 + "-" + "b" * 9),
        ("a" * 70 + " " + "b" * 9 + " c", "a" * 70 + "-" + "b" * 9),
        ("a" * 70 + " " + "b" * 10, "a" * 70),
    ],
)
def test_a_long_title_is_cut_between_words(title: str, slug: str) -> None:
    """No word is cut in half, unless the first one alone is too long."""
    assert slugify(title) == slug


def test_a_title_that_folds_to_nothing_takes_the_random_end_of_the_id() -> None:
    """Two such titles of the same minute get two slugs."""
    assert slug_for("你好", ID) == "post-5e2b6c7d8e9f"
    assert slug_for("Hello", ID) == "hello"


@given(st.text(max_size=200))
def test_every_title_gives_a_valid_slug(title: str) -> None:
    """No text that a title may be gives anything but a slug, and folding is stable."""
    slug = slug_for(title, ID)

    assert len(slug) <= MAX_LENGTH
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug)
    assert slugify(slug) == slug
