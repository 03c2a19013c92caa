"""The lists of posts: published ones for everybody, one's own of any status for authors.

With `q` they are a search, which is in `post_search.py`.
"""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from litestar import Request, get

from api.answer import Answer
from api.cursor import Cursor
from api.exchange import Exchange
from api.pages import page_answer, parse_page
from api.post_reads import PUBLIC
from api.post_search import find
from api.query import bad_parameter
from api.requests import not_acceptable
from api.responses import PRIVATE, respond
from api.route_table import direct
from commands.outcomes import Malformed, Outcome, Unauthenticated
from domain.post import Status
from projections.post_queries import Asked as Wanted
from projections.post_queries import Place
from projections.posts import SCHEMA_VERSION

Incoming = Request[Any, Any, Any]

_FILTERS = frozenset({"q", "status"})
_NEVER = datetime(9999, 12, 31, tzinfo=UTC)
_NEWEST = Place(_NEVER, UUID(int=2**128 - 1))


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
    asked = parse_page(exchange, "/posts", _FILTERS)
    if isinstance(asked, Malformed):
        return asked
    if "q" in asked.filters:
        return await find(exchange, asked)
    status = _parse_status(asked.filters.get("status"))
    if isinstance(status, Malformed):
        return status
    if status is not None and actor is None:
        return Unauthenticated("Listing one's own posts needs an access token.")
    refused = not_acceptable(exchange)
    if refused is not None:
        return refused
    place = _NEWEST if asked.before is None else Place(*asked.before)
    wanted = Wanted(place, asked.limit)
    if status is not None and actor is not None:
        wanted = Wanted(place, asked.limit, actor.account_id, status)
    page = await exchange.services.post_queries.page(wanted)
    return page_answer(
        exchange,
        asked,
        page.items,
        None if page.following is None else Cursor.of(*page.following),
        schema=SCHEMA_VERSION,
        cache_control=PUBLIC if status is None else PRIVATE,
        digest=page.digest,
    )


def _parse_status(text: str | None) -> Status | Malformed | None:
    if text is None:
        return None
    try:
        return Status(text)
    except ValueError:
        return bad_parameter("status", f"The value must be one of {', '.join(Status)}.")
