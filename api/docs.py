"""The page that shows the OpenAPI document, with everything it needs from this server alone.

Swagger UI is vendored in `api/vendor/swagger-ui`; `api/docs.js` starts it.
"""

from functools import lru_cache
from pathlib import Path
from typing import Any

from litestar import Request, get

from api.answer import Answer
from api.documents import HTML, IMMUTABLE, Document, digest
from api.exchange import Exchange
from api.negotiation import best
from api.requests import no_query
from api.responses import respond
from commands.outcomes import NotAcceptable, NotFound

Incoming = Request[Any, Any, Any]

_HERE = Path(__file__).parent
_STYLE = _HERE / "vendor" / "swagger-ui" / "swagger-ui.css"
_BUNDLE = _HERE / "vendor" / "swagger-ui" / "swagger-ui-bundle.js"
_START = _HERE / "docs.js"
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@get("/docs", include_in_schema=False)
async def docs(request: Incoming) -> Answer:
    """Show the page."""
    exchange = Exchange.of(request.scope)
    chosen = best(exchange.headers, ("text/html",))
    refused = chosen if isinstance(chosen, NotAcceptable) else no_query(exchange)
    return _page().answer(exchange) if refused is None else respond(refused, exchange)


@get("/docs/{release:str}/{file:str}", include_in_schema=False)
async def docs_asset(request: Incoming) -> Answer:
    """Give a file of the page; its address names its bytes, so it can be kept for ever."""
    exchange = Exchange.of(request.scope)
    address = f"/docs/{exchange.parameter('release')}/{exchange.parameter('file')}"
    asset = _assets().get(address)
    if asset is None:
        return respond(NotFound("route_not_found"), exchange)
    return asset.answer(exchange)


HANDLERS = (docs, docs_asset)


@lru_cache(maxsize=1)
def _assets() -> dict[str, Document]:
    """Read the files, by address."""
    return {_address(path): _asset(path) for path in (_STYLE, _BUNDLE, _START)}


def _asset(path: Path) -> Document:
    return Document.of(path.read_bytes(), _TYPES[path.suffix], cache_control=IMMUTABLE)


@lru_cache(maxsize=3)
def _address(path: Path) -> str:
    return f"/docs/{digest(path.read_bytes())}/{path.name}"


@lru_cache(maxsize=1)
def _page() -> Document:
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>Ledgerpress API</title>'
        f'<link rel="icon" href="data:,"><link rel="stylesheet" href="{_address(_STYLE)}">'
        f'<script src="{_address(_BUNDLE)}" defer></script>'
        f'<script src="{_address(_START)}" defer></script></head>'
        '<body><div id="docs"></div><noscript><p>This page needs JavaScript; the same is in '
        '<a href="/openapi.json">openapi.json</a>.</p></noscript></body></html>'
    )
    return Document.of(page.encode(), HTML, policy=_POLICY)
