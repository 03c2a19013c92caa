"""Specifies under which names browsers save files."""

import re
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.content_disposition import MOST_CHARACTERS, content_disposition

FIELD = re.compile(
    r'(?:inline|attachment); filename="([A-Za-z0-9_()+,=@-][A-Za-z0-9 _.()+,=@-]*)"'
    r"(?:; filename\*=UTF-8''((?:[A-Za-z0-9!#$&+.^_`|~-]|%[0-9A-F]{2})+))?"
)


def named(name: str | None, extension: str = "png") -> str:
    """Give the names of an attachment's field."""
    field = content_disposition(name, otherwise="id", extension=extension, inline=False)
    return field.decode("ascii").removeprefix("attachment; ")


@pytest.mark.parametrize(
    ("name", "field"),
    [
        (None, 'filename="id.png"'),
        ("photo.png", 'filename="photo.png"'),
        ("Photo 1 (copy).PNG", 'filename="Photo 1 (copy).PNG"'),
        (
            "naïve café.png",
            "filename=\"naive cafe.png\"; filename*=UTF-8''na%C3%AFve%20caf%C3%A9.png",
        ),
        ("日本語.png", "filename=\"___.png\"; filename*=UTF-8''%E6%97%A5%E6%9C%AC%E8%AA%9E.png"),
        ("../../etc/passwd", 'filename="passwd.png"'),
        ("C:\\temp\\a.png", 'filename="a.png"'),
        ("a\r\nSet-Cookie: b=1.png", 'filename="aSet-Cookie_ b=1.png"'),
        ('a"; filename="b.exe', 'filename="a__ filename=_b.exe.png"'),
        ("a\0b.png", 'filename="ab.png"'),
        ("\u202egnp.exe", 'filename="gnp.exe.png"'),
        ("a%2fb.png", 'filename="a_2fb.png"'),
        ("page.html", 'filename="page.html.png"'),
        (".htaccess", 'filename="htaccess.png"'),
        ("   ", 'filename="id.png"'),
        ("..", 'filename="id.png"'),
        ("\ud800", 'filename="id.png"'),
    ],
)
def test_names_are_made_safe(name: str | None, field: str) -> None:
    """No path, no control, no mark of direction, and the extension of what it is."""
    assert named(name) == field


def test_a_type_may_have_two_extensions() -> None:
    """JPEG goes by both."""
    assert named("a.jpeg", "jpg") == 'filename="a.jpeg"'
    assert named("a.JPG", "jpg") == 'filename="a.JPG"'


def test_a_long_name_keeps_its_end() -> None:
    """It is cut before the extension."""
    assert named("x" * 1000 + ".png") == f'filename="{"x" * (MOST_CHARACTERS - 4)}.png"'


@given(name=st.text(max_size=300), inline=st.booleans())
def test_any_name_makes_a_field(name: str, *, inline: bool) -> None:
    """Whatever it holds, the field keeps its grammar and both names their extension."""
    field = content_disposition(name, otherwise="id", extension="pdf", inline=inline)

    found = FIELD.fullmatch(field.decode("ascii"))
    assert found is not None, field
    for each in filter(None, (found[1], unquote(found[2] or ""))):
        assert each.lower().endswith(".pdf")
        assert not set(each) & set('/\\"\r\n\0')
