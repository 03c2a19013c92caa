"""What operators do with a webhook that stands: pause, resume, rotate, test, send again."""

from datetime import timedelta
from typing import Any

import msgspec
from litestar import Request, post

from api.answer import Answer
from api.exchange import Exchange
from api.likely import as_seen
from api.requests import (
    JSON_ONLY,
    condition_failed,
    id_in_path,
    no_query,
    not_acceptable,
    read_json,
    read_nothing,
)
from api.responses import respond
from api.route_table import takes
from api.webhook_requests import (
    PATH,
    ReplayWebhook,
    RotateWebhookSecret,
    allowed,
    change,
    operator,
    target,
)
from commands.handle import Stop
from commands.outcomes import Accepted, BodyTooLarge, Malformed, Outcome, Unauthenticated
from commands.webhooks import WEBHOOK_NOT_FOUND, WEBHOOKS_OFF, rotate_secret
from domain.refusal import RejectedByState
from domain.stream import Actor
from domain.webhook import Pause, Resume, Rewind, WebhookStatus

Incoming = Request[Any, Any, Any]

_ONE = f"{PATH}/{{webhook_id:str}}"
_encode = msgspec.json.Encoder().encode


@post(f"{_ONE}/pause", status_code=200)
async def pause(request: Incoming) -> Answer:
    """Send nothing until it is resumed. Nothing is lost meanwhile."""
    exchange = Exchange.of(request.scope)
    return await change(exchange, "PauseWebhook", lambda: _bare(exchange, Pause()))


@post(f"{_ONE}/resume", status_code=200)
async def resume(request: Incoming) -> Answer:
    """Go on where it stood, after a pause or after it was disabled; what waits is tried at once."""
    exchange = Exchange.of(request.scope)
    return await change(exchange, "ResumeWebhook", lambda: _bare(exchange, Resume()))


@post(f"{_ONE}/secret", status_code=200, opt=takes(*JSON_ONLY))
async def rotate(request: Incoming) -> Answer:
    """Sign with a new secret, and for a time with the present one as well.

    The secret is shown in this answer and never again.
    """
    exchange = Exchange.of(request.scope)

    async def grace() -> timedelta | Stop:
        asked = await read_json(exchange, RotateWebhookSecret)
        return Stop(asked) if isinstance(asked, Malformed | BodyTooLarge) else asked.grace

    async def attempt(actor: Actor | Unauthenticated | None) -> Outcome:
        asker = allowed(actor, "Rotating a secret")
        if not isinstance(asker, Actor):
            return asker
        found = target(exchange, None, JSON_ONLY)
        if isinstance(found, Malformed):
            return found
        webhook_id, wanted = found
        caller = exchange.caller(asker, "RotateWebhookSecret")
        return await rotate_secret(exchange.services.webhooks, caller, webhook_id, wanted, grace)

    return respond(await as_seen(exchange, attempt), exchange)


@post(f"{_ONE}/replay", status_code=200, opt=takes(*JSON_ONLY))
async def replay(request: Incoming) -> Answer:
    """Send again whatever came after a position, as far as it is wanted.

    Receivers tell by `webhook-id` what they have had.
    """
    exchange = Exchange.of(request.scope)

    async def wish() -> Rewind | Stop:
        asked = await read_json(exchange, ReplayWebhook)
        if isinstance(asked, Malformed | BodyTooLarge):
            return Stop(asked)
        return Rewind(asked.after, await exchange.services.log.head())

    return await change(exchange, "ReplayWebhook", wish, accepts=JSON_ONLY)


@post(f"{_ONE}/test", status_code=200)
async def test(request: Incoming) -> Answer:
    """Have a `webhook.test` message sent, once; the delivery tells what came of it."""
    exchange = Exchange.of(request.scope)
    return respond(await _test(exchange), exchange)


HANDLERS = (pause, resume, rotate, replay, test)


async def _bare(exchange: Exchange, command: Pause | Resume) -> Pause | Resume | Stop:
    refused = await read_nothing(exchange)
    return command if refused is None else Stop(refused)


async def _test(exchange: Exchange) -> Outcome:
    actor = await operator(exchange, "Testing a webhook")
    if not isinstance(actor, Actor):
        return actor
    webhook_id = id_in_path(exchange, "webhook_id")
    if isinstance(webhook_id, Malformed):
        return webhook_id
    services = exchange.services
    row = await services.webhook_queries.by_id(webhook_id)
    if row is None:
        return WEBHOOK_NOT_FOUND
    refused = no_query(exchange) or not_acceptable(exchange) or await read_nothing(exchange)
    refused = refused or condition_failed(exchange)
    if refused is not None:
        return refused
    if not services.webhooks.allowed_hosts:
        return WEBHOOKS_OFF
    if row.status != WebhookStatus.ACTIVE:
        return RejectedByState(
            "webhook_not_active", "Nothing is sent before it is resumed.", row.status
        )
    delivery_id = services.new_id()
    await services.delivery_queries.put_test(delivery_id, webhook_id)
    made = await services.delivery_queries.by_id(webhook_id, delivery_id)
    if made is None:
        return WEBHOOK_NOT_FOUND
    return Accepted(f"{PATH}/{webhook_id}/deliveries/{delivery_id}", _encode(made))
