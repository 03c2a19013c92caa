"""Webhooks for operators: registering, reading, editing and removing them.

What is done with one that stands is in `webhook_actions.py`, its deliveries in
`webhook_deliveries.py`.
"""

from typing import Any

import msgspec
from litestar import Request, delete, get, patch, post

from api.answer import NO_STORE, Answer
from api.conditional import shown
from api.exchange import Exchange
from api.idempotency import Remember, once
from api.likely import as_seen
from api.pages import page_answer, parse_page
from api.requests import (
    JSON_ONLY,
    MERGE_PATCH,
    check_headers,
    id_in_path,
    no_query,
    not_acceptable,
    read_json,
    read_nothing,
)
from api.responses import PRIVATE, VARY, respond
from api.route_table import takes
from api.strict_json import decode
from api.webhook_requests import (
    PATH,
    PatchWebhook,
    RegisterWebhook,
    WebhookCreated,
    allowed,
    change,
    operator,
)
from commands.handle import Stop
from commands.outcomes import BodyTooLarge, Created, Malformed, Outcome, Unauthenticated
from commands.webhooks import WEBHOOK_NOT_FOUND, NewWebhook, WebhookEdit, register_webhook
from domain.stream import Actor
from domain.webhook import Remove
from projections.webhooks import SCHEMA_VERSION, WebhookBody, WebhookView

Incoming = Request[Any, Any, Any]

_view = WebhookView()
_encode = msgspec.json.Encoder().encode


@get(PATH)
async def list_webhooks(request: Incoming) -> Answer:
    """List the webhooks, the newest first."""
    exchange = Exchange.of(request.scope)
    return respond(await _list(exchange), exchange)


@post(PATH, opt=takes(*JSON_ONLY))
async def register(request: Incoming) -> Answer:
    """Send events to an address: those that come after this, in their public form, signed.

    The secret is shown in this answer and never again.
    """
    exchange = Exchange.of(request.scope)
    outcome = await as_seen(exchange, lambda actor: _register(exchange, actor))
    answer = respond(outcome, exchange)
    if isinstance(outcome, Created):
        # As of tokens: what shows a secret is kept by nobody on the way, nor by the client's cache.
        others = [field for field in answer.fields if field[0] != NO_STORE[0]]
        answer = Answer(answer.status, [*others, NO_STORE], answer.body)
    return answer


@get(f"{PATH}/{{webhook_id:str}}")
async def read(request: Incoming) -> Answer:
    """Read a webhook, without its secret."""
    exchange = Exchange.of(request.scope)
    return respond(await _read(exchange), exchange)


@patch(f"{PATH}/{{webhook_id:str}}", opt=takes(*MERGE_PATCH))
async def edit(request: Incoming) -> Answer:
    """Change the members given; If-Match is required."""
    exchange = Exchange.of(request.scope)

    async def wish() -> WebhookEdit | Stop:
        asked = await read_json(exchange, PatchWebhook)
        if isinstance(asked, Malformed | BodyTooLarge):
            return Stop(asked)
        refused = asked.removal()
        if refused is not None:
            return Stop(refused)
        types = asked.event_types
        return WebhookEdit(
            url=asked.url or msgspec.UNSET,
            event_types=tuple(types) if isinstance(types, list) else msgspec.UNSET,
        )

    return await change(exchange, "EditWebhook", wish, accepts=MERGE_PATCH, must_match=True)


@delete(f"{PATH}/{{webhook_id:str}}", status_code=200)
async def remove(request: Incoming) -> Answer:
    """Send nothing any more, and destroy the secret."""
    exchange = Exchange.of(request.scope)

    async def wish() -> Remove | Stop:
        refused = await read_nothing(exchange)
        return Remove() if refused is None else Stop(refused)

    return await change(exchange, "RemoveWebhook", wish)


HANDLERS = (list_webhooks, register, read, edit, remove)


async def _list(exchange: Exchange) -> Outcome:
    actor = await operator(exchange, "Seeing the webhooks")
    if not isinstance(actor, Actor):
        return actor
    asked = parse_page(exchange, PATH)
    if isinstance(asked, Malformed):
        return asked
    refused = not_acceptable(exchange)
    if refused is not None:
        return refused
    rows = await exchange.services.webhook_queries.page(asked.limit + 1, asked.before)
    page, following = asked.split(rows, lambda row: (row.created_at, row.id))
    items = b",".join(row.body for row in page)
    return page_answer(exchange, asked, items, following, schema=SCHEMA_VERSION)


async def _read(exchange: Exchange) -> Outcome:
    actor = await operator(exchange, "Seeing a webhook")
    if not isinstance(actor, Actor):
        return actor
    webhook_id = id_in_path(exchange, "webhook_id")
    if isinstance(webhook_id, Malformed):
        return webhook_id
    refused = no_query(exchange) or not_acceptable(exchange)
    if refused is not None:
        return refused
    row = await exchange.services.webhook_queries.by_id(webhook_id)
    if row is None:
        return WEBHOOK_NOT_FOUND
    return shown(
        exchange,
        row.body,
        tag=_view.tag(row.version),
        modified=row.updated_at,
        caching=(PRIVATE, VARY),
        history=_view.history(webhook_id),
    )


async def _register(exchange: Exchange, actor: Actor | Unauthenticated | None) -> Outcome:
    asker = allowed(actor, "Registering a webhook")
    if not isinstance(asker, Actor):
        return asker
    refused = check_headers(exchange, JSON_ONLY)
    if isinstance(refused, msgspec.Struct):
        return refused
    body = await exchange.body()
    if isinstance(body, BodyTooLarge):
        return body
    asked = decode(body, RegisterWebhook)
    if isinstance(asked, Malformed):
        return asked

    async def do(remember: Remember | None) -> Outcome:
        return await register_webhook(
            exchange.services.webhooks,
            exchange.caller(asker, "RegisterWebhook"),
            NewWebhook(asked.url, tuple(asked.event_types)),
            _with_secret,
            remember,
        )

    return await once(exchange, asker.account_id, body, 201, do)


def _with_secret(body: bytes, secret: str) -> bytes:
    webhook = msgspec.json.decode(body, type=WebhookBody)
    return _encode(WebhookCreated(**msgspec.structs.asdict(webhook), secret=secret))
