"""The requests that read posts as they are; `api/post_history.py` reads them as they were."""

from typing import Any

from litestar import Request, get

from api.answer import Answer
from api.conditional import Caching, settled
from api.exchange import Exchange
from api.post_history import read_as_of
from api.requests import id_in_path, not_acceptable
from api.responses import PRIVATE, VARY, respond
from api.route_table import direct
from api.urlencoded import reencoded
from commands.outcomes import (
    Found,
    Malformed,
    Moved,
    Outcome,
    Unauthenticated,
)
from commands.posts import POST_NOT_FOUND
from domain import post_access
from domain.refusal import UnderLegalHold
from domain.stream import Actor
from projections.post_queries import PostHead
from projections.posts import tag

PUBLIC = "public, max-age=60, stale-while-revalidate=300"
SLUG_REDIRECT_SECONDS = 3600

Incoming = Request[Any, Any, Any]


async def post_by_id(exchange: Exchange) -> Answer:
    """Answer with a post, as it is or as of a time."""
    return respond(await _by_id(exchange), exchange)


async def post_by_slug(exchange: Exchange) -> Answer:
    """Answer with the post that has this slug, or with where it moved."""
    return respond(await _by_slug(exchange), exchange)


@get("/posts/{post_id:str}", opt=direct(post_by_id))
async def read(request: Incoming) -> Answer:
    """Read a post; with `asOf`, as it stood at that time."""
    return await post_by_id(Exchange.of(request.scope))


@get("/posts/slug/{slug:str}", opt=direct(post_by_slug))
async def read_slug(request: Incoming) -> Answer:
    """Read a post by its slug; a slug that it left answers with a redirect.

    Query parameters have no meaning here: they are ignored, and kept by the redirect.
    """
    return await post_by_slug(Exchange.of(request.scope))


HANDLERS = (read, read_slug)


async def _by_id(exchange: Exchange) -> Outcome:
    actor = await exchange.actor()
    if isinstance(actor, Unauthenticated):
        return actor
    post_id = id_in_path(exchange, "post_id")
    if isinstance(post_id, Malformed):
        return post_id
    if exchange.query:
        return await read_as_of(exchange, actor, post_id)
    queries = exchange.services.post_queries
    head = await queries.head(post_id)
    return await _answer(exchange, actor, head)


async def _by_slug(exchange: Exchange) -> Outcome:
    """Find the post by its slug. The query means nothing here and any will do.

    These are the addresses that people share, and others hang marks of their own on them.
    """
    actor = await exchange.actor()
    if isinstance(actor, Unauthenticated):
        return actor
    queries = exchange.services.post_queries
    slug = exchange.parameter("slug")
    head = await queries.head_by_slug(slug)
    if head is None:
        moved = await queries.moved_slug(slug)
        if moved is None:
            return POST_NOT_FOUND
        private = _caching(moved)[0] == PRIVATE
        query = f"?{reencoded(exchange.query)}" if exchange.query else ""
        redirect = Moved(f"/posts/slug/{moved.slug}{query}", SLUG_REDIRECT_SECONDS, private)
        return _refused(exchange, actor, moved) or redirect
    return await _answer(exchange, actor, head)


async def _answer(exchange: Exchange, actor: Actor | None, head: PostHead | None) -> Outcome:
    """Judge by the head alone; the body is fetched only to be sent."""
    queries = exchange.services.post_queries
    while head is not None:
        settled = _refused(exchange, actor, head) or _settled(exchange, head)
        if settled is not None:
            return settled
        body = await queries.body(head)
        if body is not None:
            return Found(body, tag(head.version), head.updated_at, *_caching(head))
        head = await queries.head(head.id)  # it changed meanwhile: judge the newer one
    return POST_NOT_FOUND


def _refused(exchange: Exchange, actor: Actor | None, head: PostHead) -> Outcome | None:
    """Say why the post is not shown to this client, or nothing."""
    if head.deleted or not post_access.may_see(actor, author_id=head.author_id, status=head.status):
        return POST_NOT_FOUND
    if head.held_by is not None and not post_access.may_pass_hold(actor):
        return UnderLegalHold(head.held_by)
    return not_acceptable(exchange)


def _settled(exchange: Exchange, head: PostHead) -> Outcome | None:
    return settled(
        exchange,
        tag=tag(head.version),
        modified=head.updated_at,
        caching=_caching(head),
        history=f"/posts/{head.id}/versions",
    )


def _caching(head: PostHead) -> Caching:
    """Say who may keep the answer and what it varies by."""
    public = post_access.may_see(None, author_id=head.author_id, status=head.status)
    if public and head.held_by is None:
        return PUBLIC, "Accept"
    return PRIVATE, VARY
