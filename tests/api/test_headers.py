"""Specifies the view of header fields."""

from api.headers import Headers

REPEATED = Headers([(b"accept", b"a/b"), (b"host", b"x"), (b"accept", b"c/d")])


def test_a_field_sent_once_is_its_value() -> None:
    """A single line is given as it is, and an absent field is None."""
    headers = Headers([(b"host", b"example.com")])

    assert headers.one(b"host") == "example.com"
    assert headers.combined(b"host") == "example.com"
    assert headers.all(b"host") == ["example.com"]
    assert headers.one(b"accept") is None
    assert headers.all(b"accept") == []
    assert b"host" in headers
    assert b"accept" not in headers


def test_lines_of_a_list_field_are_joined_in_order() -> None:
    """Several lines are one list (RFC 9110, section 5.3)."""
    assert REPEATED.combined(b"accept") == "a/b, c/d"
    assert REPEATED.all(b"accept") == ["a/b", "c/d"]
    assert REPEATED.combined(b"host") == "x"


def test_a_single_field_sent_twice_shows_both_values() -> None:
    """Neither of two values is dropped in silence."""
    assert REPEATED.one(b"accept") == "a/b, c/d"


def test_any_byte_is_decoded() -> None:
    """Bytes outside ASCII are latin-1, never an error."""
    assert Headers([(b"x", bytes(range(256)))]).one(b"x") == bytes(range(256)).decode("latin-1")
