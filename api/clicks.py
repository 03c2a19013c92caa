"""How often links and managed redirects were followed, for operators, admins and auditors."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any, Literal
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import Request, get

from api.answer import Answer
from api.conditional import parse_conditions
from api.cursor import Cursor, decode_cursor, encode_cursor
from api.exchange import Exchange
from api.pages import page_links, private_page
from api.query import parse_date, parse_limit, parse_query
from api.requests import not_acceptable, required_actor
from api.responses import respond
from commands.outcomes import Forbidden, Malformed, Outcome, Unauthenticated
from domain.clicks import OTHERS
from domain.stream import Role
from projections.clicks import SCHEMA_VERSION, ClickRow

Incoming = Request[Any, Any, Any]

_PATH = "/clicks"
_FILTERS = ("from", "until")
_PARAMETERS = frozenset({"cursor", "limit", *_FILTERS})
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


class _Asked(msgspec.Struct, frozen=True):
    """Which clicks a client asks for."""

    limit: int
    filters: Mapping[str, str]
    since: date | None
    until: date | None
    before: tuple[date, UUID] | None = None

    @property
    def of_list(self) -> str:
        """Name the list, so that a cursor of one is not taken for another."""
        return f"clicks?{urlencode(self.filters)}"


async def _list(exchange: Exchange) -> Outcome:
    actor = await required_actor(exchange, "Seeing the clicks")
    if isinstance(actor, Unauthenticated):
        return actor
    if not actor.has(Role.OPERATOR, Role.ADMIN, Role.AUDITOR):
        return _NOT_ALLOWED
    asked = _parse(exchange.query)
    if isinstance(asked, Malformed):
        return asked
    refused = not_acceptable(exchange)
    if refused is not None:
        return refused
    conditions = parse_conditions(exchange.headers)
    if isinstance(conditions, Malformed):
        return conditions
    # One more than the page holds tells whether another page follows.
    rows = await exchange.services.click_queries.page(
        asked.limit + 1, since=asked.since, until=asked.until, before=asked.before
    )
    page, following = rows[: asked.limit], None
    if len(rows) > asked.limit:
        following = encode_cursor(_cursor_after(page[-1]), of_list=asked.of_list)
    body = _encode(ClickPage([_shown(row) for row in page], following))
    links = page_links(_PATH, asked.limit, following, asked.filters)
    return private_page(body, conditions, schema=SCHEMA_VERSION, path=_PATH, links=links)


def _parse(query: bytes) -> _Asked | Malformed:
    parameters = parse_query(query, _PARAMETERS)
    if isinstance(parameters, Malformed):
        return parameters
    limit = parse_limit(parameters.get("limit"))
    if isinstance(limit, Malformed):
        return limit
    days: dict[str, date] = {}
    for name in _FILTERS:
        if name in parameters:
            day = parse_date(name, parameters[name])
            if isinstance(day, Malformed):
                return day
            days[name] = day
    filters = {name: day.isoformat() for name, day in days.items()}
    asked = _Asked(limit, filters, days.get("from"), days.get("until"))
    text = parameters.get("cursor")
    if text is None:
        return asked
    cursor = decode_cursor(text, of_list=asked.of_list)
    if isinstance(cursor, Malformed):
        return cursor
    return msgspec.structs.replace(asked, before=(cursor.at.date(), cursor.id))


def _cursor_after(row: ClickRow) -> Cursor:
    return Cursor.of(datetime.combine(row.day, time(), UTC), row.target)


def _shown(row: ClickRow) -> Clicks:
    if row.target == OTHERS:
        return Clicks(row.day, "others", None, None, row.clicks)
    kind: Literal["link", "redirect"] = "link" if row.redirect is None else "redirect"
    return Clicks(row.day, kind, row.target, row.redirect or row.address, row.clicks)
