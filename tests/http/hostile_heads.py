r"""Targets, header fields and bytes that no client should send, one a line.

Escapes such as `\xff` stand for their bytes.
"""

import random
from collections.abc import Iterator


def _lines(text: str) -> tuple[bytes, ...]:
    escaped = text.strip("\n").splitlines()
    return tuple(line.encode().decode("unicode_escape").encode("latin-1") for line in escaped)


# Values for any field. Not one is a good tag, date, type, key, token or number of ours.
VALUES = (
    b"",
    b"x" * 7000,
    b'"' + b"a" * 6000 + b'"',
    b'"a",' * 1200,
    b"a," * 3000,
    b"(" * 2000,
    b"bytes=" + b"0-1," * 900,
    b"Bearer " + b"A" * 2000,
    *_lines(r"""
,
,,,
;
=
"
""
"a
a"
'a'
*,*
* *
**
W/
W/"
W/*
w/"1.1"
"1.1"x
"1.1""1.2"
"\xff"
\xff\xfe
\xc3\xa9
\x80\x81
a\tb
null
None
true
NaN
-1
0
1e9
0x10
1_0
99999999999999999999
1772442000
2026-03-01
Sun, 99 Mar 2026 09:00:00 GMT
Sun, 01 Mar 0000 00:00:00 GMT
Sun, 01 Mar 99999 09:00:00 GMT
Sunday, 31-Feb-26 09:00:00 GMT
Thu, 01 Jan 1970 00:00:00
a/b/c
/
*/json
application/
text/html;q=2
*/*;q=-1
*/*;q=nan
a/b;q
a/b;c="
a/b;c="\\
application/json;charset=\xff
application/json;;;
gzip;q=0
Bearer
Bearer a.b.c
Bearer \xff
Bearer eyJhbGciOiJub25lIn0.e30.
Basic Og==
bytes=0-
bytes=-
bytes=a-b
bytes=5-1
return
return=
return=minimal;
return=other
1 2 3
../../etc/passwd
%00
%0d%0aX: y
<script>
' or 1=1 --
${jndi:ldap://x}
{{7*7}}
"""),
)
FIELDS = _lines("""
If-Match
If-None-Match
If-Modified-Since
If-Unmodified-Since
If-Range
Range
Accept
Accept-Encoding
Accept-Language
Content-Type
Content-Encoding
Content-Language
Prefer
Authorization
Idempotency-Key
X-Request-Id
X-Forwarded-For
Forwarded
Cookie
Early-Data
Origin
Priority
Traceparent
Via
""")

IDS = (
    b"g" * 36,
    b"x" * 3000,
    *_lines("""
1
0
-1
null
undefined
NaN
~
*
%20
%00
%ff
%2F
%2e%2e
%u0041
'%20or%201=1
urn:uuid:01920000-0000-7000-8000-000000000000
%7B01920000-0000-7000-8000-000000000000%7D
%D9%A01920000-0000-7000-8000-000000000000
0192_000-0000-7000-8000-000000000000
01920000000070008000000000000000
01920000-0000-7000-8000-00000000000
01920000-0000-7000-8000-0000000000000
01920000-0000-7000-8000-000000000000%0a
01920000-0000-7000-8000-000000000000;x=1
"""),
)
PARAMETERS = (b"limit", b"cursor", b"status", b"asOf", b"after", b"x")
VALUES_OF_PARAMETERS = (
    b"",
    b"a" * 3000,
    b"A" * 44,
    *_lines("""
0
-1
1e1
0x1
101
99999999999999999999
1%00
%00
%
%zz
%ff
%C0%AF
%D9%A1
%F0%9F%92%A9
[]
{}
'%20or%201=1
2026-13-01T00:00:00Z
2026-03-01T09:00:00+00:00
0001-01-01T00:00:00%2B23:59
"""),
)
QUERIES = (
    *(name + b"=" + value for name in PARAMETERS for value in VALUES_OF_PARAMETERS),
    *(name + b"=1&" + name + b"=1" for name in PARAMETERS),
    b"&" * 3000,
    b"a=1&" * 40,
    *_lines("""
&&&
=
%
?
;
limit
%00=1
limit%00=1
"""),
)

TARGETS = _lines("""
/posts/%b
/posts/%b/versions
/posts/slug/%b
/posts/01920000-0000-7000-8000-000000000000/versions/%b
/streams/post/%b
/events/%b
/problems/%b
""")
LISTS = (b"/posts?%b", b"/posts/{id}?%b", b"/posts/{id}/versions?%b", b"/events?%b")

# Whole requests, each on a connection of its own; {h} is a good Host field.
RAW = (
    b"\r\n" * 50,
    b"\x00" * 100,
    b"G" * 5000 + b" / HTTP/1.1\r\n{h}\r\n",
    b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n{h}\r\n",
    b"GET / HTTP/1.1\r\n{h}X: " + b"a" * 40_000 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\n{h}" + b"X: a\r\n" * 500 + b"\r\n",
    b"POST /posts HTTP/1.1\r\n{h}Transfer-Encoding: chunked\r\n\r\n1;" + b"e" * 20_000,
    *_lines(r"""
\x16\x03\x01\x02\x00\x01\x00
PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n
GET / HTTP/2.0\r\n{h}\r\n
GET / HTTP/0.9\r\n{h}\r\n
GET /\r\n\r\n
GET\r\n\r\n
GET /posts HTTP/1.1\r\n\r\n
GET /posts HTTP/1.0\r\n\r\n
GET /posts HTTP/1.1\r\n{h}{h}\r\n
GET /posts HTTP/1.1\nHost: x\n\n
GET  /posts HTTP/1.1\r\n{h}\r\n
GET /posts  HTTP/1.1\r\n{h}\r\n
GET /po sts HTTP/1.1\r\n{h}\r\n
GET posts HTTP/1.1\r\n{h}\r\n
GET http:// HTTP/1.1\r\n{h}\r\n
GET http://a@b/ HTTP/1.1\r\n{h}\r\n
GET //x/y HTTP/1.1\r\n{h}\r\n
GET * HTTP/1.1\r\n{h}\r\n
GET /\xff HTTP/1.1\r\n{h}\r\n
GET /\x00 HTTP/1.1\r\n{h}\r\n
GET /%zz HTTP/1.1\r\n{h}\r\n
GET /posts#x HTTP/1.1\r\n{h}\r\n
G\xffT / HTTP/1.1\r\n{h}\r\n
get /posts HTTP/1.1\r\n{h}\r\n
GET /posts http/1.1\r\n{h}\r\n
GET / HTTP/1.1\r\n{h} folded: x\r\n\r\n
GET / HTTP/1.1\r\n{h}X : a\r\n\r\n
GET / HTTP/1.1\r\n{h}: a\r\n\r\n
GET / HTTP/1.1\r\n{h}X\r\n\r\n
GET / HTTP/1.1\r\n{h}X: \x00\r\n\r\n
GET / HTTP/1.1\r\n{h}X\x00: a\r\n\r\n
GET / HTTP/1.1\r\n{h}X: a\rb\r\n\r\n
GET / HTTP/1.1\r\nHost: a@b\r\n\r\n
GET / HTTP/1.1\r\n{h}Expect: 200-ok\r\n\r\n
GET /posts HTTP/1.1\r\n{h}Upgrade: h2c\r\nConnection: upgrade\r\n\r\n
OPTIONS * HTTP/1.1\r\nHost: \r\n\r\n
TRACE / HTTP/1.1\r\n{h}\r\n
CONNECT / HTTP/1.1\r\n{h}\r\n
"""),
    *(
        line.replace(b"{p}", b"POST /posts HTTP/1.1\r\n{h}")
        for line in _lines(r"""
{p}Content-Length: -1\r\n\r\n
{p}Content-Length: a\r\n\r\n
{p}Content-Length: +1\r\n\r\na
{p}Content-Length: 0x10\r\n\r\n
{p}Content-Length: 1, 1\r\n\r\na
{p}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab
{p}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n
{p}Content-Length: 99999999999999999999999\r\n\r\n
{p}Transfer-Encoding: gzip\r\n\r\n0\r\n\r\n
{p}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n
{p}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n
{p}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n
{p}Transfer-Encoding: chunked;a=b\r\n\r\n0\r\n\r\n
{p}Transfer-Encoding: \r\n\r\n0\r\n\r\n
{p}Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n
{p}Transfer-Encoding: chunked\r\n\r\n
{p}Transfer-Encoding: chunked\r\n\r\nx\r\n
{p}Transfer-Encoding: chunked\r\n\r\n-1\r\n
{p}Transfer-Encoding: chunked\r\n\r\n1\r\nab
{p}Transfer-Encoding: chunked\r\n\r\n1 \r\na\r\n0\r\n\r\n
{p}Transfer-Encoding: chunked\r\n\r\n2\r\na\r\n0\r\n\r\n
{p}Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n
{p}Transfer-Encoding: chunked\r\n\r\n1\na\n0\n\n
{p}Transfer-Encoding: chunked\r\n\r\n0\r\nX\r\n\r\n
{p}Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFF\r\n
""")
    ),
)
_PIECES = (b"\r\n", b"\n", b"\r", b"\x00", b":", b" ", b"\xff", b"\t", b"0", b"%", b",")


def mutated(seed: int, count: int, good: bytes) -> Iterator[bytes]:
    """Damage a good request at random; many stay good enough to be judged by the product."""
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    for _ in range(count):
        request = bytearray(good)
        for _ in range(chance.randint(1, 3)):
            at = chance.randrange(len(request))
            match chance.randrange(4):
                case 0:
                    request[at] = chance.randrange(256)
                case 1:
                    request[at:at] = chance.choice(_PIECES)
                case 2:
                    del request[at : at + chance.randint(1, 4)]
                case _:
                    request[at:at] = request[at : at + chance.randint(1, 40)]
        yield bytes(request)
