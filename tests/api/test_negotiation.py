"""Specifies how the form of an answer is chosen."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.headers import Headers
from api.negotiation import best, prefers_minimal
from commands.outcomes import NotAcceptable

JSON, HTML, LINES = "application/json", "text/html", "application/x-ndjson"
THERE_IS = (JSON, HTML)
CHROMIUM = (
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,"
    "*/*;q=0.8,application/signed-exchange;v=b3;q=0.7"
)


def choose(accept: str | None, available: tuple[str, ...] = THERE_IS) -> str | NotAcceptable:
    """Choose for a request with this Accept field."""
    lines = [] if accept is None else [(b"accept", accept.encode("latin-1"))]
    return best(Headers(lines), available)


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("application/json", JSON),
        ("APPLICATION/Json", JSON),
        ("text/html", HTML),
        ("text/*", HTML),
        ("text/*, */*;q=0.1", HTML),
        (CHROMIUM, HTML),
        ("text/html, application/json", JSON),
        ("text/html;q=0.9, application/json;q=0.8", HTML),
        ("text/html;q=0.001, image/png", HTML),
        ("application/json;q=0, */*", HTML),
        ("*/*;q=0.5, application/json;q=0.1", HTML),
        ("application/*;q=0.1, */*;q=0.5", HTML),
        ("application/json; charset=utf-8", JSON),
        ('application/json;charset="UTF-8"', JSON),
        ("application/json;q=0.5;ext=1, text/html;q=0.4", JSON),
        ("text/html;Q=0.2, application/json;q=0.3", JSON),
    ],
)
def test_the_best_type_is_chosen(accept: str | None, chosen: str) -> None:
    """Qualities, specificity and then our own order decide (RFC 9110, section 12.5.1)."""
    assert choose(accept) == chosen


@pytest.mark.parametrize(
    "accept",
    [
        "image/png",
        "application/xml",
        "*/*;q=0",
        "application/json;q=0, text/html;q=0.0",
        "application/json;q=0.000, text/*;q=0, */*",
        "application/json;version=2",
        "application/problem+json",
    ],
)
def test_nothing_acceptable_tells_what_there_is(accept: str) -> None:
    """`q=0` rules a type out, and a parameter that we do not offer is not met."""
    assert choose(accept) == NotAcceptable(THERE_IS)


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("json", JSON),
        ("application/json;q=2", JSON),
        ("text/html;q=abc", JSON),
        ("text/html;q=1.5, text/*;q=0.5, application/json;q=0.4", HTML),
        ("*/html, application/json", JSON),
        ("*", JSON),
        (";;;,,,\x80", JSON),
    ],
)
def test_malformed_elements_are_ignored(accept: str, chosen: str) -> None:
    """A field without a well-formed element counts as absent, as it is only a wish."""
    assert choose(accept) == chosen


def test_the_more_specific_parameterised_range_counts() -> None:
    """A range with a parameter that is offered outranks the one without."""
    offered = ("text/html;level=1", "text/html;level=2")

    assert choose("text/html;level=1;q=0.2, text/html;q=0.7", offered) == offered[1]


def test_lines_of_the_field_are_one_list() -> None:
    """Several Accept lines are combined."""
    headers = Headers([(b"accept", b"image/png"), (b"accept", LINES.encode())])

    assert best(headers, (JSON, LINES)) == LINES


def test_a_long_field_is_read_in_linear_time() -> None:
    """Fields too long for the cache give the same answers."""
    began = time.process_time()

    assert choose("image/png, " * 5_000 + HTML) == HTML
    assert choose("image/png, " * 5_000) == NotAcceptable(THERE_IS)
    assert time.process_time() - began < 2


@given(st.text(st.characters(max_codepoint=255)))
def test_any_field_is_answered(accept: str) -> None:
    """No field value makes the choice fail."""
    assert choose(accept) in (*THERE_IS, NotAcceptable(THERE_IS))


@pytest.mark.parametrize(
    ("prefer", "minimal"),
    [
        ("return=minimal", True),
        ("Return=minimal", True),
        ('return="minimal"', True),
        ("return = minimal", True),
        ("return=minimal; foo=bar", True),
        ("respond-async, return=minimal, wait=10", True),
        ("return=minimal, return=representation", True),
        ("return=representation, return=minimal", False),
        ("return=representation", False),
        ("return=minimalist", False),
        ("return", False),
        ("x-return=minimal", False),
        ('note="return=minimal"', False),
        ("", False),
    ],
)
def test_prefer_return_minimal_is_understood(prefer: str, *, minimal: bool) -> None:
    """The first `return` counts (RFC 7240, section 2)."""
    assert prefers_minimal(Headers([(b"prefer", prefer.encode())])) is minimal


def test_without_prefer_nothing_is_preferred() -> None:
    """An absent field asks for nothing."""
    assert prefers_minimal(Headers([])) is False
