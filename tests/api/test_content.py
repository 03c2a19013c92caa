"""Specifies which bodies are refused by their header fields alone."""

import pytest

from api.content import ContentKind, check_body_headers
from api.headers import Headers
from commands.outcomes import BodyTooLarge, Malformed, UnsupportedMediaType

POST = (ContentKind.JSON, ContentKind.FORM)
PATCH = (ContentKind.MERGE_PATCH, ContentKind.JSON)
LIMIT = 1_048_576


def check(
    accepts: tuple[ContentKind, ...] = POST, **fields: str
) -> ContentKind | UnsupportedMediaType | BodyTooLarge | Malformed:
    """Check the body of a request with these fields, named with underscores."""
    headers = Headers(
        [
            (name.replace("_", "-").encode(), value.encode("latin-1"))
            for name, value in fields.items()
        ]
    )
    return check_body_headers(headers, method="POST", accepts=accepts, max_bytes=LIMIT)


@pytest.mark.parametrize(
    ("accepts", "content_type", "kind"),
    [
        (POST, "application/json", ContentKind.JSON),
        (POST, "Application/JSON; charset=utf-8", ContentKind.JSON),
        (POST, 'application/json;charset="UTF-8"', ContentKind.JSON),
        (POST, "application/json; profile=x", ContentKind.JSON),
        (POST, "application/x-www-form-urlencoded", ContentKind.FORM),
        (PATCH, "application/merge-patch+json", ContentKind.MERGE_PATCH),
        (PATCH, "application/json", ContentKind.JSON),
    ],
)
def test_types_that_are_taken(
    accepts: tuple[ContentKind, ...], content_type: str, kind: ContentKind
) -> None:
    """The type decides the kind, whatever its case and its harmless parameters."""
    assert check(accepts, content_type=content_type, content_length="2") is kind


@pytest.mark.parametrize(
    ("content_type", "says"),
    [
        (None, "no Content-Type"),
        ("", "not one media type"),
        ("json", "not one media type"),
        ("application/json, application/json", "not one media type"),
        ("text/plain", "does not take text/plain"),
        ("text/json", "does not take text/json"),
        ("application/json-patch+json", "does not take"),
        ("application/merge-patch+json", "does not take"),
        ("*/*", "does not take"),
        ("application/" + "x" * 10_000, "does not take"),
        ("application/json; charset=latin1", "UTF-8"),
        ("application/json; charset=utf-16", "UTF-8"),
        ("application/json; charset=utf-8; charset=utf-7", "UTF-8"),
    ],
)
def test_types_that_are_refused(content_type: str | None, says: str) -> None:
    """A missing, malformed or other type is 415 and tells what is taken."""
    refused = check() if content_type is None else check(content_type=content_type)

    assert isinstance(refused, UnsupportedMediaType)
    assert says in refused.detail
    assert len(refused.detail) < 200
    assert refused.accepts == ("application/json", "application/x-www-form-urlencoded")
    assert (refused.method, refused.coding) == ("POST", False)


def test_a_content_type_sent_twice_is_refused() -> None:
    """Two readers could take one each, so neither is taken."""
    headers = Headers([(b"content-type", b"application/json")] * 2)

    assert isinstance(
        check_body_headers(headers, method="POST", accepts=POST, max_bytes=LIMIT),
        UnsupportedMediaType,
    )


@pytest.mark.parametrize("coding", ["gzip", "br", "identity, gzip", "aes128gcm", "é"])
def test_coded_bodies_are_refused(coding: str) -> None:
    """A content coding is 415 with the coding at fault."""
    refused = check(content_type="application/json", content_encoding=coding)

    assert isinstance(refused, UnsupportedMediaType)
    assert refused.coding


@pytest.mark.parametrize("coding", ["identity", "Identity", ""])
def test_the_identity_is_no_coding(coding: str) -> None:
    """`identity` says that the body is as it is."""
    assert check(content_type="application/json", content_encoding=coding) is ContentKind.JSON


@pytest.mark.parametrize("length", [str(LIMIT + 1), "9" * 30, "9" * 10_000])
def test_bodies_that_say_they_are_too_long_are_refused(length: str) -> None:
    """The length is enough to refuse, even beside a wrong type."""
    assert check(content_type="text/plain", content_length=length) == BodyTooLarge(LIMIT)


@pytest.mark.parametrize("length", ["0", "000002", str(LIMIT)])
def test_bodies_within_the_limit_are_taken(length: str) -> None:
    """The limit itself is allowed."""
    assert check(content_type="application/json", content_length=length) is ContentKind.JSON


@pytest.mark.parametrize(
    "length", ["", "-1", "+1", "1.0", "1e3", "1_0", "0x10", "5, 5", " 5", "\xb2"]
)
def test_malformed_lengths_are_refused(length: str) -> None:
    """A length is decimal digits and nothing else."""
    refused = check(content_type="application/json", content_length=length)

    assert isinstance(refused, Malformed)
    assert (refused.error, refused.member) == ("malformed_header", "Content-Length")
