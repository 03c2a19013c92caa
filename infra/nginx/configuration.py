"""Fills in the configuration of nginx: from what an operator says to the text of nginx.conf.

Pure; the template beside this file says what each part is for.
"""

import string
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

TEMPLATE = Path(__file__).with_name("nginx.conf").read_text(encoding="utf-8")


class EdgeError(NamedTuple):
    """An error that nginx answers itself: what it is called there, and what clients are told."""

    error: str
    status: int
    causes: tuple[int, ...]
    """Statuses, of which some are nginx's own: 494 is a header too large, 497 plain HTTP on the
    port of HTTPS; 501 is a transfer coding that it does not know."""


EDGE_ERRORS = (
    EdgeError("malformed_request", 400, (400, 497, 501)),
    EdgeError("route_not_found", 404, (404,)),
    EdgeError("method_not_allowed", 405, (405,)),
    EdgeError("body_too_large", 413, (413,)),
    EdgeError("uri_too_long", 414, (414,)),
    EdgeError("misdirected_request", 421, (421,)),
    EdgeError("too_many_at_once", 429, (429,)),
    EdgeError("headers_too_large", 431, (494,)),
    EdgeError("internal_error", 500, (500,)),
    EdgeError("bad_gateway", 502, (502,)),
    EdgeError("gateway_timeout", 504, (504,)),
    EdgeError("http_version_not_supported", 505, (505,)),
)
"""All are in the catalogue. 408 is missing: nginx cuts a client off that is too slow."""

_PROBLEM_PAGE = """\
location /.problem/ {
    internal;
    # A body that is too large is so here as well.
    client_max_body_size 0;
    default_type application/problem+json;
    add_header Strict-Transport-Security $strict_transport always;
    add_header Allow $problem_allow always;
    add_header Retry-After $problem_retry_after always;
    add_header Cache-Control no-store always;
    add_header Content-Security-Policy "default-src 'none'; frame-ancestors 'none'" always;
    add_header Referrer-Policy no-referrer always;
    add_header X-Content-Type-Options nosniff always;
    add_header X-Request-Id $edge_request_id always;
    # The status is that of the error_page.
    return 200 $problem;
}"""
_FORM_BYTES = 64 * 1024
"""What a form of one file has besides the file: the backend counts the file itself."""
_YEAR_SECONDS = 31_536_000


EVERYWHERE = ("0.0.0.0", "[::]")  # noqa: S104 - a front is for everybody


class Front(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in front of the API, and how patient it is. Durations are seconds."""

    public_url: str
    """Where clients reach the product: https://, without a slash at the end."""
    server_names: tuple[str, ...]
    backends: tuple[str, ...]
    """As host:port."""
    certificate: Path
    key: Path
    addresses: tuple[str, ...] = EVERYWHERE
    http_port: int = 80
    https_port: int = 443
    user: str | None = None
    folder: Path | None = None
    """For logs, temporary files and the process id; None is where the system has them."""
    acme_folder: Path | None = None
    """Where a client of ACME puts what proves that the name is ours."""
    hsts_preload: bool = False
    max_body_bytes: int
    max_upload_bytes: int
    header_seconds: float = 10
    body_seconds: float = 10
    send_seconds: float = 30
    idle_seconds: float = 65
    connect_seconds: float = 2
    answer_seconds: float = 30
    fails: int = 2
    fail_seconds: int = 5
    workers: int | None = None
    """None is one for each core."""
    connections: int = 8192
    requests_per_client: int = 100


class EdgeText(msgspec.Struct, frozen=True):
    """What the catalogue says of an error."""

    title: str
    detail: str


def nginx_configuration(front: Front, texts: Mapping[str, EdgeText]) -> str:
    """Write nginx.conf, with these texts for the errors of `EDGE_ERRORS`.

    Raises ValueError for a text or path that nginx would understand as something else.
    """
    # As api/elsewhere.py has it.
    hsts = f"max-age={_YEAR_SECONDS}; includeSubDomains" + (
        "; preload" if front.hsts_preload else ""
    )
    values: dict[str, object] = {
        "main": _lines(_main(front), 0),
        "paths": _lines(_paths(front), 4),
        "open_files": 4 * front.connections,
        "backends": _lines(
            [
                f"server {each} max_fails={front.fails} fail_timeout={_time(front.fail_seconds)};"
                for each in front.backends
            ],
            8,
        ),
        "error_pages": _lines(_error_pages(), 4),
        "listen_http": _listen(front, front.http_port, ""),
        "listen_http_default": _listen(front, front.http_port, " default_server"),
        "listen_https": _listen(front, front.https_port, " ssl http2 default_server"),
        "server_names": " ".join(front.server_names),
        "acme": _lines(_acme(front.acme_folder), 8),
        "hsts": hsts,
        "problems": _lines(_problems(front, texts), 8),
        "problem_page": _lines(_PROBLEM_PAGE.splitlines(), 8),
        "certificate": _quoted(str(front.certificate)),
        "key": _quoted(str(front.key)),
        "public_url": front.public_url,
        "connections": front.connections,
        "requests_per_client": front.requests_per_client,
        "max_body_bytes": front.max_body_bytes,
        "max_upload_bytes": front.max_upload_bytes + _FORM_BYTES,
        "upload_stall_seconds": _time(2 * front.body_seconds),
    }
    for name in ("header", "body", "send", "idle", "connect", "answer"):
        values[f"{name}_seconds"] = _time(getattr(front, f"{name}_seconds"))
    return _Template(TEMPLATE).substitute(values)


class _Template(string.Template):
    """Has `%{name}` for what is filled in: nginx has its own use for dollars and braces."""

    delimiter = "%"


def _main(front: Front) -> Iterable[str]:
    if front.user is not None:
        yield f"user {front.user};"
    yield f"worker_processes {front.workers or 'auto'};"
    if front.folder is None:
        yield "pid /run/nginx.pid;"
        yield "error_log /var/log/nginx/error.log warn;"
    else:
        yield f"pid {_quoted(f'{front.folder}/nginx.pid')};"
        yield f"error_log {_quoted(f'{front.folder}/error.log')} warn;"


def _paths(front: Front) -> Iterable[str]:
    if front.folder is None:
        yield "access_log /var/log/nginx/access.log ledgerpress;"
        return
    yield f"access_log {_quoted(f'{front.folder}/access.log')} ledgerpress;"
    for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"):
        yield f"{name}_temp_path {_quoted(f'{front.folder}/{name}')};"


def _listen(front: Front, port: int, rest: str) -> str:
    return _lines([f"listen {address}:{port}{rest};" for address in front.addresses], 8)


def _acme(folder: Path | None) -> Iterable[str]:
    if folder is not None:
        yield "location ^~ /.well-known/acme-challenge/ {"
        yield f"    root {_quoted(str(folder))};"
        yield "    default_type text/plain;"
        yield "}"


def _error_pages() -> Iterable[str]:
    for _, status, causes in EDGE_ERRORS:
        yield f"error_page {' '.join(map(str, causes))} ={status} /.problem/{status};"


def _problems(front: Front, texts: Mapping[str, EdgeText]) -> Iterable[str]:
    """Give the rows of a map from the address of an error page to its text."""
    limits = (("413", front.max_body_bytes), ("413-upload", front.max_upload_bytes))
    for error, status, _ in EDGE_ERRORS:
        if error == "body_too_large":
            for name, limit in limits:
                body = _body(front, texts, error, status, maxBytes=limit)
                yield f"/.problem/{name} {body};"
        else:
            yield f"/.problem/{status} {_body(front, texts, error, status)};"


def _body(
    front: Front, texts: Mapping[str, EdgeText], error: str, status: int, **extra: int
) -> str:
    """Write problem details as nginx reads them, with its own variable for the request's id."""
    text = texts[error]
    fixed = msgspec.json.encode(
        {
            "type": f"{front.public_url}/problems/{error}",
            "title": text.title,
            "status": status,
            "detail": text.detail,
            "error": error,
            **extra,
        }
    ).decode()
    named = ',"instance":"urn:uuid:$edge_request_id","requestId":"$edge_request_id"}'
    return _quoted(fixed).removesuffix("}'") + named + "'"


def _quoted(text: str) -> str:
    """Write a text as nginx reads it, who has no way to write a dollar or a line break."""
    if "$" in text or not text.isprintable():
        raise ValueError(f"nginx cannot be told {text!r}")
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _time(seconds: float) -> str:
    return f"{round(seconds)}s" if seconds == round(seconds) else f"{round(seconds * 1000)}ms"


def _lines(lines: Iterable[str], indent: int) -> str:
    return "\n".join(" " * indent + line for line in lines)
