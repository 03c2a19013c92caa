"""The guide's table of status codes as data and as pages: what each is, and who answers with it.

It answers 200 with what is known of a status, never with the status itself. All of it comes from
`api/status_catalogue.py`.
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
from api.status_catalogue import NOTES, STATUSES, By, Status
from commands.outcomes import NotFound

Incoming = Request[Any, Any, Any]

_CLASSES = ("Informational", "Successful", "Redirection", "Client Error", "Server Error")
_BY = {By.API: "the API", By.SERVER: "its HTTP server", By.PROXY: "nginx in front"}


class HttpStatus(msgspec.Struct, frozen=True, rename="camel"):
    """What a status code means, and what this product has to do with it."""

    code: int
    name: str
    status_class: str
    reference: str
    """The section that defines it."""
    answered: bool
    """Whether anything here answers with it."""
    answered_by: list[By]
    """`api`, `server` (before any endpoint) or `proxy` (nginx by itself)."""
    where: str
    """When it is answered, or why it never is."""
    errors: list[str]
    """The errors of problems that have it: see `/problems/{error}`."""
    test: str | None
    """The test that proves it, in the sources of the product."""


class HttpStatuses(msgspec.Struct, frozen=True):
    """All of them, by code."""

    items: list[HttpStatus]
    notes: list[str]


@get("/http-statuses")
async def list_statuses(request: Incoming) -> Answer:
    """List the 63 status codes, and who answers with each."""
    return in_either_form(Exchange.of(request.scope), partial(_document, None))


@get("/http-statuses/{code:str}")
async def read_status(request: Incoming) -> Answer:
    """Read what one status code means, and where it is answered."""
    exchange = Exchange.of(request.scope)
    code = exchange.parameter("code")
    known = {str(each): each for each in STATUSES}
    if code not in known:
        return respond(NotFound("status_not_found"), exchange)
    return in_either_form(exchange, partial(_document, known[code]))


HANDLERS = (list_statuses, read_status)


@lru_cache(maxsize=2 * len(STATUSES) + 2)
def _document(code: int | None, media_type: str) -> Document:
    if code is None:
        listed = HttpStatuses([_described(each) for each in STATUSES.values()], list(NOTES))
        if media_type == JSON_TYPE:
            return json_document(listed)
        return html_page("HTTP statuses", _table(listed))
    described = _described(STATUSES[code])
    if media_type == JSON_TYPE:
        return json_document(described)
    return html_page(f"{described.code} {described.name}", _details(described))


def _described(status: Status) -> HttpStatus:
    return HttpStatus(
        code=status.code,
        name=status.name,
        status_class=_CLASSES[status.code // 100 - 1],
        reference=status.reference,
        answered=bool(status.by),
        answered_by=list(status.by),
        where=status.where,
        errors=sorted(error for error, row in CATALOGUE.items() if row.status == status.code),
        test=status.test,
    )


def _who(described: HttpStatus) -> str:
    return ", ".join(_BY[by] for by in described.answered_by) or "nobody"


def _details(described: HttpStatus) -> Iterable[str]:
    yield f"<p>{escape(described.where)}</p><dl>"
    for term, text in (
        ("Class", described.status_class),
        ("Defined in", described.reference),
        ("Answered by", _who(described)),
    ):
        yield f"<dt>{term}</dt><dd>{escape(text)}</dd>"
    if described.errors:
        links = ", ".join(
            f'<a href="/problems/{error}"><code>{error}</code></a>' for error in described.errors
        )
        yield f"<dt>Problems</dt><dd>{links}</dd>"
    if described.test is not None:
        yield f"<dt>Proven by</dt><dd><code>{escape(described.test)}</code></dd>"
    yield '</dl><p><a href="/http-statuses">All statuses</a></p>'


def _table(listed: HttpStatuses) -> Iterable[str]:
    yield "<table><thead><tr><th>Code</th><th>Name</th><th>Answered by</th>"
    yield "<th>When, or why not</th></tr></thead><tbody>"
    for each in listed.items:
        yield (
            f'<tr><td><a href="/http-statuses/{each.code}">{each.code}</a></td>'
            f"<td>{escape(each.name)}</td><td>{escape(_who(each))}</td>"
            f"<td>{escape(each.where)}</td></tr>"
        )
    yield "</tbody></table>"
    for note in listed.notes:
        yield f"<p>{escape(note)}</p>"
