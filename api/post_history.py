"""The requests that read posts as they were: their versions, one version, a moment in time.

They are for the author, auditors and admins alone.
"""

from hashlib import blake2b
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, get

from api.answer import Answer
from api.conditional import shown
from api.etag import list_tag
from api.exchange import Exchange
from api.query import bad_parameter, parse_integer, parse_limit, parse_moment, parse_query
from api.requests import id_in_path, not_acceptable
from api.responses import PRIVATE, VARY, respond
from api.times import rfc3339
from commands.outcomes import (
    Forbidden,
    Malformed,
    NotFound,
    Outcome,
    Unauthenticated,
)
from commands.ports import LogEntry, LogFilter, Metadata
from commands.post_history import as_of, at_version
from commands.posts import POST_NOT_FOUND
from domain import post, post_access
from domain.post import Post
from domain.refusal import UnderLegalHold
from domain.stream import Actor
from projections.posts import body, tag

IMMUTABLE = "private, max-age=31536000, immutable"
_LARGEST_VERSION = 2**31 - 1
_DELETION = "post.deleted.v1"

_LIST_VERSION = 1
"""Part of the list's tags; a change to how it is written needs a new one."""

VERSION_NOT_FOUND = NotFound("version_not_found")

Incoming = Request[Any, Any, Any]

_metadata = msgspec.json.Decoder(Metadata)


class VersionEntry(msgspec.Struct, frozen=True, rename="camel"):
    """One event of a post, as its history lists it."""

    version: int
    type: str
    at: str
    actor: UUID | None
    command: str
    position: int
    href: str | None
    """Where the post can be read as this version left it; null for a deletion."""


@get("/posts/{post_id:str}/versions")
async def versions(request: Incoming) -> Answer:
    """List what happened to a post, oldest first."""
    exchange = Exchange.of(request.scope)
    return respond(await _versions(exchange), exchange)


@get("/posts/{post_id:str}/versions/{version:str}")
async def version(request: Incoming) -> Answer:
    """Read a post as it stood at one version."""
    exchange = Exchange.of(request.scope)
    return respond(await _version(exchange), exchange)


HANDLERS = (versions, version)


async def read_as_of(exchange: Exchange, actor: Actor | None, post_id: UUID) -> Outcome:
    """Read a post as it stood at the moment that the query names."""
    parameters = parse_query(exchange.query, frozenset({"asOf"}))
    if isinstance(parameters, Malformed):
        return parameters
    text = parameters.get("asOf")
    if text is None:  # nothing but separators
        return bad_parameter(None, "There is no parameter in it.")
    moment = parse_moment("asOf", text)
    if isinstance(moment, Malformed):
        return moment
    refused = await _refused(exchange, actor, post_id)
    if refused is not None:
        return refused
    state = await as_of(exchange.services.ledger.store, post_id, moment)
    return _as_it_was(exchange, state, PRIVATE)


async def _versions(exchange: Exchange) -> Outcome:
    asked = await _asked(exchange, frozenset({"after", "limit"}))
    if not isinstance(asked, tuple):
        return asked
    post_id, parameters = asked
    after = parse_integer("after", parameters.get("after", "0"), least=0, most=_LARGEST_VERSION)
    limit = parse_limit(parameters.get("limit"))
    if isinstance(after, Malformed):
        return after
    if isinstance(limit, Malformed):
        return limit
    which = LogFilter(stream=post.stream(post_id), after_version=after)
    # One more than asked for tells whether there is another page.
    entries = [entry async for entry in exchange.services.log.entries(which, limit=limit + 1)]
    page = entries[:limit]
    following = page[-1].version if len(entries) > limit else None
    ids = b"".join(entry.event_id.bytes for entry in page)
    digest = blake2b(ids, digest_size=16, person=b"versions").digest()
    links = [f'</posts/{post_id}/versions?limit={limit}>; rel="first"']
    if following is not None:
        address = f"/posts/{post_id}/versions?after={following}&limit={limit}"
        links.append(f'<{address}>; rel="next"')
    return shown(
        exchange,
        msgspec.json.encode({"items": [_entry(entry) for entry in page], "nextAfter": following}),
        tag=list_tag(_LIST_VERSION, f"{post_id} {after} {limit} {following}", digest),
        modified=None,
        caching=(PRIVATE, VARY),
        history=f"/posts/{post_id}/versions",
        links=links,
    )


async def _version(exchange: Exchange) -> Outcome:
    asked = await _asked(exchange, frozenset())
    if not isinstance(asked, tuple):
        return asked
    post_id, _ = asked
    number = parse_integer("version", exchange.parameter("version"), least=1, most=_LARGEST_VERSION)
    if isinstance(number, Malformed):
        return number
    state = await at_version(exchange.services.ledger.store, post_id, number)
    published = state is not None and state.status is post.Status.PUBLISHED
    return _as_it_was(exchange, state, IMMUTABLE if published else PRIVATE)


async def _asked(
    exchange: Exchange, parameters: frozenset[str]
) -> tuple[UUID, dict[str, str]] | Outcome:
    """Check who asks for which post's history, and read the parameters."""
    actor = await exchange.actor()
    if isinstance(actor, Unauthenticated):
        return actor
    post_id = id_in_path(exchange, "post_id")
    if isinstance(post_id, Malformed):
        return post_id
    refused = await _refused(exchange, actor, post_id)
    if refused is not None:
        return refused
    query = parse_query(exchange.query, parameters)
    return query if isinstance(query, Malformed) else (post_id, query)


async def _refused(exchange: Exchange, actor: Actor | None, post_id: UUID) -> Outcome | None:
    """Say why the caller does not get the post's history, or nothing."""
    if actor is None:
        return Unauthenticated("Reading the history of a post needs an access token.")
    head = await exchange.services.post_queries.head(post_id)
    if head is None:
        return POST_NOT_FOUND
    if not post_access.may_see_history(actor, author_id=head.author_id):
        visible = not head.deleted and post_access.may_see(
            actor, author_id=head.author_id, status=head.status
        )
        return (
            Forbidden("Only its author, auditors and admins see it.") if visible else POST_NOT_FOUND
        )
    if head.held_by is not None and not post_access.may_pass_hold(actor):
        return UnderLegalHold(head.held_by)
    return not_acceptable(exchange)


def _as_it_was(exchange: Exchange, state: Post | None, cache_control: str) -> Outcome:
    if state is None or state.deleted:
        return VERSION_NOT_FOUND
    return shown(
        exchange,
        body(state),
        tag=tag(state.version),
        modified=state.updated_at,
        caching=(cache_control, VARY),
        history=f"/posts/{state.id}/versions",
    )


def _entry(entry: LogEntry) -> VersionEntry:
    metadata = _metadata.decode(entry.metadata)
    href = f"/posts/{entry.stream.id}/versions/{entry.version}"
    return VersionEntry(
        version=entry.version,
        type=entry.type,
        at=rfc3339(entry.at),
        actor=metadata.actor,
        command=metadata.command,
        position=entry.position,
        href=None if entry.type == _DELETION else href,
    )
