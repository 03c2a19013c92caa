"""Rebuilding projections over HTTP: asking for it, how it goes, calling it off."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, delete, get, post

from api.answer import Answer
from api.exchange import Exchange
from api.projections import PROJECTION_NOT_FOUND, known
from api.requests import (
    condition_failed,
    id_in_path,
    no_query,
    not_acceptable,
    read_nothing,
    required_role,
)
from api.responses import UNSEEN_BY_CACHES, respond
from commands.outcomes import Accepted, Done, Forbidden, Found, NotFound, Outcome, Unauthenticated
from domain.refusal import RejectedByState
from domain.stream import Actor, Role
from projections.rebuild_requests import (
    UNDER_WAY,
    RebuildProgress,
    RebuildResult,
    RebuildState,
    RebuildStatus,
)
from projections.registry import PROJECTIONS

Incoming = Request[Any, Any, Any]

REBUILD_NOT_FOUND = NotFound("rebuild_not_found")
_OPERATORS_ALONE = Forbidden("Only operators may rebuild projections.")
_ASK_AGAIN_SECONDS = 1

_encode = msgspec.json.Encoder().encode


class RebuildAsked(msgspec.Struct, frozen=True, rename="camel"):
    """A rebuild that waits for a projector to take it."""

    id: UUID
    projection: str
    status: RebuildStatus
    status_url: str


class RebuildBody(RebuildAsked, frozen=True, rename="camel"):
    """A rebuild as it stands."""

    step: str | None
    """What it is at, or where it ended; null before it has begun and when it is completed."""
    progress: RebuildProgress
    result: RebuildResult | None
    """When it is completed."""
    reason: str | None
    """Why it failed, or why it is tried again."""
    requested_at: datetime


@post("/projections/{name:str}/rebuild", status_code=200)
async def ask_for_rebuild(request: Incoming) -> Answer:
    """Make a projection's tables anew beside those that are served, which then change places.

    A projector does it. Nothing waits for it, and it can be called off until the places change.
    """
    exchange = Exchange.of(request.scope)
    return respond(await _ask(exchange), exchange)


@get("/projections/{name:str}/rebuilds/{rebuild_id:str}")
async def read_rebuild(request: Incoming) -> Answer:
    """Tell how a rebuild stands."""
    exchange = Exchange.of(request.scope)
    return respond(await _read(exchange), exchange)


@delete("/projections/{name:str}/rebuilds/{rebuild_id:str}", status_code=200)
async def cancel_rebuild(request: Incoming) -> Answer:
    """Call a rebuild off. What is served stays as it is."""
    exchange = Exchange.of(request.scope)
    return respond(await _cancel(exchange), exchange)


HANDLERS = (ask_for_rebuild, read_rebuild, cancel_rebuild)


async def _ask(exchange: Exchange) -> Outcome:
    actor = await _operator(exchange)
    if not isinstance(actor, Actor):
        return actor
    # The relay is in the list of those that follow the log, and has nothing to rebuild.
    if exchange.parameter("name") not in PROJECTIONS or not await known(exchange):
        return PROJECTION_NOT_FOUND
    refused = await _refused(exchange)
    if refused is not None:
        return refused
    services, name = exchange.services, exchange.parameter("name")
    rebuild_id = services.new_id()
    under_way = await services.rebuilds.ask(rebuild_id, name, actor.account_id)
    location = _location(name, under_way)
    if under_way != rebuild_id:
        return RejectedByState(
            error="rebuild_in_progress",
            detail=f"A rebuild of {name} is queued or running.",
            collides_with=location,
        )
    asked = RebuildAsked(rebuild_id, name, RebuildStatus.QUEUED, location)
    return Accepted(location, _encode(asked))


async def _read(exchange: Exchange) -> Outcome:
    actor = await _operator(exchange)
    if not isinstance(actor, Actor):
        return actor
    found = await _found(exchange)
    if not isinstance(found, RebuildState):
        return found
    refused = no_query(exchange) or not_acceptable(exchange)
    if refused is not None:
        return refused
    body = RebuildBody(
        id=found.id,
        projection=found.name,
        status=found.status,
        status_url=_location(found.name, found.id),
        step=found.step,
        progress=found.progress,
        result=found.result,
        reason=found.reason,
        requested_at=found.requested_at,
    )
    again = _ASK_AGAIN_SECONDS if found.status in UNDER_WAY else None
    return Found(_encode(body), None, None, *UNSEEN_BY_CACHES, retry_after=again)


async def _cancel(exchange: Exchange) -> Outcome:
    actor = await _operator(exchange)
    if not isinstance(actor, Actor):
        return actor
    found = await _found(exchange)
    if not isinstance(found, RebuildState):
        return found
    refused = await _refused(exchange) or condition_failed(exchange)
    if refused is not None:
        return refused
    rebuilds = exchange.services.rebuilds
    if await rebuilds.cancel(found.id):
        return Done()
    found = await rebuilds.one(found.id) or found
    at = found.step if found.status in UNDER_WAY and found.step else found.status
    return RejectedByState(
        error="rebuild_over",
        detail=f"It is too late to cancel the rebuild: {at}.",
        collides_with=_location(found.name, found.id),
    )


async def _operator(exchange: Exchange) -> Actor | Unauthenticated | Forbidden:
    deed = "Rebuilding a projection"
    return await required_role(exchange, deed, _OPERATORS_ALONE, Role.OPERATOR)


async def _found(exchange: Exchange) -> RebuildState | Outcome:
    """Find the rebuild of the path; one of another projection is not there."""
    rebuild_id = id_in_path(exchange, "rebuild_id")
    if not isinstance(rebuild_id, UUID):
        return rebuild_id
    found = await exchange.services.rebuilds.one(rebuild_id)
    if found is None or found.name != exchange.parameter("name"):
        return REBUILD_NOT_FOUND
    return found


async def _refused(exchange: Exchange) -> Outcome | None:
    """Refuse what has no meaning for a request that only names what to do."""
    return no_query(exchange) or not_acceptable(exchange) or await read_nothing(exchange)


def _location(name: str, rebuild_id: UUID) -> str:
    return f"/projections/{name}/rebuilds/{rebuild_id}"
