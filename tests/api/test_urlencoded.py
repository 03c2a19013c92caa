"""Specifies the strict decoding of urlencoded fields."""

import re
from urllib.parse import unquote_to_bytes, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.urlencoded import PairsError, decode_pairs, reencoded


@pytest.mark.parametrize(
    ("raw", "pairs"),
    [
        (b"", {}),
        (b"a=1&b=2", {"a": "1", "b": "2"}),
        (b"a", {"a": ""}),
        (b"a=", {"a": ""}),
        (b"=1", {"": "1"}),
        (b"a=b=c", {"a": "b=c"}),
        (b"&&a=1&", {"a": "1"}),
        (b"a+b=c%20d+e", {"a b": "c d e"}),
        (b"%61=%E2%82%ac%2B", {"a": "€+"}),
        (b"a=\xc3\xa9", {"a": "é"}),
        (b"a=1;b=2", {"a": "1;b=2"}),
    ],
)
def test_fields_are_decoded(raw: bytes, pairs: dict[str, str]) -> None:
    """Plus signs are spaces, escapes are UTF-8, empty parts are skipped."""
    assert decode_pairs(raw, most=10) == pairs


@pytest.mark.parametrize(
    ("raw", "name", "says"),
    [
        (b"a=%", "a", "hexadecimal"),
        (b"a=%4", "a", "hexadecimal"),
        (b"a=%zz", "a", "hexadecimal"),
        (b"%u0041=1", None, "hexadecimal"),
        (b"a=%ff", "a", "UTF-8"),
        (b"a=\xff", "a", "UTF-8"),
        (b"%c0%80=1", None, "UTF-8"),
        (b"a=%ed%a0%80", "a", "UTF-8"),
        (b"a=x%00y", "a", "NUL"),
        (b"a=1&a=1", "a", "more than once"),
        (b"a=1&%61=2", "a", "more than once"),
        (b"&" * 10, None, "more than 10"),
    ],
)
def test_what_is_not_well_formed_is_refused(raw: bytes, name: str | None, says: str) -> None:
    """The error says what is wrong, and with which field."""
    with pytest.raises(PairsError, match=says) as caught:
        decode_pairs(raw, most=10)

    assert caught.value.name == name


@given(st.dictionaries(st.text(), st.text(), max_size=5))
def test_what_is_encoded_is_decoded(pairs: dict[str, str]) -> None:
    """Decoding undoes encoding, but for NUL, which is refused."""
    try:
        decoded = decode_pairs(urlencode(pairs).encode(), most=5)
    except PairsError:
        assert any("\0" in text for pair in pairs.items() for text in pair)
    else:
        assert decoded == pairs


@given(st.binary())
def test_whatever_is_reencoded_can_stand_in_an_address(query: bytes) -> None:
    """It is ASCII without anything special, means the same bytes, and twice is as once."""
    once = reencoded(query)

    assert re.fullmatch(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*", once)
    assert unquote_to_bytes(once) == unquote_to_bytes(query)
    assert reencoded(once.encode()) == once
