r"""Named byte sequences that hardly are HTTP, each for a connection of its own.

`{h}` is a good Host field with its line end, `{p}` the head of a good POST up to its framing.
"""

from collections.abc import Iterator, Mapping
from itertools import chain

_JSON = b"Content-Type: application/json\r\n"
_GOOD = b"GET /livez HTTP/1.1\r\n{h}\r\n"
_PATHS = (b"/posts", b"/upload", b"/exports", b"/redirects", b"/files/1", b"/go?url=https://x")


def corpus(host: bytes) -> Mapping[str, bytes]:
    """Give them all, for a server that is asked under this host and port."""
    post = b"POST /posts HTTP/1.1\r\nHost: %b\r\n%b" % (host, _JSON)
    made: dict[str, bytes] = {}
    for name, sent in chain(
        _request_lines(),
        _fields(),
        _hosts(),
        _lengths(),
        _chunks(),
        _pipelines(),
        _targets(),
        _floods(),
        _protocols(),
        _cut_short(),
    ):
        assert name not in made, name
        made[name] = sent.replace(b"{h}", b"Host: %b\r\n" % host).replace(b"{p}", post)
    return made


def _named(family: str, **rows: bytes) -> Iterator[tuple[str, bytes]]:
    for name, sent in rows.items():
        yield f"{family}: {name.replace('_', ' ')}", sent


def _request_lines() -> Iterator[tuple[str, bytes]]:
    lines = {
        "http_0_9": b"GET /posts\r\n",
        "http_0_9_with_line_feed": b"GET /\n",
        "method_alone": b"GET\r\n",
        "empty": b"\r\n",
        "many_empty_lines": b"\r\n" * 200,
        "http_1_0_without_host": b"GET /posts HTTP/1.0\r\n",
        "http_1_2": b"GET /posts HTTP/1.2\r\n{h}",
        "http_2_0": b"GET /posts HTTP/2.0\r\n{h}",
        "http_3": b"GET /posts HTTP/3\r\n{h}",
        "http_9_9": b"GET /posts HTTP/9.9\r\n{h}",
        "http_11": b"GET /posts HTTP/11\r\n{h}",
        "http_1_dot": b"GET /posts HTTP/1.\r\n{h}",
        "http_1_11": b"GET /posts HTTP/1.11\r\n{h}",
        "http_minus": b"GET /posts HTTP/-1.1\r\n{h}",
        "protocol_in_lower_case": b"GET /posts http/1.1\r\n{h}",
        "another_protocol": b"GET /posts ICY/1.1\r\n{h}",
        "method_in_lower_case": b"get /posts HTTP/1.1\r\n{h}",
        "method_of_controls": b"G\x01T /posts HTTP/1.1\r\n{h}",
        "method_with_nul": b"GET\x00 /posts HTTP/1.1\r\n{h}",
        "method_of_8_bits": b"G\xc3\x89T /posts HTTP/1.1\r\n{h}",
        "method_of_5000": b"G" * 5_000 + b" /posts HTTP/1.1\r\n{h}",
        "method_with_colon": b"GET: /posts HTTP/1.1\r\n{h}",
        "two_spaces": b"GET  /posts HTTP/1.1\r\n{h}",
        "two_spaces_before_protocol": b"GET /posts  HTTP/1.1\r\n{h}",
        "tabs": b"GET\t/posts\tHTTP/1.1\r\n{h}",
        "space_first": b" GET /posts HTTP/1.1\r\n{h}",
        "space_last": b"GET /posts HTTP/1.1 \r\n{h}",
        "more_words": b"GET /posts HTTP/1.1 HTTP/1.1\r\n{h}",
        "space_in_target": b"GET /po sts HTTP/1.1\r\n{h}",
        "bare_cr": b"GET /posts HTTP/1.1\r{h}",
        "bare_lf": b"GET /posts HTTP/1.1\n{h}",
        "cr_cr_lf": b"GET /posts HTTP/1.1\r\r\n{h}",
        "vertical_tab": b"GET\x0b/posts\x0bHTTP/1.1\r\n{h}",
        "no_break_space": b"GET\xa0/posts\xa0HTTP/1.1\r\n{h}",
        "byte_order_mark": b"\xef\xbb\xbfGET /posts HTTP/1.1\r\n{h}",
        "trace": b"TRACE /posts HTTP/1.1\r\n{h}",
        "connect": b"CONNECT evil.example:443 HTTP/1.1\r\n{h}",
        "connect_path": b"CONNECT /posts HTTP/1.1\r\n{h}",
        "purge": b"PURGE /posts HTTP/1.1\r\n{h}",
        "propfind": b"PROPFIND / HTTP/1.1\r\n{h}Depth: infinity\r\n",
    }
    yield from _named("line", **{name: line + b"\r\n" for name, line in lines.items()})


def _fields() -> Iterator[tuple[str, bytes]]:
    fields = {
        "folded": b"X: a\r\n b\r\n",
        "folded_with_tab": b"X: a\r\n\tb\r\n",
        "first_folded": b" X: a\r\n",
        "folded_length": b"Content-Length:\r\n 5\r\n",
        "folded_coding": b"Transfer-Encoding:\r\n chunked\r\n",
        "space_before_colon": b"X : a\r\n",
        "tab_before_colon": b"X\t: a\r\n",
        "length_space_before_colon": b"Content-Length : 5\r\n",
        "coding_space_before_colon": b"Transfer-Encoding : chunked\r\n",
        "no_name": b": a\r\n",
        "no_colon": b"X\r\n",
        "nul_in_name": b"X\x00Y: a\r\n",
        "nul_in_value": b"X: a\x00b\r\n",
        "nul_in_length": b"Content-Length: 0\x00\r\n",
        "cr_in_value": b"X: a\rb\r\n",
        "cr_in_name": b"X\rY: a\r\n",
        "lf_ends_line": b"X: a\nY: b\r\n",
        "lf_ends_head": b"X: a\n\n",
        "8_bits_in_name": b"X\xff: a\r\n",
        "8_bits_in_value": b"X: \xff\xfe\r\n",
        "escape_in_value": b"X: \x1b[2J\r\n",
        "delete_in_value": b"X: \x7f\r\n",
        "separators_in_name": b"(X)/{}: a\r\n",
        "quotes_in_name": b'"X": a\r\n',
        "name_of_9000": b"X" * 9_000 + b": a\r\n",
        "underscores": b"Content_Length: 5\r\nTransfer_Encoding: chunked\r\n",
        "empty_authorization": b"Authorization:\r\n",
        "two_authorizations": b"Authorization: Bearer a\r\nAuthorization: Bearer b\r\n",
        "authorization_of_nul": b"Authorization: Bearer \x00\r\n",
        "two_types": b"Content-Type: a/b\r\nContent-Type: application/json\r\n",
        "two_ranges": b"Range: bytes=0-0\r\nRange: bytes=1-1\r\n",
        "hop_by_hop_host": b"Connection: host\r\n",
        "hop_by_hop_authorization": b"Connection: close, authorization, content-length\r\n",
        "connection_of_1000_tokens": b"Connection: " + b"a," * 1_000 + b"b\r\n",
        "close_and_keep": b"Connection: close, keep-alive\r\n",
        "forwarded_odd": b'Forwarded: for="[::1", host="\r\n',
        "forwarded_host": b"X-Forwarded-Host: evil.example\r\n",
        "original_url": b"X-Original-URL: /users\r\nX-Rewrite-URL: /users\r\n",
        "method_override": b"X-HTTP-Method-Override: DELETE\r\n",
        "traceparent_odd": b"Traceparent: 00-" + b"f" * 999 + b"\r\n",
        "request_id_odd": b"X-Request-Id: <script>\xff\r\n",
        "accept_many": b"Accept: " + b"a/b;q=0.1," * 900 + b"c/d\r\n",
        "tag_open": b'If-None-Match: "' + b"\r\n",
        "tags_many": b"If-None-Match: " + b'"a",' * 2_000 + b'"b"\r\n',
        "expect_other": b"Expect: 200-ok\r\n",
        "expect_twice": b"Expect: 100-continue\r\nExpect: 100-continue\r\n",
        "expect_without_body": b"Expect: 100-continue\r\n",
        "expect_upper": b"Expect: 100-CONTINUE, x\r\n",
        "trailer": b"Trailer: Host, Content-Length\r\n",
        "te": b"TE: trailers, deflate;q=nan\r\n",
        "max_forwards": b"Max-Forwards: -1\r\n",
    }
    for name, lines in fields.items():
        yield f"field: {name.replace('_', ' ')}", b"GET /posts HTTP/1.1\r\n{h}" + lines + b"\r\n"


def _hosts() -> Iterator[tuple[str, bytes]]:
    hosts = {
        "none": b"",
        "empty": b"Host:\r\n",
        "twice": b"{h}{h}",
        "twice_and_other": b"{h}Host: evil.example\r\n",
        "other": b"Host: evil.example\r\n",
        "list": b"Host: a, b\r\n",
        "user": b"Host: a@b\r\n",
        "path": b"Host: a/b\r\n",
        "port_too_large": b"Host: localhost:99999\r\n",
        "port_negative": b"Host: localhost:-1\r\n",
        "port_of_letters": b"Host: localhost:http\r\n",
        "two_ports": b"Host: localhost:1:2\r\n",
        "bracket_open": b"Host: [::1\r\n",
        "zone": b"Host: [fe80::1%25eth0]\r\n",
        "nul": b"Host: localhost\x00\r\n",
        "space": b"Host: local host\r\n",
        "8_bits": b"Host: \xff\r\n",
        "percent": b"Host: %6cocalhost\r\n",
        "dot": b"Host: localhost.\r\n",
        "long": b"Host: " + b"a" * 9_000 + b"\r\n",
        "folded": b"Host:\r\n localhost\r\n",
        "script": b"Host: <script>alert(1)</script>\r\n",
    }
    for name, lines in hosts.items():
        yield f"host: {name.replace('_', ' ')}", b"GET /posts HTTP/1.1\r\n" + lines + b"\r\n"


def _lengths() -> Iterator[tuple[str, bytes]]:
    hidden = b"GET /livez HTTP/1.1\r\n{h}\r\n"
    lengths = {
        "negative": b"Content-Length: -1\r\n\r\n",
        "plus": b"Content-Length: +2\r\n\r\n{}",
        "hexadecimal": b"Content-Length: 0x2\r\n\r\n{}",
        "letters": b"Content-Length: two\r\n\r\n{}",
        "empty": b"Content-Length:\r\n\r\n{}",
        "float": b"Content-Length: 2.0\r\n\r\n{}",
        "exponent": b"Content-Length: 2e0\r\n\r\n{}",
        "underscore": b"Content-Length: 1_0\r\n\r\n{}",
        "arabic_digits": b"Content-Length: \xd9\xa2\r\n\r\n{}",
        "leading_zeros": b"Content-Length: 0000000000000000000000000002\r\n\r\n{}",
        "list_of_same": b"Content-Length: 2, 2\r\n\r\n{}",
        "list_of_others": b"Content-Length: 2, 3\r\n\r\n{}",
        "twice_the_same": b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
        "twice_others": b"Content-Length: 2\r\nContent-Length: 90\r\n\r\n{}",
        "of_65_bits": b"Content-Length: 18446744073709551618\r\n\r\n{}",
        "of_64_bits": b"Content-Length: 18446744073709551615\r\n\r\n{}",
        "huge": b"Content-Length: " + b"9" * 400 + b"\r\n\r\n{}",
        "too_large": b"Content-Length: 99999999999\r\n\r\n{}",
        "space_inside": b"Content-Length: 1 0\r\n\r\n{}",
        "quoted": b'Content-Length: "2"\r\n\r\n{}',
        "vertical_tab": b"Content-Length: \x0b2\r\n\r\n{}",
        "shorter_than_sent": b"Content-Length: 2\r\n\r\n{}" + hidden,
        "none_and_a_body": b"\r\n" + hidden,
        "zero_and_a_body": b"Content-Length: 0\r\n\r\n" + hidden,
        "and_coding": b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden,
        "after_coding": b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"
        + hidden,
        "zero_and_coding": b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    }
    for name, rest in lengths.items():
        yield f"length: {name.replace('_', ' ')}", b"{p}" + rest
    codings = {
        *(b"gzip", b"identity", b"gzip, chunked", b"chunked, gzip", b"chunked, chunked"),
        *(b"chunked, identity", b"xchunked", b"chunkedx", b"chunked;a=b", b'"chunked"', b""),
        *(b"\x0bchunked", b"chunked\x00", b",chunked", b"chunked,", b"CHUNKED", b"\tchunked"),
        *(b"chunk\xc5\xbfed", b"chunked\r\nTransfer-Encoding: identity", b"x" * 3_000),
        b"identity\r\nTransfer-Encoding: chunked",
    }
    for number, coding in enumerate(sorted(codings)):
        sent = b"{p}Transfer-Encoding: %b\r\n\r\n2\r\n{}\r\n0\r\n\r\n" % coding
        yield f"coding {number}: {coding[:40]!r}", sent
    yield (
        "coding: in http 1.0",
        b"POST /posts HTTP/1.0\r\n{h}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    )
    yield "length: of a get", b"GET /posts HTTP/1.1\r\n{h}Content-Length: 45\r\n\r\n" + hidden
    yield (
        "coding: of a get",
        b"GET /posts HTTP/1.1\r\n{h}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden,
    )


def _chunks() -> Iterator[tuple[str, bytes]]:
    chunks = {
        "of_letters": b"x\r\n{}\r\n0\r\n\r\n",
        "negative": b"-2\r\n{}\r\n0\r\n\r\n",
        "plus": b"+2\r\n{}\r\n0\r\n\r\n",
        "prefix": b"0x2\r\n{}\r\n0\r\n\r\n",
        "space_before": b" 2\r\n{}\r\n0\r\n\r\n",
        "space_after": b"2 \r\n{}\r\n0\r\n\r\n",
        "tab_after": b"2\t\r\n{}\r\n0\r\n\r\n",
        "underscore": b"0_2\r\n{}\r\n0\r\n\r\n",
        "empty_size": b"\r\n{}\r\n0\r\n\r\n",
        "too_short": b"1\r\n{}\r\n0\r\n\r\n",
        "too_long": b"3\r\n{}\r\n0\r\n\r\n",
        "line_feeds": b"2\n{}\n0\n\n",
        "size_ends_with_cr": b"2\r{}\r\n0\r\n\r\n",
        "data_ends_with_lf": b"2\r\n{}\n0\r\n\r\n",
        "data_ends_with_nothing": b"2\r\n{}0\r\n\r\n",
        "of_64_bits": b"FFFFFFFFFFFFFFFF\r\n{}\r\n0\r\n\r\n",
        "of_65_bits": b"10000000000000002\r\n{}\r\n0\r\n\r\n",
        "of_999_digits": b"0" * 999 + b"2\r\n{}\r\n0\r\n\r\n",
        "extension": b"2;a=b\r\n{}\r\n0\r\n\r\n",
        "extension_with_lf": b"2;a\nb\r\n{}\r\n0\r\n\r\n",
        "extension_with_nul": b"2;\x00\r\n{}\r\n0\r\n\r\n",
        "extension_quoted": b'2;a="\r\n{}\r\n0\r\n\r\n',
        "extension_of_20000": b"2;" + b"e" * 20_000 + b"\r\n{}\r\n0\r\n\r\n",
        "extensions_many": b"1;" + b"e" * 900 + b"\r\n{\r\n1;" + b"e" * 900 + b"\r\n}\r\n0\r\n\r\n",
        "one_byte_each": b"1\r\n \r\n" * 5_000 + b"0\r\n\r\n",
        "trailer": b"2\r\n{}\r\n0\r\nX: a\r\n\r\n",
        "trailer_host": b"2\r\n{}\r\n0\r\nHost: evil\r\nContent-Length: 99\r\n\r\n",
        "trailer_authorization": b"2\r\n{}\r\n0\r\nAuthorization: Bearer x\r\n\r\n",
        "trailer_no_colon": b"2\r\n{}\r\n0\r\nX\r\n\r\n",
        "trailer_folded": b"2\r\n{}\r\n0\r\nX: a\r\n b\r\n\r\n",
        "trailers_many": b"0\r\n" + b"X: a\r\n" * 5_000 + b"\r\n",
        "trailer_long": b"0\r\nX: " + b"a" * 90_000 + b"\r\n\r\n",
        "no_last": b"2\r\n{}\r\n",
        "no_end": b"2\r\n{}\r\n0\r\n",
        "last_with_zeros": b"2\r\n{}\r\n00000\r\n\r\n",
    }
    for name, rest in chunks.items():
        sent = b"{p}Transfer-Encoding: chunked\r\n\r\n" + rest
        yield f"chunk: {name.replace('_', ' ')}", sent


def _pipelines() -> Iterator[tuple[str, bytes]]:
    two = b"{p}Content-Length: 2\r\n\r\n{}"
    yield from _named(
        "pipeline",
        a_hundred=_GOOD * 100,
        good_and_half=_GOOD + b"GET /pos",
        good_and_half_head=_GOOD + b"GET /posts HTTP/1.1\r\nHo",
        good_and_half_body=_GOOD + b"{p}Content-Length: 20\r\n\r\n{",
        good_and_junk=_GOOD + b"\x00\xff" * 50,
        good_and_empty_lines=_GOOD + b"\r\n" * 50 + _GOOD,
        bad_and_good=b"GET /posts HTTP/1.1\r\n\r\n" + _GOOD,
        posts=two * 20,
        post_and_good=two + _GOOD,
        close_and_more=_GOOD.replace(b"{h}", b"{h}Connection: close\r\n") + _GOOD * 3,
        expect_and_good=b"{p}Expect: 100-continue\r\nContent-Length: 2\r\n\r\n" + _GOOD,
        upgrade_and_good=b"GET /livez HTTP/1.1\r\n{h}Upgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Key: x\r\n\r\n" + _GOOD,
        head_and_good=_GOOD.replace(b"GET", b"HEAD") + _GOOD,
        old_and_new=b"GET /livez HTTP/1.0\r\n{h}Connection: keep-alive\r\n\r\n" + _GOOD,
    )


def _targets() -> Iterator[tuple[str, bytes]]:
    targets = (
        *(b"*", b"//", b"///posts", b"/./posts", b"/../posts", b"/posts/../../etc/passwd"),
        *(b"/posts/..;/users", b"/posts;x=1", b"/posts#x", b"/posts?#", b"?", b"posts", b"\\posts"),
        *(
            b"/\\evil.example",
            b"//evil.example/posts",
            b"/%2e%2e/%2e%2e/etc/passwd",
            b"/%252e%252e",
        ),
        *(b"/%00", b"/posts%00.json", b"/posts%0d%0aX:%20y", b"/posts%0a", b"/%ff", b"/%c0%ae"),
        *(
            b"/%zz",
            b"/%",
            b"/%1",
            b"/%u0041",
            b"/posts%2f1",
            b"/posts%5c1",
            b"/%ed%a0%80",
            b"/\xff",
        ),
        *(
            b"/\xe2\x80\xae",
            b"/\x00",
            b"/\x7f",
            b"/po\tsts",
            b"/<script>",
            b'/"',
            b"/{posts}",
            b"/|",
        ),
        *(b"http:", b"http://", b"http:///posts", b"http://a@b/", b"http://evil.example/posts"),
        *(b"https://localhost/posts", b"ftp://localhost/", b"file:///etc/passwd", b"HTTP://[::1/"),
        *(b"http://localhost:99999/", b"http://localhost%00/", b"javascript:alert(1)", b"data:,x"),
        *(b"localhost:80", b"/go?url=//evil.example", b"/go?url=https%3A%2F%2Fok.example%00"),
        *(b"/go?url=https://ok.example&url=https://evil.example", b"/go?url=%ff%fe", b"/go?" * 99),
        *(b"/files/%2e%2e%2f%2e%2e%2fetc%2fpasswd", b"/files/..%5c..%5c", b"/files/.git/config"),
        *(b"/files/1/thumbnails/99999999999999999999", b"/videos/%00", b"/exports/%2e%2e/download"),
        *(b"/docs/../../x", b"/docs/%2e%2e/app.py", b"/problems/%00", b"/http-statuses/1e3"),
        *(b"/api/v1//evil.example", b"/api/v1/%2f%2fevil.example", b"/api/v1/posts/create/.."),
        *(
            b"/api/v1/\\evil.example",
            b"/api/v1/%0d%0aLocation:%20//evil.example",
            b"/posts/slug/%2f",
        ),
        *(b"/posts?" + b"a" * 7_000, b"/" + b"a" * 9_000, b"/" + b"%41" * 3_000, b"/" * 4_000),
        *(b"/posts?" + b"a=1&" * 1_500, b"/posts?limit=" + b"9" * 5_000, b"/a" * 2_000),
    )
    for number, target in enumerate(targets):
        shown = target[:40].decode("latin-1").encode("unicode_escape").decode()
        yield f"target {number}: {shown}", b"GET %b HTTP/1.1\r\n{h}\r\n" % target


def _floods() -> Iterator[tuple[str, bytes]]:
    start = b"GET /posts HTTP/1.1\r\n{h}"
    yield from _named(
        "flood",
        fields_500=start + b"X: a\r\n" * 500 + b"\r\n",
        fields_100000=start + b"a:\r\n" * 100_000,
        one_field_of_a_million=start + b"X: " + b"a" * 1_000_000 + b"\r\n\r\n",
        one_name_of_a_million=start + b"X" * 1_000_000,
        target_of_a_million=b"GET /" + b"a" * 1_000_000 + b" HTTP/1.1\r\n{h}\r\n",
        method_of_a_million=b"G" * 1_000_000,
        spaces=b" " * 100_000,
        nul=b"\x00" * 100_000,
        line_feeds=b"\n" * 100_000,
        carriage_returns=b"\r" * 100_000,
        cookies=start + b"Cookie: " + b"a=b; " * 6_000 + b"\r\n\r\n",
        different_fields=start + b"".join(b"X-%d: y\r\n" % n for n in range(3_000)) + b"\r\n",
    )


def _protocols() -> Iterator[tuple[str, bytes]]:
    yield from _named(
        "protocol",
        http_2_preface=b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        http_2_frames=b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
        h2c=b"GET /posts HTTP/1.1\r\n{h}Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n"
        b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n",
        websocket=b"GET /events HTTP/1.1\r\n{h}Upgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        tls=b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
        proxy_v1=b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n" + _GOOD,
        proxy_v2=b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + bytes(12) + _GOOD,
        ssh=b"SSH-2.0-OpenSSH_9.9\r\n",
        smtp=b"EHLO evil.example\r\nMAIL FROM:<a@b>\r\n",
        redis=b"*1\r\n$4\r\nPING\r\n",
        postgres=b"\x00\x00\x00\x08\x04\xd2\x16\x2f",
        rtsp=b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n",
        sip=b"OPTIONS sip:a@b SIP/2.0\r\n\r\n",
        fastcgi=b"\x01\x01\x00\x01\x00\x08\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00",
    )


def _cut_short() -> Iterator[tuple[str, bytes]]:
    boundary = b"Content-Type: multipart/form-data; boundary=b\r\n"
    for path in _PATHS:
        start = b"POST %b HTTP/1.1\r\n{h}" % path
        shown = path.partition(b"?")[0].decode()
        yield f"cut: {shown} in its line", start[:12]
        yield f"cut: {shown} in its head", start + b"Content-Ty"
        yield f"cut: {shown} before its body", start + boundary + b"Content-Length: 999\r\n\r\n"
        yield f"cut: {shown} in its body", start + boundary + b"Content-Length: 999\r\n\r\n--b\r\n"
        yield (
            f"cut: {shown} in a chunk",
            start + boundary + b"Transfer-Encoding: chunked\r\n\r\n40\r\n--b\r\n",
        )
        yield (
            f"expect: {shown}",
            start + _JSON + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}",
        )
