"""The lists of posts: published ones for everybody, one's own of any status for authors.

With `q` they are a search, which is in `post_search.py`.
"""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import Request, get

from api.answer import Answer
from api.conditional import parse_conditions
from api.cursor import Cursor, decode_cursor, encode_cursor
from api.etag import list_tag
from api.exchange import Exchange
from api.post_reads import PUBLIC
from api.post_search import Asked as Search
from api.post_search import find, parse_search
from api.query import bad_parameter, parse_limit, parse_query
from api.requests import not_acceptable
from api.responses import PRIVATE, respond
from api.route_table import direct
from commands.outcomes import Found, Malformed, NotModified, Outcome, StaleVersion, Unauthenticated
from commands.preconditions import Verdict, evaluate
from domain.post import Status
from domain.stream import Actor
from projections.post_queries import Asked as Wanted
from projections.post_queries import Place
from projections.posts import SCHEMA_VERSION

Incoming = Request[Any, Any, Any]

_PARAMETERS = frozenset({"cursor", "limit", "q", "status"})
_NEVER = datetime(9999, 12, 31, tzinfo=UTC)
_NEWEST = Place(_NEVER, UUID(int=2**128 - 1))


class Asked(msgspec.Struct, frozen=True):
    """Which page of which list."""

    status: Status | None
    limit: int
    cursor: Cursor | None

    @property
    def of_list(self) -> str:
        """Name the list, so that a cursor of one is not taken for another."""
        return "posts" if self.status is None else f"posts?status={self.status}"

    def wanted(self, actor: Actor | None) -> Wanted:
        """Say it as the read model takes it; a status is asked for of one's own posts."""
        place = _NEWEST
        if self.cursor is not None:
            place = Place(self.cursor.at, self.cursor.id)
        if self.status is None or actor is None:
            return Wanted(place, self.limit)
        return Wanted(place, self.limit, actor.account_id, self.status)

    def link(self, relation: str, cursor: str | None) -> str:
        """Write a link to another page of the list."""
        query: dict[str, str | int] = {"limit": self.limit}
        if self.status is not None:
            query["status"] = self.status
        if cursor is not None:
            query["cursor"] = cursor
        return f'</posts?{urlencode(query)}>; rel="{relation}"'


async def list_answer(exchange: Exchange) -> Answer:
    """Answer GET /posts."""
    return respond(await _list(exchange), exchange)


@get("/posts", opt=direct(list_answer))
async def list_posts(request: Incoming) -> Answer:
    """List published posts, newest first; with `status`, one's own posts of that status.

    With `q` those are found that have the words searched for, the best first, each with a member
    `highlights` (null while a change to the post is not searchable yet): pieces of plain text, and
    the offsets of the matches in them.
    """
    return await list_answer(Exchange.of(request.scope))


HANDLERS = (list_posts,)


async def _list(exchange: Exchange) -> Outcome:
    actor = await exchange.actor()
    if isinstance(actor, Unauthenticated):
        return actor
    asked = _parse(exchange.query)
    if isinstance(asked, Malformed):
        return asked
    if isinstance(asked, Search):
        return await find(exchange, asked)
    if asked.status is not None and actor is None:
        return Unauthenticated("Listing one's own posts needs an access token.")
    refused = not_acceptable(exchange)
    if refused is not None:
        return refused
    conditions = parse_conditions(exchange.headers)
    if isinstance(conditions, Malformed):
        return conditions
    page = await exchange.services.post_queries.page(asked.wanted(actor))
    cursor = None if page.following is None else _cursor(page.following, asked.of_list)
    rendering = f"{asked.of_list} {asked.limit} {asked.cursor} {cursor}"
    current = list_tag(SCHEMA_VERSION, rendering, page.digest)
    caching = (
        (PUBLIC, "Accept, Authorization")
        if asked.status is None
        else (PRIVATE, "Accept, Authorization")
    )
    # A page's time would say nothing of the posts that left it: only its tag counts.
    match evaluate(conditions, tag=current, modified=None, safe=True):
        case Verdict.NOT_MODIFIED:
            return NotModified(current, *caching)
        case Verdict.FAILED:
            return StaleVersion(current, "/posts")
        case Verdict.PROCEED:
            links = [asked.link("first", None)]
            if cursor is not None:
                links.append(asked.link("next", cursor))
            following = b"null" if cursor is None else b'"%s"' % cursor.encode()
            body = b'{"items":[%s],"nextCursor":%s}' % (page.items, following)
            return Found(body, current, None, *caching, tuple(links))


def _parse(query: bytes) -> Asked | Search | Malformed:
    parameters = parse_query(query, _PARAMETERS)
    if isinstance(parameters, Malformed):
        return parameters
    if "q" in parameters:
        return parse_search(parameters)
    limit = parse_limit(parameters.get("limit"))
    if isinstance(limit, Malformed):
        return limit
    status = _parse_status(parameters.get("status"))
    if isinstance(status, Malformed):
        return status
    asked = Asked(status, limit, None)
    text = parameters.get("cursor")
    if text is None:
        return asked
    cursor = decode_cursor(text, of_list=asked.of_list)
    return cursor if isinstance(cursor, Malformed) else Asked(status, limit, cursor)


def _parse_status(text: str | None) -> Status | Malformed | None:
    if text is None:
        return None
    try:
        return Status(text)
    except ValueError:
        return bad_parameter("status", f"The value must be one of {', '.join(Status)}.")


def _cursor(place: Place, of_list: str) -> str:
    return encode_cursor(Cursor.of(place.sort_at, place.id), of_list=of_list)
