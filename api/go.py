"""`GET /go?url=`: sends a reader on to another place, if that place is allowed, and counts it."""

from typing import Any

from litestar import Request, get

from api.answer import Answer
from api.exchange import Exchange
from api.query import parse_query
from api.responses import respond
from api.route_table import direct
from commands.links import judge_link
from commands.outcomes import LinkFollowed, Malformed, Outcome

Incoming = Request[Any, Any, Any]

PARAMETER = "url"
_PARAMETERS = frozenset({PARAMETER})


async def go_answer(exchange: Exchange) -> Answer:
    """Answer GET /go."""
    return respond(_go(exchange), exchange)


@get("/go", opt=direct(go_answer))
async def go(request: Incoming) -> Answer:
    """Go on to an allowed address. The click is counted; HEAD looks where it leads, and is not."""
    return await go_answer(Exchange.of(request.scope))


HANDLERS = (go,)


def _go(exchange: Exchange) -> Outcome:
    parameters = parse_query(exchange.query, _PARAMETERS)
    if isinstance(parameters, Malformed):
        return parameters
    services = exchange.services
    link = judge_link(parameters.get(PARAMETER), services.go_allowed_hosts, services.parse_address)
    if isinstance(link, Malformed):
        return link
    if not exchange.head:
        services.clicks.count(link.counted_as, exchange.now())
    return LinkFollowed(link.address)
