"""Specifies cursors: opaque, bound to their list, and never half understood."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.cursor import Cursor, decode_cursor, encode_cursor
from commands.outcomes import Malformed

CURSOR = Cursor(1_795_403_389_123_456, UUID("0190b8a5-7c1e-7d3a-9f10-5e2b6c7d8e9f"))
TEXT = encode_cursor(CURSOR, of_list="posts")


def is_bad(text: str, of_list: str = "posts") -> bool:
    """Tell whether the text is refused, as it must be, with the one error for cursors."""
    refused = decode_cursor(text, of_list=of_list)
    return isinstance(refused, Malformed) and (refused.error, refused.member) == (
        "bad_cursor",
        "cursor",
    )


@given(st.integers(-(2**63), 2**63 - 1), st.uuids(), st.text())
def test_a_cursor_is_read_back(micros: int, id_: UUID, of_list: str) -> None:
    """The list that gave a cursor out understands it."""
    text = encode_cursor(Cursor(micros, id_), of_list=of_list)

    assert decode_cursor(text, of_list=of_list) == Cursor(micros, id_)
    assert len(text) == 44
    assert text.replace("-", "").replace("_", "").isalnum()


def test_a_cursor_of_another_list_is_refused() -> None:
    """A filter that changes between pages would skip and repeat items."""
    assert is_bad(TEXT, "posts?status=draft")


@given(st.integers(0, 33 * 8 - 1))
def test_no_bit_can_be_changed(bit: int) -> None:
    """An edited cursor is refused."""
    raw = bytearray(urlsafe_b64decode(TEXT))
    raw[bit // 8] ^= 1 << bit % 8

    assert is_bad(urlsafe_b64encode(bytes(raw)).decode())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        TEXT[:-1],
        TEXT + "A",
        TEXT + "=",
        TEXT + "\n",
        " " + TEXT[1:],
        "é" * 44,
        "A" * 44,
        "+" + TEXT[1:],
        "/" * 44,
        "A" * 100000,
        TEXT[:20] + "\x00" + TEXT[21:],
    ],
)
def test_other_texts_are_refused(text: str) -> None:
    """Nothing is skipped or repaired in decoding."""
    assert is_bad(text)


@given(st.text())
def test_any_text_is_refused(text: str) -> None:
    """No text makes the reading fail."""
    assert is_bad(text)
