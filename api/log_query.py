"""Reads which entries of the log an auditor asks for, and writes the links to the pages of it."""

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec

from api.query import bad_parameter, parse_integer, parse_moment, parse_query, parse_uuid
from commands.outcomes import Malformed
from commands.ports import LogFilter
from domain.stream import Stream

DEFAULT_LIMIT = 50
MAX_LIMIT = 1000
LARGEST = 2**63 - 1

FILTERS = frozenset({"after", "type", "actor", "since", "until"})
"""What every reading of the log takes."""

_CATEGORY = re.compile(r"[a-z][a-z0-9_-]{0,63}", re.ASCII)
_TYPE = re.compile(r"[a-z][a-z0-9._-]{0,127}", re.ASCII)


class LogQuery(msgspec.Struct, frozen=True):
    """Which entries, from where on, and how many at most."""

    path: str
    parameters: dict[str, str]
    """As they came, for the links."""
    which: LogFilter
    after: int | None
    """Only what comes after this position; None where it is not said."""
    limit: int | None

    @property
    def name(self) -> str:
        """Name what is asked for, so that no two pages have one name."""
        return f"{self.path}?{urlencode(sorted(self.parameters.items()))}"

    def link(self, relation: str, after: int | None) -> str:
        """Write a link to the page that begins after a position, or to the first page."""
        query = {name: text for name, text in self.parameters.items() if name != "after"}
        if after is not None:
            query["after"] = str(after)
        target = f"{self.path}?{urlencode(query)}" if query else self.path
        return f'<{target}>; rel="{relation}"'


def parse_log_query(
    raw: bytes,
    *,
    path: str,
    stream: Stream | None = None,
    most: int | None = None,
) -> LogQuery | Malformed:
    """Read the parameters of a query string.

    `stream` is set where the path names it already; the parameters `stream` and `category` are
    taken only where it does not. `most` is the highest `limit`; without it there is none at all.
    """
    known = FILTERS if stream is not None else FILTERS | {"stream", "category"}
    parameters = parse_query(raw, known if most is None else known | {"limit"})
    if isinstance(parameters, Malformed):
        return parameters
    numbers = _numbers(parameters, most)
    if isinstance(numbers, Malformed):
        return numbers
    which = _filter(parameters, stream)
    if isinstance(which, Malformed):
        return which
    return LogQuery(path, parameters, which, *numbers)


def parse_category(text: str) -> str | None:
    """Read the name of a category of streams, such as `post`."""
    return text if _CATEGORY.fullmatch(text) is not None else None


def _numbers(
    parameters: dict[str, str], most: int | None
) -> tuple[int | None, int | None] | Malformed:
    after: int | Malformed | None = None
    limit: int | Malformed | None = None
    if "after" in parameters:
        after = parse_integer("after", parameters["after"], least=0, most=LARGEST)
    if "limit" in parameters:
        limit = parse_integer("limit", parameters["limit"], least=1, most=most or LARGEST)
    if isinstance(after, Malformed):
        return after
    return limit if isinstance(limit, Malformed) else (after, limit)


def _filter(parameters: dict[str, str], stream: Stream | None) -> LogFilter | Malformed:
    read: dict[str, Any] = {} if stream is None else {"stream": stream}
    for name, reader in _READERS.items():
        if name in parameters:
            value = reader(parameters[name])
            if isinstance(value, Malformed):
                return value
            read[name] = value
    if "category" in read and "stream" in read:
        return bad_parameter("category", "The stream says its category already.")
    return LogFilter(**read)


def _stream(text: str) -> Stream | Malformed:
    category, _, id_ = text.partition("/")
    stream_id = parse_uuid(id_)
    if parse_category(category) is None or stream_id is None:
        return bad_parameter("stream", "The value must be a category and an id: post/0190c6a8-...")
    return Stream(category, stream_id)


def _category(text: str) -> str | Malformed:
    return parse_category(text) or bad_parameter(
        "category", "The value must be the name of a category, such as post."
    )


def _type(text: str) -> str | Malformed:
    if _TYPE.fullmatch(text) is not None:
        return text
    return bad_parameter("type", "The value must be the name of an event, such as post.edited.v1.")


def _actor(text: str) -> UUID | Malformed:
    return parse_uuid(text) or bad_parameter("actor", "The value must be the id of an account.")


_READERS: Mapping[str, Callable[[str], object]] = {
    "stream": _stream,
    "category": _category,
    "type": _type,
    "actor": _actor,
    "since": partial(parse_moment, "since"),
    "until": partial(parse_moment, "until"),
}
"""The filters by parameter, each of which is a member of `LogFilter`."""
