"""Specifies what is kept of the names that clients give files."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.file_name import LONGEST, cleaned


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("a.png", "a.png"),
        (" a b.png ", "a b.png"),
        ("/etc/passwd", "passwd"),
        ("..\\..\\a.png", "a.png"),
        ("a\r\nSet-Cookie: b", "aSet-Cookie: b"),
        ("a\0b.png", "ab.png"),
        ('say "cheese".png', 'say "cheese".png'),
        ("\u202egnp.exe", "gnp.exe"),
        ("\u2066a\u2069\u200b\ufeff", "a"),
        ("cafe\u0301", "caf\u00e9"),
        ("\ud800x", "x"),
        ("", None),
        (".", None),
        ("..", None),
        (" \t ", None),
        ("folder/", None),
    ],
)
def test_names(given_name: str, kept: str | None) -> None:
    """Folders and what cannot be seen go; letters of any language stay."""
    assert cleaned(given_name) == kept


@given(st.text(max_size=400))
@settings(derandomize=True, deadline=None)
def test_a_name_that_is_kept_is_harmless(name: str) -> None:
    """It is one visible line without folders, is not long, and is kept again as it is."""
    kept = cleaned(name)

    if kept is not None:
        assert 0 < len(kept) <= LONGEST
        assert not set(kept) & {"/", "\\"}
        assert not {unicodedata.category(char) for char in kept} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
        assert cleaned(kept) == kept
