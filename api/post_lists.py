"""The lists of posts: published ones for everybody, one's own of any status for authors."""

from datetime import UTC, datetime, timedelta
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
from api.query import bad_parameter, parse_limit, parse_query
from api.requests import not_acceptable
from api.responses import PRIVATE, respond
from commands.outcomes import Found, Malformed, NotModified, Outcome, StaleVersion, Unauthenticated
from commands.preconditions import Verdict, evaluate
from domain.post import Status
from domain.stream import Actor
from projections.post_queries import PAGE_BYTES, ListedPost
from projections.posts import SCHEMA_VERSION

Incoming = Request[Any, Any, Any]

_PARAMETERS = frozenset({"cursor", "limit", "status"})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NEWEST = (datetime(9999, 12, 31, tzinfo=UTC), UUID(int=2**128 - 1))


class Asked(msgspec.Struct, frozen=True):
    """Which page of which list."""

    status: Status | None
    limit: int
    cursor: Cursor | None

    @property
    def of_list(self) -> str:
        """Name the list, so that a cursor of one is not taken for another."""
        return "posts" if self.status is None else f"posts?status={self.status}"

    def before(self) -> tuple[datetime, UUID]:
        """Give the place in the order after which the page begins."""
        if self.cursor is None:
            return _NEWEST
        return _EPOCH + timedelta(microseconds=self.cursor.micros), self.cursor.id

    def link(self, relation: str, cursor: str | None) -> str:
        """Write a link to another page of the list."""
        query: dict[str, str | int] = {"limit": self.limit}
        if self.status is not None:
            query["status"] = self.status
        if cursor is not None:
            query["cursor"] = cursor
        return f'</posts?{urlencode(query)}>; rel="{relation}"'


@get("/posts")
async def list_posts(request: Incoming) -> Answer:
    """List published posts, newest first; with `status`, one's own posts of that status."""
    exchange = Exchange.of(request.scope)
    return respond(await _list(exchange), exchange)


HANDLERS = (list_posts,)


async def _list(exchange: Exchange) -> Outcome:
    actor = await exchange.actor()
    if isinstance(actor, Unauthenticated):
        return actor
    asked = _parse(exchange.query)
    if isinstance(asked, Malformed):
        return asked
    if asked.status is not None and actor is None:
        return Unauthenticated("Listing one's own posts needs an access token.")
    refused = not_acceptable(exchange)
    if refused is not None:
        return refused
    conditions = parse_conditions(exchange.headers)
    if isinstance(conditions, Malformed):
        return conditions
    posts = await _fetch(exchange, actor, asked)
    page, cursor = _cut(asked, posts)
    current = list_tag(
        SCHEMA_VERSION,
        f"{asked.of_list} {asked.limit} {asked.cursor} {cursor}",
        ((post.id, post.version) for post in page),
    )
    caching = (
        (PUBLIC, "Accept, Authorization")
        if asked.status is None
        else (PRIVATE, "Accept, Authorization")
    )
    modified = max((post.updated_at for post in page), default=_EPOCH)
    match evaluate(conditions, tag=current, modified=modified, safe=True):
        case Verdict.NOT_MODIFIED:
            return NotModified(current, *caching)
        case Verdict.FAILED:
            return StaleVersion(current, "/posts")
        case Verdict.PROCEED:
            links = [asked.link("first", None)]
            if cursor is not None:
                links.append(asked.link("next", cursor))
            # A page's time would say nothing of posts that left it: only its tag is sent.
            return Found(_body(page, cursor), current, None, *caching, tuple(links))


def _parse(query: bytes) -> Asked | Malformed:
    parameters = parse_query(query, _PARAMETERS)
    if isinstance(parameters, Malformed):
        return parameters
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


async def _fetch(exchange: Exchange, actor: Actor | None, asked: Asked) -> list[ListedPost]:
    """Fetch one more than asked for, which tells whether there is another page."""
    queries = exchange.services.post_queries
    if asked.status is None:
        return list(await queries.published(asked.before(), asked.limit + 1))
    assert actor is not None  # noqa: S101 - checked with the parameters
    author = actor.account_id
    return list(await queries.own(author, asked.status, asked.before(), asked.limit + 1))


def _cut(asked: Asked, posts: list[ListedPost]) -> tuple[list[ListedPost], str | None]:
    """Give the page, and the cursor of the next one where there may be more."""
    page = posts[: asked.limit]
    ended_by_size = sum(len(post.body) for post in page) >= PAGE_BYTES
    if not page or (len(posts) <= asked.limit and not ended_by_size):
        return page, None
    last = page[-1]
    micros = (last.sort_at - _EPOCH) // timedelta(microseconds=1)
    return page, encode_cursor(Cursor(micros, last.id), of_list=asked.of_list)


def _body(page: list[ListedPost], cursor: str | None) -> bytes:
    """Put the page together from the stored bodies, which are JSON already."""
    following = b"null" if cursor is None else b'"%s"' % cursor.encode()
    return b'{"items":[%s],"nextCursor":%s}' % (b",".join([post.body for post in page]), following)
