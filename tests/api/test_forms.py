"""Specifies the browser's form for a new post."""

from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest

from api.forms import decode_create_form
from api.post_requests import CreatePost
from commands.outcomes import Malformed
from domain.post import Category

FIELDS = {"title": "Hé & co", "content": "a\nb=c", "category": "tech"}


def form(**fields: str) -> bytes:
    """Encode a form with all that a post needs, and these fields."""
    return urlencode(FIELDS | fields).encode()


def test_a_form_is_the_same_request_as_a_json_body() -> None:
    """Fields become members."""
    post = decode_create_form(form(slug="a-b", publishAt="2026-11-23T03:09:49Z"))

    assert post == CreatePost(
        "Hé & co",
        "a\nb=c",
        Category.TECH,
        "a-b",
        datetime(2026, 11, 23, 3, 9, 49, tzinfo=UTC),
    )


def test_optional_fields_left_empty_are_absent() -> None:
    """Browsers send every field of a form."""
    assert decode_create_form(form(slug="", publishAt="")) == decode_create_form(form())


@pytest.mark.parametrize(
    ("body", "member"),
    [
        (b"", "title"),
        (form(title=""), "title"),
        (form(category="sport"), "category"),
        (form(publishAt="2026-11-23T03:09"), "publishAt"),
        (form(publishAt="0001-01-01T00:00:00+00:01"), "publishAt"),
        (form(slug="A"), "slug"),
        (form(status="published"), "status"),
        (form() + b"&title=again", "title"),
        (form(title="\0"), "title"),
        (form() + b"&slug=%zz", "slug"),
        (form() + b"&slug=%ff", "slug"),
        (form() + b"&%ff=1", None),
        (b"&".join(b"f%d=" % n for n in range(33)), None),
        (b"x" * 10_000 + b"=%zz", "x" * 100),
    ],
)
def test_bad_forms_are_refused(body: bytes, member: str | None) -> None:
    """What is wrong is 400 and names the field, as with a JSON body."""
    refused = decode_create_form(body)

    assert isinstance(refused, Malformed)
    assert refused.error == "invalid_body"
    assert refused.member == member
