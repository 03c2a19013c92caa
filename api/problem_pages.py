"""The pages that the `type` of every problem leads to: JSON for programs, HTML for people.

All of it comes from `api/problem_catalogue.py`.
"""

from collections.abc import Iterable
from functools import lru_cache, partial
from html import escape
from typing import Any

import msgspec
from litestar import Request, get

from api.answer import Answer
from api.documents import Document
from api.exchange import Exchange
from api.html_pages import html_page, in_either_form, json_document
from api.negotiation import JSON_TYPE
from api.problem_catalogue import CATALOGUE
from api.responses import respond
from commands.outcomes import NotFound

Incoming = Request[Any, Any, Any]


class ProblemType(msgspec.Struct, frozen=True):
    """What one error means and what to do about it."""

    type: str
    """The address of this description, as problems carry it."""
    error: str
    status: int
    title: str
    meaning: str
    remedy: str
    reference: str
    """Where it is defined: an RFC, the guide or the HTTP contract, with the section."""


class ProblemTypes(msgspec.Struct, frozen=True):
    """All errors, by status."""

    items: list[ProblemType]


@get("/problems")
async def list_problems(request: Incoming) -> Answer:
    """List every error that a response can carry."""
    return _answer(Exchange.of(request.scope), None)


@get("/problems/{error:str}")
async def read_problem(request: Incoming) -> Answer:
    """Read what one error means and what to do about it."""
    exchange = Exchange.of(request.scope)
    return _answer(exchange, exchange.parameter("error"))


HANDLERS = (list_problems, read_problem)


def _answer(exchange: Exchange, error: str | None) -> Answer:
    if error is not None and error not in CATALOGUE:
        return respond(NotFound("problem_not_found"), exchange)
    base_url = exchange.services.public_url
    return in_either_form(exchange, partial(_document, base_url, error))


@lru_cache(maxsize=2 * len(CATALOGUE) + 2)
def _document(base_url: str, error: str | None, media_type: str) -> Document:
    if error is None:
        rows = sorted(CATALOGUE, key=lambda name: (CATALOGUE[name].status, name))
        types = [_described(base_url, name) for name in rows]
        if media_type == JSON_TYPE:
            return json_document(ProblemTypes(types))
        return html_page("Problems", _table(types))
    described = _described(base_url, error)
    if media_type == JSON_TYPE:
        return json_document(described)
    return html_page(described.title, _details(described))


def _described(base_url: str, error: str) -> ProblemType:
    problem = CATALOGUE[error]
    return ProblemType(f"{base_url}/problems/{error}", error, *problem)


def _details(described: ProblemType) -> Iterable[str]:
    yield f"<p>{escape(described.meaning)}</p><dl>"
    yield f"<dt>What to do</dt><dd>{escape(described.remedy)}</dd>"
    status = described.status
    yield f'<dt>Status</dt><dd><a href="/http-statuses/{status}">{status}</a></dd>'
    yield f"<dt>Defined in</dt><dd>{escape(described.reference)}</dd>"
    yield f"<dt>Error</dt><dd><code>{escape(described.error)}</code></dd></dl>"
    yield '<p><a href="/problems">All problems</a></p>'


def _table(types: Iterable[ProblemType]) -> Iterable[str]:
    yield "<table><thead><tr><th>Status</th><th>Error</th><th>Meaning</th></tr></thead><tbody>"
    for each in types:
        name = escape(each.error)
        yield (
            f'<tr><td>{each.status}</td><td><a href="/problems/{name}"><code>{name}</code></a></td>'
            f"<td>{escape(each.meaning)}</td></tr>"
        )
    yield "</tbody></table>"
