"""What the server holds against the head of a request (RFC 9110, RFC 9112), as pure functions.

llhttp parses the fields; this file has the rules that it is too lenient about: the request line,
the target, Host, and how a body may be framed. Nothing here touches a socket.
"""

import re
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from infra.http_server.limits import HttpLimits
from infra.http_server.problems import Fault, malformed

METHODS = {
    name.encode("ascii"): name
    for name in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
}
"""RFC 9110 section 9 and RFC 5789, without CONNECT, which is refused here. All others are 501
(15.6.2), also those that llhttp knows, such as PROPFIND: no resource here has them."""

NOTED_FIELDS = frozenset(
    (b"host", b"content-length", b"transfer-encoding", b"connection", b"expect")
)
"""The fields that decide about framing and routing, kept apart while parsing."""

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_REQUEST_LINE = re.compile(rb"(%b) ([^ \r\n]+) HTTP/([0-9])\.([0-9])" % _TOKEN)
_AUTHORITY = re.compile(rb"(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{0,5}))?")
_ABSOLUTE = re.compile(rb"https?://([^/?#]*)([^#]*)", re.IGNORECASE)
_BARE_LINE_BREAK = re.compile(rb"(?<!\r)\n|\r(?!\n|\Z)")
_NOT_A_METHOD = re.compile(rb"[^!#$%&'*+\-.^_`|~0-9A-Za-z ]")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_UPGRADE_FIELD = re.compile(rb"(?<=\r\n)upgrade:[^\r\n]*\r\n", re.IGNORECASE)
_LONGEST_METHOD = 64
_HIGHEST_PORT = 65535

_CONNECT = Fault(
    405,
    "method_not_allowed",
    "CONNECT is for proxies; this is an origin server.",
    # RFC 9110 10.2.1: an empty Allow says that the target, a tunnel, takes no method at all.
    ((b"allow", b""),),
)
_NO_HOST = Fault(400, "bad_host", "The Host field is missing.")
_BAD_HOST = Fault(400, "bad_host", "There must be one Host field, with a host and perhaps a port.")
_TARGET_TOO_LONG = Fault(
    414, "uri_too_long", "The request target is longer than this server takes."
)
_HEADERS_TOO_LARGE = Fault(431, "headers_too_large", "The header is larger than this server takes.")
TRAILER_TOO_LARGE = Fault(431, "headers_too_large", "A trailer or chunk header is too large.")
_TOO_MANY_FIELDS = Fault(431, "headers_too_large", "The header has more fields than allowed.")


class RequestLine(NamedTuple):
    """A request line that was understood, and the fault to answer once Host proved right."""

    method: bytes
    target: bytes
    http_version: str
    fault: Fault | None


class Target(NamedTuple):
    """Where a request goes. `authority` is that of the absolute form, which replaces Host."""

    path: str
    raw_path: bytes
    query: bytes
    authority: bytes | None


def incomplete_head_fault(buffer: bytearray, searched: int, limits: HttpLimits) -> Fault | None:
    """Refuse a head that is not complete yet and cannot become good.

    `searched` is where the part begins that was not looked at before.
    """
    line_end = buffer.find(b"\r\n")
    method_end = buffer.find(b" ")
    start = bytes(buffer[: _LONGEST_METHOD if method_end < 0 else method_end])
    if _NOT_A_METHOD.search(start.rstrip(b"\r")) or len(start) >= _LONGEST_METHOD:
        return malformed("The request line does not begin with a method.")
    if _BARE_LINE_BREAK.search(buffer, searched):
        return malformed("Lines must end in CR LF.")
    line_bytes = line_end if line_end >= 0 else len(buffer)
    if line_bytes > limits.target_bytes + _LONGEST_METHOD:
        return _unknown_method(start) or _TARGET_TOO_LONG
    if line_end >= 0 and len(buffer) - line_end > limits.header_bytes:
        return _unknown_method(start) or _HEADERS_TOO_LARGE
    return None


def parse_request_line(line: bytes, header_bytes: int, limits: HttpLimits) -> RequestLine | Fault:
    """Understand a request line that is not plainly one of ours.

    `line` is without its line break, `header_bytes` is the length of all that follows it. A
    request with a wrong Host is 400 whatever its method and length, so that 501 and 414 are
    handed back as the fault to answer later; an oversized header is not parsed for its Host.
    """
    match = _REQUEST_LINE.fullmatch(line)
    if match is None:
        return malformed("The request line is not `method target HTTP/1.1`.")
    method, target, major, minor = match.groups()
    if major != b"1":
        return Fault(505, "http_version_not_supported", "This server speaks HTTP/1.1 and HTTP/1.0.")
    # RFC 9110 2.5: a higher minor version is served as the highest one that is known.
    http_version = "1.0" if minor == b"0" else "1.1"
    if method == b"CONNECT":
        return _CONNECT
    fault = _unknown_method(method)
    if fault is None and len(target) > limits.target_bytes:
        fault = _TARGET_TOO_LONG
    if header_bytes > limits.header_bytes:
        return fault or _HEADERS_TOO_LARGE
    return RequestLine(method, target, http_version, fault)


def _unknown_method(method: bytes) -> Fault | None:
    if method in METHODS:
        return None
    return Fault(501, "method_not_implemented", "This server does not know the method.")


def without_upgrade(head: bytes) -> bytes:
    """Drop the Upgrade field, which a server may ignore (RFC 9110 7.8) and llhttp does not."""
    return _UPGRADE_FIELD.sub(b"", head)


def parse_target(method: str, target: bytes) -> Target | Fault:
    """Understand a request target in origin, absolute or asterisk form (RFC 9112 3.2)."""
    authority: bytes | None = None
    if not target.startswith(b"/"):
        if target == b"*":
            if method != "OPTIONS":
                return malformed("The target `*` is for OPTIONS alone.")
            return Target("*", b"*", b"", None)
        absolute = _ABSOLUTE.fullmatch(target)
        if absolute is None:
            return malformed("The request target is neither a path nor an http address.")
        authority, target = absolute.groups()
        if not is_authority(authority):
            return malformed("The request target names no valid host.")
        if not target.startswith(b"/"):
            if method == "OPTIONS" and not target:
                return Target("*", b"*", b"", authority)
            target = b"/" + target
    raw_path, _, query = target.partition(b"?")
    try:
        path = raw_path.decode("ascii")
    except UnicodeDecodeError:
        return malformed("The request target has bytes beyond ASCII.")
    if b"#" in target:
        return malformed("The request target has a fragment.")
    if "%" in path:
        decoded = _unescape(path)
        if decoded is None:
            return malformed("The path is not percent-encoded UTF-8 text.")
        path = decoded
    return Target(path, raw_path, query, authority)


def _unescape(path: str) -> str | None:
    if _BAD_ESCAPE.search(path):
        return None
    try:
        text = unquote_to_bytes(path).decode()
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


def is_authority(value: bytes) -> bool:
    """Tell whether this is a host, with or without a port, and nothing else."""
    match = _AUTHORITY.fullmatch(value)
    return match is not None and int(match[1] or 0) <= _HIGHEST_PORT


def framing_fault(noted: dict[bytes, bytes], http_version: str) -> Fault | None:
    """Refuse a doubtful Host, Transfer-Encoding or Expect.

    `noted` has the fields of `NOTED_FIELDS`, repeated ones joined by commas. llhttp has refused
    repeated or malformed Content-Length, and Content-Length beside Transfer-Encoding.
    """
    host = noted.get(b"host")
    if host is None:
        if http_version == "1.1":
            return _NO_HOST
    elif not is_authority(host):
        return _BAD_HOST
    coding = noted.get(b"transfer-encoding")
    if coding is not None:
        if http_version == "1.0":
            return malformed("HTTP/1.0 has no Transfer-Encoding.")
        if coding.lower() != b"chunked":
            return malformed("The only Transfer-Encoding is `chunked`, given once.")
    return None


def expectation_fault(noted: dict[bytes, bytes], http_version: str) -> Fault | None:
    """Refuse an expectation other than 100-continue (RFC 9110 10.1.1)."""
    expect = noted.get(b"expect")
    if expect is None or http_version == "1.0" or expect.lower() == b"100-continue":
        return None
    return Fault(417, "expectation_failed", "The only expectation met here is `100-continue`.")


def field_count_fault(headers: list[tuple[bytes, bytes]], limits: HttpLimits) -> Fault | None:
    """Refuse more fields than allowed."""
    return _TOO_MANY_FIELDS if len(headers) > limits.header_fields else None


def closes(connection: bytes) -> bool:
    """Tell whether a Connection field has the option `close`."""
    return b"close" in [option.strip() for option in connection.lower().split(b",")]
