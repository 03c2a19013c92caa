"""The deliveries of a webhook for operators: what waits, what was given up, how far it has come."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, get, post

from api.answer import Answer
from api.exchange import Exchange
from api.pages import page_answer, parse_page
from api.query import bad_parameter
from api.requests import id_in_path, no_query, not_acceptable, read_nothing
from api.responses import UNSEEN_BY_CACHES, respond
from api.webhook_requests import PATH, change, operator
from commands.handle import Stop
from commands.outcomes import Found, Malformed, Outcome
from commands.webhooks import DELIVERY_NOT_FOUND, WEBHOOK_NOT_FOUND
from domain.stream import Actor
from domain.webhook import ReplayDelivery
from projections.webhook_deliveries import Delivery, DeliveryState

Incoming = Request[Any, Any, Any]

_SCHEMA_VERSION = 1
_LIST = f"{PATH}/{{webhook_id:str}}/deliveries"
_STATES = frozenset(DeliveryState)
_encode = msgspec.json.Encoder().encode


class DeliveryPage(msgspec.Struct, frozen=True, rename="camel"):
    """A page of deliveries, the newest first."""

    items: list[Delivery]
    next_cursor: str | None
    """Where the next page begins; null on the last one."""


@get(f"{PATH}/{{webhook_id:str}}/progress")
async def read_progress(request: Incoming) -> Answer:
    """Tell how far a webhook has come, and whether its receiver is well."""
    exchange = Exchange.of(request.scope)
    return respond(await _progress(exchange), exchange)


@get(_LIST)
async def list_deliveries(request: Incoming) -> Answer:
    """List the deliveries of a webhook, the newest first: those made, waiting and given up."""
    exchange = Exchange.of(request.scope)
    return respond(await _list(exchange), exchange)


@get(f"{_LIST}/{{delivery_id:str}}")
async def read_delivery(request: Incoming) -> Answer:
    """Tell how a delivery stands."""
    exchange = Exchange.of(request.scope)
    return respond(await _read(exchange), exchange)


@post(f"{_LIST}/{{delivery_id:str}}/replay", status_code=200)
async def replay_delivery(request: Incoming) -> Answer:
    """Send an event again whose delivery was given up, or made."""
    exchange = Exchange.of(request.scope)

    async def wish() -> ReplayDelivery | Stop:
        webhook_id = id_in_path(exchange, "webhook_id")
        delivery_id = id_in_path(exchange, "delivery_id")
        if not isinstance(webhook_id, UUID) or not isinstance(delivery_id, UUID):
            return Stop(DELIVERY_NOT_FOUND if isinstance(delivery_id, UUID) else delivery_id)
        refused = await read_nothing(exchange)
        if refused is not None:
            return Stop(refused)
        found = await exchange.services.delivery_queries.by_id(webhook_id, delivery_id)
        if found is None:
            return Stop(DELIVERY_NOT_FOUND)
        return ReplayDelivery(found.position, found.state is not DeliveryState.WAITING)

    return await change(exchange, "ReplayDelivery", wish)


HANDLERS = (read_progress, list_deliveries, read_delivery, replay_delivery)


async def _progress(exchange: Exchange) -> Outcome:
    webhook_id = await _webhook(exchange)
    if not isinstance(webhook_id, UUID):
        return webhook_id
    refused = no_query(exchange) or not_acceptable(exchange)
    if refused is not None:
        return refused
    progress = await exchange.services.delivery_queries.progress(webhook_id)
    return Found(_encode(progress), None, None, *UNSEEN_BY_CACHES)


async def _list(exchange: Exchange) -> Outcome:
    webhook_id = await _webhook(exchange)
    if not isinstance(webhook_id, UUID):
        return webhook_id
    asked = parse_page(exchange, f"{PATH}/{webhook_id}/deliveries", frozenset({"state"}))
    if isinstance(asked, Malformed):
        return asked
    state = asked.filters.get("state")
    if state is not None and state not in _STATES:
        return bad_parameter("state", f"It must be one of {', '.join(DeliveryState)}.")
    refused = not_acceptable(exchange)
    if refused is not None:
        return refused
    rows = await exchange.services.delivery_queries.page(
        webhook_id, None if state is None else DeliveryState(state), asked.limit + 1, asked.before
    )
    page, following = asked.split(rows, lambda row: (row.created_at, row.id))
    items = b",".join(_encode(row) for row in page)
    return page_answer(exchange, asked, items, following, schema=_SCHEMA_VERSION)


async def _read(exchange: Exchange) -> Outcome:
    webhook_id = await _webhook(exchange)
    if not isinstance(webhook_id, UUID):
        return webhook_id
    delivery_id = id_in_path(exchange, "delivery_id")
    if isinstance(delivery_id, Malformed):
        return delivery_id
    refused = no_query(exchange) or not_acceptable(exchange)
    if refused is not None:
        return refused
    found = await exchange.services.delivery_queries.by_id(webhook_id, delivery_id)
    if found is None:
        return DELIVERY_NOT_FOUND
    return Found(_encode(found), None, None, *UNSEEN_BY_CACHES)


async def _webhook(exchange: Exchange) -> UUID | Outcome:
    """Find the webhook of the path, for an operator."""
    actor = await operator(exchange, "Seeing the deliveries of a webhook")
    if not isinstance(actor, Actor):
        return actor
    webhook_id = id_in_path(exchange, "webhook_id")
    if isinstance(webhook_id, Malformed):
        return webhook_id
    if await exchange.services.webhook_queries.by_id(webhook_id) is None:
        return WEBHOOK_NOT_FOUND
    return webhook_id
