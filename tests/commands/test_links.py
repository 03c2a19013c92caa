"""Specifies which addresses `/go` follows, and that no two readers see two hosts in one."""

from urllib.parse import urlsplit

import ada_url
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from commands.links import MOST_CHARACTERS, Link, judge_link
from commands.outcomes import Malformed
from infra.links import parse_web_address
from tests.commands.evil_links import EVIL, GOOD

ALLOWED = frozenset({GOOD, "b.ok.example", "127.0.0.1", "[::1]"})
ONLY_NAMES = frozenset({GOOD, "b.ok.example"})

FOLLOWED: list[tuple[str, str, str]] = [
    ("https://ok.example", "https://ok.example/", "https://ok.example/"),
    ("https://ok.example/", "https://ok.example/", "https://ok.example/"),
    ("HTTPS://OK.Example/A", "https://ok.example/A", "https://ok.example/A"),
    ("https://b.ok.example/a", "https://b.ok.example/a", "https://b.ok.example/a"),
    ("https://ok.example:443/a", "https://ok.example/a", "https://ok.example/a"),
    ("https://ok.example:/a", "https://ok.example/a", "https://ok.example/a"),
    ("https://ok.example:00443/a", "https://ok.example/a", "https://ok.example/a"),
    ("https://ok.example?a=b", "https://ok.example/?a=b", "https://ok.example/"),
    ("https://ok.example#a", "https://ok.example/#a", "https://ok.example/"),
    ("https://ok.example/a?b#c", "https://ok.example/a?b#c", "https://ok.example/a"),
    ("https://ok.example/a/../b", "https://ok.example/b", "https://ok.example/b"),
    ("https://ok.example/%2e%2e/b", "https://ok.example/b", "https://ok.example/b"),
    (
        "https://ok.example//evil.example/",
        "https://ok.example//evil.example/",
        "https://ok.example//evil.example/",
    ),
    (
        "https://ok.example/\u00fc b",
        "https://ok.example/%C3%BC%20b",
        "https://ok.example/%C3%BC%20b",
    ),
    (
        "https://ok.example/@evil.example",
        "https://ok.example/@evil.example",
        "https://ok.example/@evil.example",
    ),
    ("https://ok.example/%0d%0aa", "https://ok.example/%0d%0aa", "https://ok.example/%0d%0aa"),
    (
        "https://ok.example/<b>\"'",
        "https://ok.example/%3Cb%3E%22'",
        "https://ok.example/%3Cb%3E%22'",
    ),
    ("https://127.0.0.1/", "https://127.0.0.1/", "https://127.0.0.1/"),
    ("https://[::1]/", "https://[::1]/", "https://[::1]/"),
]


@pytest.mark.parametrize(("text", "address", "counted"), FOLLOWED)
def test_what_is_followed_is_normalised(text: str, address: str, counted: str) -> None:
    """As browsers write it; what may hold personal data is not counted by."""
    link = judge_link(text, ALLOWED, parse_web_address)

    assert link == Link(address, counted, urlsplit(counted).netloc)


@pytest.mark.parametrize(
    ("error", "text"), [(error, text) for error, texts in EVIL.items() for text in texts]
)
def test_what_is_evil_is_refused_by_its_cause(error: str, text: str) -> None:
    """None of these addresses leads anywhere."""
    refused = judge_link(text, ONLY_NAMES, parse_web_address)

    assert isinstance(refused, Malformed), refused
    assert (refused.error, refused.member) == (error, "url")


def test_there_are_many_of_them() -> None:
    """Nobody thins them out unseen."""
    assert len({text for texts in EVIL.values() for text in texts}) > 220


def test_nothing_is_allowed_by_itself() -> None:
    """Without an allowlist no link is followed."""
    refused = judge_link("https://ok.example/", frozenset(), parse_web_address)

    assert isinstance(refused, Malformed)
    assert refused.error == "domain_not_allowed"


def test_a_link_of_the_greatest_length_is_followed() -> None:
    """The limit is in characters, before and after they are percent-encoded."""
    text = "https://ok.example/".ljust(MOST_CHARACTERS, "a")
    longer = judge_link(text + "a", ALLOWED, parse_web_address)

    assert isinstance(judge_link(text, ALLOWED, parse_web_address), Link)
    assert isinstance(longer, Malformed)
    assert longer.error == "url_too_long"


_PIECES = st.one_of(
    st.sampled_from(
        [
            *("https://", "http://", "//", "https:", "ok.example", "evil.example", "b.ok.example"),
            *(
                "@",
                ":",
                ":443",
                "/",
                "\\",
                "?",
                "#",
                ".",
                "%",
                "%2e",
                "%2f",
                "%40",
                "%00",
                "[",
                "]",
            ),
            *(
                "[::1]",
                "127.0.0.1",
                "0x7f.1",
                "xn--",
                "\t",
                "\n",
                " ",
                "\u3002",
                "\uff0e",
                "\u2044",
            ),
            *("\u00ad", "\u200b", "\u212a", ";", "&", "=", "|", "^", "..", "-", "_"),
        ]
    ),
    st.text(max_size=3),
)
ADDRESSES = st.one_of(
    st.lists(_PIECES, max_size=12).map("".join),
    st.lists(_PIECES, max_size=6).map(lambda pieces: "https://ok.example" + "".join(pieces)),
    st.lists(_PIECES, max_size=6).map(lambda pieces: "https://" + "".join(pieces) + "ok.example/"),
)


@given(ADDRESSES)
@example("https://ok.example/|[]^`{}")
@settings(max_examples=600, deadline=None, derandomize=True)
def test_every_reader_sees_an_allowed_host(text: str) -> None:
    """Where an address is followed, WHATWG's and Python's readers agree on scheme and host."""
    link = judge_link(text, ALLOWED, parse_web_address)
    if isinstance(link, Malformed):
        return
    by_browsers, by_python = ada_url.URL(link.address), urlsplit(link.address)
    written = f"[{by_python.hostname}]" if ":" in (by_python.hostname or "") else by_python.hostname

    assert by_browsers.hostname == written
    assert written in ALLOWED
    assert (by_browsers.protocol, by_python.scheme) == ("https:", "https")
    assert (by_browsers.port, by_python.port) == ("", None)
    assert by_browsers.username == by_browsers.password == ""
    assert (by_python.username, by_python.password) == (None, None)
    assert link.address.isascii()
    assert link.address.isprintable()
    assert not set(' \\"<>') & set(link.address)
    assert by_browsers.href == link.address
    assert judge_link(link.address, ALLOWED, parse_web_address) == link
