"""The pages that the `type` of every problem leads to: JSON for programs, HTML for people.

All of it comes from `api/problem_catalogue.py`.
"""

from collections.abc import Iterable
from functools import lru_cache
from html import escape
from typing import Any

import msgspec
from litestar import Request, get

from api.answer import Answer
from api.documents import HTML, Document, style_source
from api.exchange import Exchange
from api.negotiation import best
from api.problem_catalogue import CATALOGUE
from api.requests import no_query
from api.responses import respond
from commands.outcomes import NotAcceptable, NotFound

Incoming = Request[Any, Any, Any]

JSON_TYPE = "application/json"
HTML_TYPE = "text/html"

_STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:1rem/1.6 system-ui,sans-serif;max-width:44rem;margin:3rem auto;padding:0 1rem}"
    "h1{line-height:1.2}"
    "code{font:.95em ui-monospace,monospace}"
    "dt{font-weight:600;margin-top:1rem}dd{margin:0}"
    "table{border-collapse:collapse;width:100%}"
    "td,th{text-align:left;vertical-align:top;padding:.35rem .75rem .35rem 0}"
    "tr{border-bottom:1px solid #8884}"
)
_POLICY = (
    f"default-src 'none'; style-src {style_source(_STYLE)}; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


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
    media_type = best(exchange.headers, (JSON_TYPE, HTML_TYPE))
    if isinstance(media_type, NotAcceptable):
        return respond(media_type, exchange)
    refused = no_query(exchange)
    if refused is not None:
        return respond(refused, exchange)
    return _document(exchange.services.public_url, error, media_type).answer(exchange)


@lru_cache(maxsize=2 * len(CATALOGUE) + 2)
def _document(base_url: str, error: str | None, media_type: str) -> Document:
    if error is None:
        rows = sorted(CATALOGUE, key=lambda name: (CATALOGUE[name].status, name))
        types = [_described(base_url, name) for name in rows]
        if media_type == JSON_TYPE:
            return Document.of(msgspec.json.encode(ProblemTypes(types)), JSON_TYPE, vary="Accept")
        return html_page("Problems", _table(types))
    described = _described(base_url, error)
    if media_type == JSON_TYPE:
        return Document.of(msgspec.json.encode(described), JSON_TYPE, vary="Accept")
    return html_page(described.title, _details(described))


def _described(base_url: str, error: str) -> ProblemType:
    problem = CATALOGUE[error]
    return ProblemType(f"{base_url}/problems/{error}", error, *problem)


def html_page(title: str, content: Iterable[str]) -> Document:
    """Make a page that nothing can run in; the content is HTML already."""
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><main>"
        f"<h1>{escape(title)}</h1>{''.join(content)}</main></body></html>"
    )
    return Document.of(page.encode(), HTML, vary="Accept", policy=_POLICY)


def _details(described: ProblemType) -> Iterable[str]:
    yield f"<p>{escape(described.meaning)}</p><dl>"
    for term, text in (
        ("What to do", described.remedy),
        ("Status", str(described.status)),
        ("Defined in", described.reference),
    ):
        yield f"<dt>{term}</dt><dd>{escape(text)}</dd>"
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
