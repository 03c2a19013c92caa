"""Specifies what entity tags are made of."""

from uuid import UUID

import pytest

from api.etag import list_tag, quote, version_in
from projections.posts import tag

FIRST = UUID("0190b8a5-7c1e-7d3a-9f10-5e2b6c7d8e9f")
SECOND = UUID("0190b8a5-7c1e-7d3a-9f10-5e2b6c7d8ea0")


def test_a_tag_is_written_in_quotes() -> None:
    """The field's value is a strong tag."""
    assert quote(tag(7)) == '"1.7"'


def test_the_version_is_read_from_a_tag_of_this_schema() -> None:
    """Tags of another rendering name no version."""
    assert version_in("1.7", 1) == 7
    assert version_in("2.7", 1) is None


@pytest.mark.parametrize(
    "opaque",
    [
        "",
        "1",
        "1.",
        ".7",
        "1.0",
        "1.07",
        "01.7",
        "1.-7",
        "1.+7",
        "1.7.",
        "1.7\n",
        "1.7-gzip",
        "1.\N{ARABIC-INDIC DIGIT SEVEN}",
        "1." + "9" * 5000,
    ],
)
def test_other_texts_are_no_tags_of_posts(opaque: str) -> None:
    """Only the exact form that is given out is understood."""
    assert version_in(opaque, 1) is None


def test_the_tag_of_a_page_changes_with_all_that_it_shows() -> None:
    """Schema, page and the digest of what is on it each make another tag."""
    tags = [
        list_tag(1, "posts", b"1" * 16),
        list_tag(2, "posts", b"1" * 16),
        list_tag(1, "posts?limit=2", b"1" * 16),
        list_tag(1, "posts", b"2" * 16),
    ]

    assert len(set(tags)) == len(tags)
    assert all(len(tag) == 24 and tag[1] == "." for tag in tags)
    assert list_tag(1, "posts", b"1" * 16) == tags[0]
