"""Specifies the grammar of lists and media types."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.media_type import MediaType, parse_media_type, split_list


@pytest.mark.parametrize(
    ("value", "items"),
    [
        ("", []),
        (" , ,, ", []),
        ("a, b ,c", ["a", "b", "c"]),
        ('a;x="1,2", b', ['a;x="1,2"', "b"]),
        ('a;x="\\",", b', ['a;x="\\","', "b"]),
        ('a;x="never, closed', ['a;x="never, closed']),
    ],
)
def test_lists_are_split_at_commas_outside_quotes(value: str, items: list[str]) -> None:
    """Empty elements are left out, and quoted commas divide nothing."""
    assert split_list(value) == items


@pytest.mark.parametrize(
    ("text", "media"),
    [
        ("application/json", MediaType("application/json", ())),
        (" Application/JSON ", MediaType("application/json", ())),
        ("*/*", MediaType("*/*", ())),
        ("a/b;Charset=UTF-8", MediaType("a/b", (("charset", "UTF-8"),))),
        ('a/b ; x = "1"'.replace(" = ", "="), MediaType("a/b", (("x", "1"),))),
        ('a/b;x="q\\"q;, "', MediaType("a/b", (("x", 'q"q;, '),))),
        ("a/b;;x=1;", MediaType("a/b", (("x", "1"),))),
    ],
)
def test_media_types_are_read(text: str, media: MediaType) -> None:
    """Type and names of parameters do not depend on case; quotes are not part of a value."""
    assert parse_media_type(text) == media


@pytest.mark.parametrize(
    "text",
    [
        "",
        "json",
        "application/",
        "/json",
        "a/b/c",
        "a b/c",
        "a/b c",
        "a/b;x",
        "a/b;x=",
        "a/b;=1",
        'a/b;x="1',
        'a/b;x="1"2',
        "a/b;x =1",
        "a/b, a/b",
        "a/b\n",
        "é/b",
    ],
)
def test_malformed_media_types_are_none(text: str) -> None:
    """What the grammar does not have is not guessed at."""
    assert parse_media_type(text) is None


@pytest.mark.parametrize("unit", ['"', '"\\', "\\", ",", "a/b;", 'a/b;x="\\"', ";", " ", 'x="1" '])
def test_long_fields_cost_linear_time(unit: str) -> None:
    """No repetition makes a pattern go back and forth."""
    value = unit * (200_000 // len(unit))
    began = time.process_time()
    split_list(value)
    parse_media_type("a/b" + value)
    parse_media_type("a/b;x=" + value)

    assert time.process_time() - began < 1


@given(st.text(st.characters(max_codepoint=255)))
def test_any_text_is_split_without_losing_an_element(value: str) -> None:
    """No field value makes the splitting fail, and no element holds a comma outside quotes."""
    items = split_list(value)

    assert all(item.count(",") == 0 or '"' in item for item in items)
    assert "".join(value.split()).replace(",", "") == "".join("".join(items).split()).replace(
        ",", ""
    )
