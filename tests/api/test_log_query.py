"""Specifies how the parameters of the log's addresses are read."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from api.log_query import LogQuery, parse_log_query
from commands.outcomes import Malformed
from commands.ports import LogFilter
from domain.stream import Stream

ID = "01920000-0000-7000-8000-000000000000"
POST = Stream("post", UUID(ID))


def read(query: str, *, stream: Stream | None = None) -> LogQuery | Malformed:
    """Read a query string as `/events` does."""
    return parse_log_query(query.encode(), path="/events", stream=stream, most=1000)


def understood(query: str) -> LogQuery:
    """Read a query string that must be right."""
    asked = read(query)
    assert isinstance(asked, LogQuery), asked
    return asked


def test_nothing_said_is_everything() -> None:
    """Without parameters the whole log is asked for."""
    asked = understood("")

    assert (asked.which, asked.after, asked.limit) == (LogFilter(), None, None)


@pytest.mark.parametrize(
    ("query", "which"),
    [
        (f"stream=post/{ID}", LogFilter(stream=POST)),
        ("category=post", LogFilter(category="post")),
        ("type=post.edited.v1", LogFilter(type="post.edited.v1")),
        (f"actor={ID}", LogFilter(actor=UUID(ID))),
        ("since=2026-03-01T10:00:00%2B01:00", LogFilter(since=datetime(2026, 3, 1, 9, tzinfo=UTC))),
        ("until=2026-03-01T09:00:00Z", LogFilter(until=datetime(2026, 3, 1, 9, tzinfo=UTC))),
    ],
)
def test_each_filter_is_understood(query: str, which: LogFilter) -> None:
    """Stream, category, type, actor and times narrow down what is read."""
    assert understood(query).which == which


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("after=-1", "after"),
        ("after=1_000", "after"),
        ("after=9223372036854775808", "after"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("stream=post", "stream"),
        (f"stream=Post/{ID}", "stream"),
        ("stream=post/urn:uuid:1", "stream"),
        (f"stream=post/{ID}&category=post", "category"),
        ("category=", "category"),
        ("category=%00", "category"),
        ("type=post%20edited", "type"),
        ("type=%00", "type"),
        ("actor=me", "actor"),
        ("since=yesterday", "since"),
        ("until=2026-03-01", "until"),
        ("cursor=1", "cursor"),
        ("limit=1&limit=2", "limit"),
    ],
)
def test_what_is_wrong_is_named(query: str, name: str) -> None:
    """A parameter that is unknown, repeated or has no possible value is refused by name."""
    refused = read(query)

    assert isinstance(refused, Malformed)
    assert (refused.error, refused.member) == ("bad_parameter", name)


def test_a_stream_is_not_named_twice() -> None:
    """Where the path says which stream, the query cannot."""
    refused = read("category=post", stream=POST)

    assert isinstance(refused, Malformed)
    assert refused.member == "category"


def test_links_keep_what_was_asked_for() -> None:
    """A link has the same filters and limit, and its own place."""
    asked = understood("type=post.edited.v1&limit=2&after=7")

    assert asked.link("first", None) == '</events?type=post.edited.v1&limit=2>; rel="first"'
    assert asked.link("next", 9) == '</events?type=post.edited.v1&limit=2&after=9>; rel="next"'
