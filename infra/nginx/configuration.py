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

NO_SUCH_RANGE = EdgeError("range_not_satisfiable", 416, (416,))
"""What nginx answers itself only where it keeps files."""

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
_KEPT_FILES = "2g"
_KEPT_FILES_MAPS = """\
# Only requests that nginx and the product answer alike (docs/adr/0017-ranges-and-downloads.md): GET
# by nobody in particular, of an address as the product writes it, with one plain range or none.
map $request_uri $address_of_file {
    "~^/(files/[0-9a-f-]{36}(/thumbnails/[0-9]+)?|videos/[0-9a-f-]{36})$" "file";
}
map $http_accept $accepts_any {
    "" "any";
    "~*^(?!.*q=0(\\.0*)?[ \\t]*([,;]|$)).*\\*/\\*" "any";
}
map $http_range $range_kind {
    default "odd";
    "" "plain";
    "~^bytes=([0-9]{1,15}-[0-9]{0,15}|-[0-9]{1,15})$" "plain";
}
map $http_authorization$http_cache_control$http_pragma$http_want_content_digest $asks_more {
    default "more";
    "" "";
}
map $http_if_match$http_if_none_match$http_if_range $tags {
    default "some";
    "" "";
}
map $http_if_modified_since$http_if_unmodified_since $dates {
    default "some";
    "" "";
}
map "$request_method $address_of_file $accepts_any $range_kind$asks_more$tags$dates" $kept_files {
    default off;
    "GET file any plain" files;
}
# nginx itself says it with the whole of a file only.
map "$kept_files $http_range" $accept_ranges_of_part {
    "~^files ." bytes;
}
map $upstream_http_cache_control $not_public {
    default 1;
    "~^public, .*immutable" "";
}"""
_KEPT_FILES_LOCATION = """\
# Public files: nginx shows again what it has, and asks a backend every SECONDS whether it may.
location ~ ^/(files|videos)/ {
    proxy_cache $kept_files;
    # With the host, which a backend must have found right.
    proxy_cache_key $http_host$request_uri;
    proxy_cache_valid 200 SECONDS;
    # What it says of time is for caches further out; Accept is looked at above.
    proxy_ignore_headers Cache-Control Expires Vary;
    proxy_no_cache $not_public;
    proxy_cache_revalidate on;
    proxy_cache_lock on;
    # As much of what is kept is read to find its fields.
    proxy_buffer_size 4k;
    open_file_cache max=256 inactive=10s;
    open_file_cache_valid 10s;
    add_header Accept-Ranges $accept_ranges_of_part;
    add_header X-Request-Id $told_request_id always;
    add_header Strict-Transport-Security $strict_transport always;
    proxy_pass http://ledgerpress;
}
location = /.problem/416 {
    internal;
    default_type application/problem+json;
    # nginx leaves the fields of the file in place; these two overrule what they tell caches.
    add_header Cache-Control no-store always;
    add_header Vary * always;
    return 200 $no_such_range;
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
    keep_files_seconds: int = 0
    """For how long a public file is shown again without asking a backend; 0 is never."""
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
        "error_pages": _lines(_error_pages(front), 4),
        "error_pages_of_upload": _lines(_error_pages(front, but=413), 12),
        "listen_http": _listen(front, front.http_port, ""),
        "listen_http_default": _listen(front, front.http_port, " default_server"),
        "listen_https": _listen(front, front.https_port, " ssl http2 default_server"),
        "server_names": " ".join(front.server_names),
        "acme": _lines(_acme(front.acme_folder), 8),
        "hsts": hsts,
        "problems": _lines(_problems(front, texts), 8),
        "problem_page": _lines(_PROBLEM_PAGE.splitlines(), 8),
        "kept_files": _lines(_kept_files(front, texts), 4),
        "kept_files_location": _lines(_kept_files_location(front), 8),
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


def _kept_files(front: Front, texts: Mapping[str, EdgeText]) -> Iterable[str]:
    """Say where nginx keeps public files, and which requests it answers with them."""
    if not front.keep_files_seconds:
        return
    place = "/var/lib/nginx" if front.folder is None else str(front.folder)
    # What nobody has asked for is removed a minute later; a file's bytes are never read twice.
    yield f"proxy_cache_path {_quoted(f'{place}/files')} levels=1:2 keys_zone=files:4m"
    yield f"    inactive=60s max_size={_KEPT_FILES} use_temp_path=off;"
    yield from _KEPT_FILES_MAPS.splitlines()
    error, status, _ = NO_SUCH_RANGE
    body = _body(front, texts, error, status).replace("$edge_request_id", "$told_request_id")
    yield "map $uri $no_such_range {"
    yield f"    default {body};"
    yield "}"


def _kept_files_location(front: Front) -> Iterable[str]:
    if front.keep_files_seconds:
        yield from _KEPT_FILES_LOCATION.replace(
            "SECONDS", _time(front.keep_files_seconds)
        ).splitlines()


def _error_pages(front: Front, *, but: int | None = None) -> Iterable[str]:
    kept = [NO_SUCH_RANGE] if front.keep_files_seconds else []
    for _, status, causes in (*EDGE_ERRORS, *kept):
        if status == but:
            continue
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
