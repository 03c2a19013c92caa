"""Specifies how the conditional fields are read."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.conditional import parse_conditions
from api.headers import Headers
from commands.outcomes import Malformed
from commands.preconditions import NO_PRECONDITIONS, AnyTag, Preconditions, Tags

DATE = "Sun, 06 Nov 1994 08:49:37 GMT"
MOMENT = datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)


def conditions(**fields: str) -> Preconditions | Malformed:
    """Read the conditions of a request with these fields, named with underscores."""
    return parse_conditions(
        Headers(
            [(name.replace("_", "-").encode(), v.encode("latin-1")) for name, v in fields.items()]
        )
    )


def tags(strong: str = "", weak: str = "") -> Tags:
    """Make a list of tags from words."""
    return Tags(frozenset(strong.split()), frozenset(weak.split()))


def test_most_requests_have_no_conditions() -> None:
    """Other fields, If-Range among them, set no precondition."""
    assert conditions(accept="*/*", if_range='"1"') is NO_PRECONDITIONS


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('"1.7"', tags("1.7")),
        ('W/"1.7"', tags(weak="1.7")),
        ('"1.7", W/"1.8",\t"x"', tags("1.7 x", "1.8")),
        ('"1.7","1.8"', tags("1.7 1.8")),
        (' "1.7" ', tags("1.7")),
        ('"1.7" , , "1.8",', tags("1.7 1.8")),
        (',"1.7"', tags("1.7")),
        ('"a,b"', tags("a,b")),
        ('"W/"', tags("W/")),
        ('"1.7-gzip"', tags("1.7-gzip")),
        ('"\\"', tags("\\")),
        ('"*"', tags("*")),
        ('""', Tags(frozenset({""}))),
        ('"\xe9"', tags("\xe9")),
        ("", tags()),
        ("*", AnyTag.ANY),
        (" * ", AnyTag.ANY),
    ],
)
def test_lists_of_tags_are_read(value: str, expected: Tags | AnyTag) -> None:
    """Both fields take a list of strong and weak tags, or `*` (RFC 9110, sections 8.8.3, 13.1)."""
    assert conditions(if_match=value) == Preconditions(if_match=expected)
    assert conditions(if_none_match=value) == Preconditions(if_none_match=expected)


@pytest.mark.parametrize(
    "value",
    [
        "1.7",
        "'1.7'",
        '"1.7',
        '1.7"',
        'w/"1.7"',
        'W/ "1.7"',
        "W/1.7",
        "W/*",
        '"1.7" "1.8"',
        '"1.7"; "1.8"',
        '"1.7"x',
        '"1 7"',
        '"1\t7"',
        '"1\x7f7"',
        '*, "1.7"',
        '"1.7", *',
        "*, *",
        "**",
        '"a"b"',
        "null",
    ],
)
def test_malformed_tags_are_an_error_that_names_the_field(value: str) -> None:
    """A condition that cannot be read is never ignored nor guessed at."""
    for_match = conditions(if_match=value)
    for_none = conditions(if_none_match=value)

    assert isinstance(for_match, Malformed)
    assert (for_match.error, for_match.member) == ("malformed_header", "If-Match")
    assert isinstance(for_none, Malformed)
    assert (for_none.error, for_none.member) == ("malformed_header", "If-None-Match")


def test_lines_are_one_list() -> None:
    """A list may be spread over several lines (RFC 9110, section 5.3)."""
    headers = Headers([(b"if-match", b'"1.7"'), (b"x", b""), (b"if-match", b'W/"1.8"')])

    assert parse_conditions(headers) == Preconditions(if_match=tags("1.7", "1.8"))


def test_dates_are_read() -> None:
    """Both date conditions are read, beside the others."""
    read = conditions(
        if_match="*", if_modified_since=DATE, if_none_match='"a"', if_unmodified_since=DATE
    )

    assert read == Preconditions(AnyTag.ANY, MOMENT, tags("a"), MOMENT)


@pytest.mark.parametrize("value", ["", "now", "1994-11-06T08:49:37Z", f"{DATE}, {DATE}"])
def test_malformed_dates_are_ignored(value: str) -> None:
    """An invalid date is as good as none (RFC 9110, sections 13.1.3 and 13.1.4)."""
    assert conditions(if_modified_since=value, if_unmodified_since=value) == NO_PRECONDITIONS


OPAQUE = st.text(st.characters(exclude_characters='"\x7f ', min_codepoint=33, max_codepoint=255))
OPAQUE_TAGS = st.sets(OPAQUE.filter(lambda text: not any("\x80" > c > "\x7e" for c in text)))


@given(OPAQUE_TAGS, OPAQUE_TAGS, st.sampled_from([",", ", ", " ,\t", ",,"]))
def test_any_list_of_tags_is_read_back(strong: set[str], weak: set[str], comma: str) -> None:
    """Whatever the grammar allows in a tag comes through."""
    value = comma.join([f'"{tag}"' for tag in strong] + [f'W/"{tag}"' for tag in weak])

    assert conditions(if_none_match=value) == Preconditions(
        if_none_match=Tags(frozenset(strong), frozenset(weak))
    )


@given(st.text(st.characters(max_codepoint=255)))
def test_any_bytes_are_read_or_refused(value: str) -> None:
    """No field value makes the reader fail."""
    assert isinstance(
        conditions(if_match=value, if_modified_since=value), Preconditions | Malformed
    )
