"""Specifies how the Idempotency-Key field is read, and what makes a request the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.headers import Headers
from api.idempotency_key import fingerprint, parse_idempotency_key
from commands.outcomes import Malformed

UUID_KEY = "8e03978e-40d5-43e8-bc93-6894a57f9324"


def key(*values: str) -> str | Malformed | None:
    """Read the key of a request with these lines of the field."""
    return parse_idempotency_key(
        Headers([(b"idempotency-key", value.encode("latin-1")) for value in values])
    )


def test_a_request_without_the_field_has_no_key() -> None:
    """The field is optional."""
    assert key() is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (f'"{UUID_KEY}"', UUID_KEY),
        (UUID_KEY, UUID_KEY),
        (f' "{UUID_KEY}" ', UUID_KEY),
        (f'"{UUID_KEY}";a=1', UUID_KEY),
        ('"a b"', "a b"),
        ('"a\\"b\\\\c"', 'a"b\\c'),
        ("!~a:b/c=", "!~a:b/c="),
        ("x" * 255, "x" * 255),
        ('"' + "x" * 255 + '"', "x" * 255),
    ],
)
def test_quoted_and_bare_keys_are_the_same_key(value: str, expected: str) -> None:
    """The draft's quoted string and the bare key that most clients send are both read."""
    assert key(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        '""',
        '"',
        '"a',
        'a"',
        '"a"b',
        '"a", "b"',
        '"a\\b"',
        '"é"',
        "é",
        "a b",
        "a\tb",
        "x" * 256,
        '"' + "x" * 256 + '"',
        '"a\tb"',
        "\x7f",
        '"a";',
        '"a";A=1',
    ],
)
def test_malformed_keys_are_refused(value: str) -> None:
    """A key that cannot be read is never taken for none: the client counts on it."""
    refused = key(value)

    assert isinstance(refused, Malformed)
    assert (refused.error, refused.member) == ("malformed_header", "Idempotency-Key")


def test_two_keys_are_refused() -> None:
    """A request has one key, even where both are alike."""
    assert isinstance(key("a", "a"), Malformed)
    assert isinstance(key('"a"', '"a"'), Malformed)


@given(st.text(st.characters(max_codepoint=255)))
def test_any_value_is_read_or_refused(value: str) -> None:
    """No field value makes the reading fail."""
    assert isinstance(key(value), str | Malformed)


def test_a_fingerprint_covers_all_of_the_request() -> None:
    """Each part makes another fingerprint, and no part can be moved into its neighbour."""
    prints = [
        fingerprint("POST", "/posts", "application/json", b"{}"),
        fingerprint("PUT", "/posts", "application/json", b"{}"),
        fingerprint("POST", "/upload", "application/json", b"{}"),
        fingerprint("POST", "/posts", "text/plain", b"{}"),
        fingerprint("POST", "/posts", "application/json", b"{} "),
        fingerprint("POST", "/posts", "application/json{", b"}"),
        fingerprint("POST/", "posts", "application/json", b"{}"),
    ]

    assert len(set(prints)) == len(prints)
    assert all(len(each) == 32 for each in prints)
    assert fingerprint("POST", "/posts", "application/json", b"{}") == prints[0]
