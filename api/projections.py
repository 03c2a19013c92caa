"""How the projections stand, for operators."""

from typing import Any

import msgspec
from litestar import Request, get

from api.answer import Answer
from api.exchange import Exchange
from api.requests import no_query, not_acceptable, required_role
from api.responses import UNSEEN_BY_CACHES, respond
from commands.outcomes import Forbidden, Found, NotFound, Outcome
from domain.stream import Actor, Role
from projections.status import ProjectionStatus

Incoming = Request[Any, Any, Any]

PROJECTION_NOT_FOUND = NotFound("projection_not_found")
_OPERATORS_ALONE = Forbidden("Only operators may see the projections.")

_encode = msgspec.json.Encoder().encode


class ProjectionList(msgspec.Struct, frozen=True):
    """Every projection, by name."""

    items: list[ProjectionStatus]


@get("/projections")
async def list_projections(request: Incoming) -> Answer:
    """List the projections, and how far each has come."""
    exchange = Exchange.of(request.scope)
    return respond(await _list(exchange), exchange)


@get("/projections/{name:str}")
async def read_projection(request: Incoming) -> Answer:
    """Tell how far a projection has come."""
    exchange = Exchange.of(request.scope)
    return respond(await _read(exchange), exchange)


HANDLERS = (list_projections, read_projection)


async def _list(exchange: Exchange) -> Outcome:
    refused = await _refused(exchange)
    if refused is not None:
        return refused
    statuses = await exchange.services.projections.all()
    return Found(_encode(ProjectionList([*statuses])), None, None, *UNSEEN_BY_CACHES)


async def _read(exchange: Exchange) -> Outcome:
    refused = await _refused(exchange)
    if refused is not None:
        return refused
    status = await known(exchange)
    if status is None:
        return PROJECTION_NOT_FOUND
    return Found(_encode(status), None, None, *UNSEEN_BY_CACHES)


async def known(exchange: Exchange) -> ProjectionStatus | None:
    """Find the projection that the path names."""
    name = exchange.parameter("name")
    # No name has characters that PostgreSQL could not take.
    return await exchange.services.projections.one(name) if name.isidentifier() else None


async def _refused(exchange: Exchange) -> Outcome | None:
    deed = "Seeing the projections"
    actor = await required_role(exchange, deed, _OPERATORS_ALONE, Role.OPERATOR)
    if not isinstance(actor, Actor):
        return actor
    return no_query(exchange) or not_acceptable(exchange)
