"""What programs read as JSON and people as a page: the frame of the pages, and the choice."""

from collections.abc import Callable, Iterable
from html import escape

import msgspec

from api.answer import Answer
from api.documents import HTML, Document, style_source
from api.exchange import Exchange
from api.negotiation import HTML_TYPE, JSON_TYPE, best
from api.requests import no_query
from api.responses import respond
from commands.outcomes import NotAcceptable

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


def in_either_form(exchange: Exchange, document: Callable[[str], Document]) -> Answer:
    """Answer with the document of the media type that the client likes better, JSON or HTML."""
    media_type = best(exchange.headers, (JSON_TYPE, HTML_TYPE))
    if isinstance(media_type, NotAcceptable):
        return respond(media_type, exchange)
    refused = no_query(exchange)
    return document(media_type).answer(exchange) if refused is None else respond(refused, exchange)


def json_document(described: msgspec.Struct) -> Document:
    """Make the document for programs."""
    return Document.of(msgspec.json.encode(described), JSON_TYPE, vary="Accept")


def html_page(title: str, content: Iterable[str]) -> Document:
    """Make a page that nothing can run in; the content is HTML already."""
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><main>"
        f"<h1>{escape(title)}</h1>{''.join(content)}</main></body></html>"
    )
    return Document.of(page.encode(), HTML, vary="Accept", policy=_POLICY)
