"""How often links and managed redirects were followed, for operators, admins and auditors."""

from datetime import UTC, date, datetime, time
from typing import Any, Literal
from uuid import UUID

import msgspec
from litestar import Request, get

from api.answer import Answer
from api.exchange import Exchange
from api.pages import page_answer, parse_page
from api.query import parse_date
from api.requests import not_acceptable, required_role
from api.responses import respond
from commands.outcomes import Forbidden, Malformed, Outcome
from domain.clicks import OTHERS
from domain.stream import Actor, Role
from projections.clicks import SCHEMA_VERSION, ClickRow

Incoming = Request[Any, Any, Any]

_FILTERS = ("from", "until")
_NOT_ALLOWED = Forbidden("Only operators, admins and auditors may see the clicks.")

_encode = msgspec.json.Encoder().encode


class Clicks(msgspec.Struct, frozen=True):
    """The clicks on one target on one day (UTC)."""

    day: date
    kind: Literal["link", "redirect", "others"]
    """`others` are the links that had no room of their own on that day."""
    id: UUID | None
    """Of the target; null for `others`."""
    address: str | None
    """A link without its query, or a redirect's path; null where it is not known any more."""
    clicks: int


class ClickPage(msgspec.Struct, frozen=True, rename="camel"):
    """A page of clicks, the newest day first."""

    items: list[Clicks]
    next_cursor: str | None
    """Where the next page begins; null on the last one."""


@get("/clicks")
async def list_clicks(request: Incoming) -> Answer:
    """List how often each link and managed redirect was followed, by day (UTC), newest first."""
    exchange = Exchange.of(request.scope)
    return respond(await _list(exchange), exchange)


HANDLERS = (list_clicks,)


async def _list(exchange: Exchange) -> Outcome:
    roles = (Role.OPERATOR, Role.ADMIN, Role.AUDITOR)
    actor = await required_role(exchange, "Seeing the clicks", _NOT_ALLOWED, *roles)
    if not isinstance(actor, Actor):
        return actor
    asked = parse_page(exchange, "/clicks", frozenset(_FILTERS))
    if isinstance(asked, Malformed):
        return asked
    days: list[date | None] = []
    for name in _FILTERS:
        text = asked.filters.get(name)
        day = None if text is None else parse_date(name, text)
        if isinstance(day, Malformed):
            return day
        days.append(day)
    refused = not_acceptable(exchange)
    if refused is not None:
        return refused
    since, until = days
    before = None if asked.cursor is None else (asked.cursor.at.date(), asked.cursor.id)
    rows = await exchange.services.click_queries.page(
        asked.limit + 1, since=since, until=until, before=before
    )
    page, following = asked.split(rows, _place)
    items = b",".join(_encode(_shown(row)) for row in page)
    return page_answer(exchange, asked, items, following, schema=SCHEMA_VERSION)


def _place(row: ClickRow) -> tuple[datetime, UUID]:
    return datetime.combine(row.day, time(), UTC), row.target


def _shown(row: ClickRow) -> Clicks:
    if row.target == OTHERS:
        return Clicks(row.day, "others", None, None, row.clicks)
    kind: Literal["link", "redirect"] = "link" if row.redirect is None else "redirect"
    return Clicks(row.day, kind, row.target, row.redirect or row.address, row.clicks)
