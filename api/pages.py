"""Lists in pages: which page a client asks for, and the page as an answer (HTTP contract, 12).

For lists that cursors go through; those of events go on after a position or a version.
"""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from hashlib import blake2b
from typing import TypeVar
from urllib.parse import urlencode
from uuid import UUID

import msgspec

from api.conditional import settled
from api.cursor import Cursor, decode_cursor, encode_cursor
from api.etag import list_tag
from api.exchange import Exchange
from api.query import parse_limit, parse_query
from api.responses import PRIVATE, VARY
from commands.outcomes import Found, Malformed, Outcome

Row = TypeVar("Row")


class PageAsked(msgspec.Struct, frozen=True):
    """The page of a list that a client asks for."""

    path: str
    limit: int
    filters: Mapping[str, str]
    """The other parameters, as they came: each set of them makes a list of its own."""
    cursor: Cursor | None

    @property
    def of_list(self) -> str:
        """Name the list, so that a cursor of one is not taken for another."""
        name = self.path.removeprefix("/")
        return f"{name}?{urlencode(self.filters)}" if self.filters else name

    @property
    def before(self) -> tuple[datetime, UUID] | None:
        """The sort time and the id that the page comes after; None for the first."""
        return None if self.cursor is None else (self.cursor.at, self.cursor.id)

    def split(
        self, rows: Sequence[Row], place: Callable[[Row], tuple[datetime, UUID]]
    ) -> tuple[Sequence[Row], Cursor | None]:
        """Cut a page off rows of which there is one more than `limit` where another page follows.

        `place` gives what the rows are sorted by.
        """
        page = rows[: self.limit]
        return page, Cursor.of(*place(page[-1])) if len(rows) > len(page) else None

    def link(self, relation: str, cursor: str | None) -> str:
        """Write a link to another page of the list."""
        query = {"limit": str(self.limit), **self.filters}
        if cursor is not None:
            query["cursor"] = cursor
        return f'<{self.path}?{urlencode(query)}>; rel="{relation}"'


def parse_page(
    exchange: Exchange, path: str, filters: AbstractSet[str] = frozenset()
) -> PageAsked | Malformed:
    """Read which page of the list at a path is asked for; what the filters mean is the list's."""
    parameters = parse_query(exchange.query, {"cursor", "limit", *filters})
    if isinstance(parameters, Malformed):
        return parameters
    text = parameters.pop("cursor", None)
    limit = parse_limit(parameters.pop("limit", None))
    if isinstance(limit, Malformed):
        return limit
    asked = PageAsked(path, limit, dict(sorted(parameters.items())), None)
    if text is None:
        return asked
    cursor = decode_cursor(text, of_list=asked.of_list)
    if isinstance(cursor, Malformed):
        return cursor
    return msgspec.structs.replace(asked, cursor=cursor)


def page_answer(
    exchange: Exchange,
    asked: PageAsked,
    items: bytes,
    following: Cursor | None,
    *,
    schema: int,
    cache_control: str = PRIVATE,
    digest: bytes | None = None,
) -> Outcome:
    """Show a page: items in JSON with commas between, and the cursor of the page that follows.

    Its tag is made of what is on it, or of a `digest` that a read model has of it already.
    """
    next_cursor = None if following is None else encode_cursor(following, of_list=asked.of_list)
    if digest is None:
        digest = blake2b(items, digest_size=16, person=b"items").digest()
    tag = list_tag(schema, f"{asked.of_list} {asked.limit} {asked.cursor} {next_cursor}", digest)
    caching = cache_control, VARY
    # A page's time would say nothing of the items that left it: only its tag counts.
    known = settled(exchange, tag=tag, modified=None, caching=caching, history=asked.path)
    if known is not None:
        return known
    links = [asked.link("first", None)]
    cursor = b"null"
    if next_cursor is not None:
        links.append(asked.link("next", next_cursor))
        cursor = b'"%b"' % next_cursor.encode()
    body = b'{"items":[%b],"nextCursor":%b}' % (items, cursor)
    return Found(body, tag, None, *caching, tuple(links))
