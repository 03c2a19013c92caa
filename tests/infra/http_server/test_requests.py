"""What bytes get which answer: the whole strictness of the server as one table."""

import pytest

from tests.infra.http_server.live_server import LiveServer

H = b"Host: a.example\r\n"
GET = b"GET / HTTP/1.1\r\n" + H
POST = b"POST / HTTP/1.1\r\n" + H
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"

ACCEPTED: dict[str, bytes] = {
    "plain": GET + b"\r\n",
    "empty lines before the request": b"\r\n\r\n" + GET + b"\r\n",
    "HTTP/1.0 without Host": b"GET / HTTP/1.0\r\n\r\n",
    "a higher minor version": b"GET / HTTP/1.9\r\n" + H + b"\r\n",
    "absolute form": b"GET http://a.example/x?y HTTP/1.1\r\n" + H + b"\r\n",
    "asterisk form": b"OPTIONS * HTTP/1.1\r\n" + H + b"\r\n",
    "TRACE is the application's to refuse": b"TRACE / HTTP/1.1\r\n" + H + b"\r\n",
    "Host with a port": b"GET / HTTP/1.1\r\nHost: a.example:8000\r\n\r\n",
    "Host as an IPv6 address": b"GET / HTTP/1.1\r\nHost: [::1]:8000\r\n\r\n",
    "Host with an empty port": b"GET / HTTP/1.1\r\nHost: a.example:\r\n\r\n",
    "opaque bytes in a value": GET + b"X: \xff\r\n\r\n",
    "a hundred fields": GET + b"X: y\r\n" * 99 + b"\r\n",
    "the longest header": GET + b"X: " + b"a" * (32 * 1024 - len(H) - 9) + b"\r\n\r\n",
    "the longest target": b"GET /" + b"a" * (8 * 1024 - 1) + b" HTTP/1.1\r\n" + H + b"\r\n",
    "a length": POST + b"Content-Length: 3\r\n\r\nabc",
    "a length with spaces around": POST + b"Content-Length: \t3 \r\n\r\nabc",
    "chunks": CHUNKED + b"3\r\nabc\r\n0\r\n\r\n",
    "chunked in capitals": POST + b"Transfer-Encoding: CHUNKED\r\n\r\n0\r\n\r\n",
    "a chunk extension": CHUNKED + b"3;name=value\r\nabc\r\n0\r\n\r\n",
    "a trailer field": CHUNKED + b"0\r\nX: y\r\n\r\n",
    "an upgrade to h2c": GET
    + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAM\r\n\r\n",
    "an upgrade to websocket": GET + b"Connection: upgrade\r\nUPGRADE: websocket\r\n\r\n",
    "an upgrade with a body": POST
    + b"Connection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 3\r\n\r\nabc",
    "an expectation with its body": POST + b"Expect: 100-Continue\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.0 expectations mean nothing": b"POST / HTTP/1.0\r\nExpect: x\r\n\r\n",
}

BAD_HOST: dict[str, bytes] = {
    "no Host": b"GET / HTTP/1.1\r\n\r\n",
    "no Host beside a known field": b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
    "two Hosts": GET + b"Host: b.example\r\n\r\n",
    "the same Host twice": GET + H + b"\r\n",
    "an empty Host": b"GET / HTTP/1.1\r\nHost:\r\n\r\n",
    "Host with a path": b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
    "Host with user info": b"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n",
    "Host with a comma": b"GET / HTTP/1.1\r\nHost: a,b\r\n\r\n",
    "Host with a port too high": b"GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n",
    "two Hosts in HTTP/1.0": b"GET / HTTP/1.0\r\n" + H + H + b"\r\n",
    "no Host beside an unknown method": b"BREW / HTTP/1.1\r\n\r\n",
    "no Host beside a long target": b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n",
    "an address and no Host": b"GET http://a.example/ HTTP/1.1\r\n\r\n",
}

MALFORMED: dict[str, bytes] = {
    "length and chunks": POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
    "two lengths": POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "the same length twice": POST + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\na",
    "a list of lengths": POST + b"Content-Length: 1, 1\r\n\r\na",
    "a signed length": POST + b"Content-Length: +1\r\n\r\na",
    "a negative length": POST + b"Content-Length: -1\r\n\r\n",
    "an empty length": POST + b"Content-Length:\r\n\r\n",
    "a length in hex": POST + b"Content-Length: 0x1\r\n\r\na",
    "a length beyond 64 bits": POST + b"Content-Length: 99999999999999999999\r\n\r\n",
    "gzip, chunked": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked, gzip": POST + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "chunked twice": POST + b"Transfer-Encoding: chunked\r\n" * 2 + b"\r\n0\r\n\r\n",
    "identity": POST + b"Transfer-Encoding: identity\r\n\r\n",
    "a disguised coding": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a quoted coding": POST + b'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n',
    "an empty coding": POST + b"Transfer-Encoding:\r\n\r\n",
    "a coding in HTTP/1.0": b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a chunk size that is none": CHUNKED + b"zz\r\nabc\r\n0\r\n\r\n",
    "a chunk size with a prefix": CHUNKED + b"0x3\r\nabc\r\n0\r\n\r\n",
    "a negative chunk size": CHUNKED + b"-3\r\nabc\r\n0\r\n\r\n",
    "a chunk size beyond 64 bits": CHUNKED + b"fffffffffffffffff\r\n",
    "a space after a chunk size": CHUNKED + b"3 \r\nabc\r\n0\r\n\r\n",
    "a chunk longer than its size": CHUNKED + b"3\r\nabcd\r\n0\r\n\r\n",
    "a chunk ended by LF": CHUNKED + b"3\nabc\r\n0\r\n\r\n",
    "a chunk extension ended by LF": CHUNKED + b"3;\nabc\r\n0\r\n\r\n",
    "chunk data ended by LF": CHUNKED + b"3\r\nabc\n0\r\n\r\n",
    "a malformed trailer": CHUNKED + b"0\r\nX y\r\n\r\n",
    "obs-fold": GET + b"X: a\r\n b\r\n\r\n",
    "NUL in a value": GET + b"X: a\x00b\r\n\r\n",
    "a control character in a value": GET + b"X: a\x01b\r\n\r\n",
    "DEL in a value": GET + b"X: a\x7fb\r\n\r\n",
    "NUL in a name": GET + b"X\x00: a\r\n\r\n",
    "a space before the colon": b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
    "a space before the first field": b"GET / HTTP/1.1\r\n X: y\r\n" + H + b"\r\n",
    "a field without a name": GET + b": y\r\n\r\n",
    "a field without a colon": GET + b"X\r\n\r\n",
    "a name that is no token": GET + b"X(: y\r\n\r\n",
    "a name beyond ASCII": GET + b"\xc3\xa9: y\r\n\r\n",
    "LF alone everywhere": b"GET / HTTP/1.1\nHost: a\n\n",
    "LF alone after the request line": b"GET / HTTP/1.1\n" + H + b"\r\n",
    "LF alone after a field": b"GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n",
    "LF alone at the end": b"GET / HTTP/1.1\r\nHost: a\r\n\n",
    "LF alone before the request": b"\n" + GET + b"\r\n",
    "CR alone in a value": GET + b"X: a\rb\r\n\r\n",
    "CR alone after a field": b"GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n",
    "CR CR LF": b"GET / HTTP/1.1\r\nHost: a\r\r\n\r\n",
    "two spaces in the request line": b"GET  / HTTP/1.1\r\n" + H + b"\r\n",
    "a space in the target": b"GET /a b HTTP/1.1\r\n" + H + b"\r\n",
    "a space at the end of the line": b"GET / HTTP/1.1 \r\n" + H + b"\r\n",
    "tabs in the request line": b"GET\t/\tHTTP/1.1\r\n" + H + b"\r\n",
    "no target": b"GET HTTP/1.1\r\n" + H + b"\r\n",
    "no version": b"GET /\r\n" + H + b"\r\n",
    "a small-letter version": b"GET / http/1.1\r\n" + H + b"\r\n",
    "a long version": b"GET / HTTP/1.10\r\n" + H + b"\r\n",
    "another protocol": b"GET / RTSP/1.0\r\n" + H + b"\r\n",
    "a method that is no token": b"G(T / HTTP/1.1\r\n" + H + b"\r\n",
    "a target without a slash": b"GET a HTTP/1.1\r\n" + H + b"\r\n",
    "a query alone": b"GET ?a HTTP/1.1\r\n" + H + b"\r\n",
    "a fragment": b"GET /a#b HTTP/1.1\r\n" + H + b"\r\n",
    "a target beyond ASCII": b"GET /\xc3\xa9 HTTP/1.1\r\n" + H + b"\r\n",
    "a control character in the target": b"GET /\x01 HTTP/1.1\r\n" + H + b"\r\n",
    "NUL in the target": b"GET /\x00 HTTP/1.1\r\n" + H + b"\r\n",
    "an escaped NUL": b"GET /%00 HTTP/1.1\r\n" + H + b"\r\n",
    "a broken escape": b"GET /%zz HTTP/1.1\r\n" + H + b"\r\n",
    "an escape cut short": b"GET /a% HTTP/1.1\r\n" + H + b"\r\n",
    "escapes that are not UTF-8": b"GET /%ff HTTP/1.1\r\n" + H + b"\r\n",
    "the asterisk for GET": b"GET * HTTP/1.1\r\n" + H + b"\r\n",
    "an address of another scheme": b"GET ftp://a/ HTTP/1.1\r\n" + H + b"\r\n",
    "an address without a host": b"GET http:///x HTTP/1.1\r\n" + H + b"\r\n",
    "an address with user info": b"GET http://u@a/ HTTP/1.1\r\n" + H + b"\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "a method without end": b"A" * 5000,
}

REFUSED: dict[str, tuple[bytes, int, str]] = {
    "an unknown method": (b"BREW / HTTP/1.1\r\n" + H + b"\r\n", 501, "method_not_implemented"),
    "a method in small letters": (
        b"get / HTTP/1.1\r\n" + H + b"\r\n",
        501,
        "method_not_implemented",
    ),
    "a method that llhttp knows": (
        b"PROPFIND / HTTP/1.1\r\n" + H + b"\r\n",
        501,
        "method_not_implemented",
    ),
    "a method with a known beginning": (
        b"GETS / HTTP/1.1\r\n" + H + b"\r\n",
        501,
        "method_not_implemented",
    ),
    "an unknown method with a long target": (
        b"BREW /" + b"a" * 9000 + b" HTTP/1.1\r\n" + H + b"\r\n",
        501,
        "method_not_implemented",
    ),
    "CONNECT": (b"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", 405, "method_not_allowed"),
    "HTTP/2 by prior knowledge": (
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        505,
        "http_version_not_supported",
    ),
    "HTTP/3.0": (b"GET / HTTP/3.0\r\n" + H + b"\r\n", 505, "http_version_not_supported"),
    "HTTP/0.9 with a version": (b"GET / HTTP/0.9\r\n\r\n", 505, "http_version_not_supported"),
    "a target too long": (
        b"GET /" + b"a" * (8 * 1024) + b" HTTP/1.1\r\n" + H + b"\r\n",
        414,
        "uri_too_long",
    ),
    "a target without end": (b"GET /" + b"a" * 20_000, 414, "uri_too_long"),
    "a header too large": (GET + b"X: " + b"a" * 33_000 + b"\r\n\r\n", 431, "headers_too_large"),
    "a header without end": (GET + b"X: " + b"a" * 40_000, 431, "headers_too_large"),
    "too many fields": (GET + b"X: y\r\n" * 100 + b"\r\n", 431, "headers_too_large"),
    "too many trailer fields": (
        CHUNKED + b"0\r\n" + b"X: y\r\n" * 101 + b"\r\n",
        431,
        "headers_too_large",
    ),
    "an unknown expectation": (
        POST + b"Expect: tea\r\nContent-Length: 0\r\n\r\n",
        417,
        "expectation_failed",
    ),
    "two expectations": (
        POST + b"Expect: 100-continue\r\nExpect: tea\r\nContent-Length: 1\r\n\r\na",
        417,
        "expectation_failed",
    ),
}
REFUSED |= {name: (sent, 400, "bad_host") for name, sent in BAD_HOST.items()}
REFUSED |= {name: (sent, 400, "malformed_request") for name, sent in MALFORMED.items()}


@pytest.mark.parametrize("sent", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_well_formed_requests_reach_the_application(mirror_server: LiveServer, sent: bytes) -> None:
    """A request that the standards allow is served."""
    answer = mirror_server.ask(sent)

    assert answer.status == 200, answer.body


@pytest.mark.parametrize(("sent", "status", "error"), REFUSED.values(), ids=REFUSED.keys())
def test_refusals_are_problems_that_close(
    mirror_server: LiveServer, sent: bytes, status: int, error: str
) -> None:
    """Whatever is not well formed gets its status, a complete problem and a closed connection."""
    answer = mirror_server.ask(sent)

    assert (answer.status, answer.problem["error"]) == (status, error), answer.body
    problem = answer.problem
    assert problem.keys() == {
        "type",
        "title",
        "status",
        "detail",
        "instance",
        "error",
        "requestId",
    }
    assert problem["status"] == status
    assert all(problem.values())
    assert answer.closed
    assert answer.headers["x-request-id"] == problem["requestId"]
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["date"].endswith(" GMT")
    assert "server" not in answer.headers


SHORT = {name: row for name, row in REFUSED.items() if len(row[0]) < 600} | {
    name: (sent, 200, "") for name, sent in ACCEPTED.items() if len(sent) < 600
}


@pytest.mark.parametrize(("sent", "status", "error"), SHORT.values(), ids=SHORT.keys())
def test_the_answer_does_not_depend_on_how_bytes_are_cut(
    mirror_server: LiveServer, sent: bytes, status: int, error: str
) -> None:
    """A request that arrives byte by byte is answered as one that arrives at once."""
    with mirror_server.connect() as client:
        client.drip(sent)
        answer = client.answer()

    assert answer.status == status
    assert not error or answer.problem["error"] == error
