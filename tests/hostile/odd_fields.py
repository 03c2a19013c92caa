"""Hypothesis: header fields that are nearly right, written in the ways in which fields can be."""

from collections.abc import Mapping, Sequence
from itertools import chain

from hypothesis import strategies as st

Field = tuple[bytes, bytes]

_TAGS = (b'"', b"W/", b"*", b",", b" ", b"1.1", b"a", b"\\", b"\xff", b'"1.1"', b'"2.1"', b'""')
_DATES = (
    *(b"Sun", b", ", b"01", b" Mar ", b"2026", b" ", b"09:00:00", b" GMT", b"-", b"99", b"0000"),
    *(b"Sunday", b"31", b"Feb", b"24:00:00", b"UTC", b"+0000", b"2999", b"1969"),
)
_RANGES = (
    b"bytes",
    b"=",
    b"0",
    b"-",
    b",",
    b" ",
    b"9" * 30,
    b"5-1",
    b"0-0",
    b"lines",
    b"1.5",
    b"-1",
)
_TYPES = (
    *(b"*", b"/", b"text", b"html", b"application", b"json", b";", b"q=", b"0", b"1", b".5", b","),
    *(
        b" ",
        b"problem+json",
        b"charset=",
        b"utf-8",
        b'"',
        b"nan",
        b"version=",
        b"\xe9",
        b"x-ndjson",
    ),
    b"event-stream",
)
_STRUCTURED = (
    *(b'"', b"k", b"=", b";", b",", b"?1", b":AA==:", b"(", b")", b"1", b"-", b"1.5", b"\\", b"@"),
    *(
        b"wait",
        b"return",
        b"minimal",
        b"respond-async",
        b"sha-256",
        b"sha-512",
        b"\xff",
        b" ",
        b"\t",
    ),
)
_ADDRESSES = (
    *(b"for=", b"host=", b"proto=", b"https", b"http", b"unknown", b"_x", b"127.0.0.1", b"::1"),
    *(b"[", b"]", b":80", b",", b";", b" ", b'"', b"evil.example", b"999.1.1.1", b"%00", b"\xff"),
)
_TOKENS = (
    *(b"Bearer", b"Basic", b" ", b"eyJhbGciOiJub25lIn0", b".", b"e30", b"=", b",", b"\xff", b"a"),
    *(b"bearer", b"Bearer\t", b"realm=", b"..", b"eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJIUzI1NiJ9"),
)
_CODINGS = (b"gzip", b"br", b"identity", b"*", b";q=", b"0", b",", b" ", b"deflate", b"x", b"1.001")
_IDS = (
    *(b"0", b"00", b"-", b"f" * 16, b"f" * 32, b"01920000-0000-7000-8000-000000000000", b"\xff"),
    *(b"<script>", b"${jndi:ldap://x}", b"\x1b[2J", b'"', b" ", b"=", b",", b"x"),
)
_NUMBERS = (b"1", b"0", b"-1", b"+1", b"1.0", b"1e3", b"9" * 40, b" ", b"0x1", b"\xb2", b"", b",")
_COOKIES = (
    b"a",
    b"=",
    b"; ",
    b'"',
    b"\xff",
    b",",
    b"Path=/",
    b"$Version",
    b"token",
    b"\\",
    b"\x7f",
)
_WORDS = (b"a", b" ", b",", b";", b"=", b'"', b"\xff", b"x" * 90, b"close", b"trailers", b"chunked")

READ: Mapping[bytes, Sequence[bytes]] = {
    b"If-Match": _TAGS,
    b"If-None-Match": _TAGS,
    b"If-Modified-Since": _DATES,
    b"If-Unmodified-Since": _DATES,
    b"If-Range": (*_TAGS, *_DATES),
    b"Range": _RANGES,
    b"Accept": _TYPES,
    b"Accept-Encoding": _CODINGS,
    b"Accept-Language": _TYPES,
    b"Content-Type": _TYPES,
    b"Content-Encoding": _CODINGS,
    b"Content-Language": _TYPES,
    b"Content-Digest": _STRUCTURED,
    b"Content-Range": _RANGES,
    b"Content-Disposition": _STRUCTURED,
    b"Want-Content-Digest": _STRUCTURED,
    b"Want-Repr-Digest": _STRUCTURED,
    b"Prefer": _STRUCTURED,
    b"Idempotency-Key": _STRUCTURED,
    b"Priority": _STRUCTURED,
    b"Authorization": _TOKENS,
    b"Proxy-Authorization": _TOKENS,
    b"Host": _ADDRESSES,
    b"Forwarded": _ADDRESSES,
    b"X-Forwarded-For": _ADDRESSES,
    b"X-Forwarded-Proto": _ADDRESSES,
    b"X-Forwarded-Host": _ADDRESSES,
    b"X-Real-IP": _ADDRESSES,
    b"Via": _ADDRESSES,
    b"X-Request-Id": _IDS,
    b"Traceparent": _IDS,
    b"Tracestate": (*_IDS, *_WORDS),
    b"Baggage": (*_IDS, *_WORDS),
    b"Last-Event-ID": _NUMBERS,
    b"Early-Data": _NUMBERS,
    b"Max-Forwards": _NUMBERS,
    b"DNT": _NUMBERS,
    b"Cookie": _COOKIES,
    b"Origin": _ADDRESSES,
    b"Referer": _ADDRESSES,
    b"User-Agent": (*_WORDS, *_IDS),
    b"TE": _WORDS,
    b"Trailer": _WORDS,
    b"Upgrade": _WORDS,
    b"Keep-Alive": _NUMBERS,
    b"X-HTTP-Method-Override": (b"DELETE", b"PATCH", b"x", b" "),
}
"""The fields that the product reads or could be thought to, and what their values are made of."""

_SOUP = {
    name: st.lists(st.sampled_from(atoms), max_size=9).map(b"".join) for name, atoms in READ.items()
}
_LONG = {
    name: st.tuples(st.sampled_from(atoms), st.integers(200, 6_000)).map(
        lambda drawn: (drawn[0] * drawn[1])[: drawn[1]]
    )
    for name, atoms in READ.items()
}
_BYTES = st.binary(max_size=40).map(lambda value: value.translate(None, b"\r\n"))
_WORDS_OF_TEXT = st.text(max_size=20).map(
    lambda value: value.encode("utf-8", "surrogatepass").translate(None, b"\r\n")
)


@st.composite
def odd_field(draw: st.DrawFn) -> list[Field]:
    """Make one field, or the same one more than once, or one that is folded."""
    name = draw(st.sampled_from(sorted(READ)))
    value = draw(_value(name))
    match draw(st.integers(0, 11)):
        case 0:
            return [(name, value), (name, draw(_value(name)))]
        case 1:
            return [(name, value)] * draw(st.integers(2, 40))
        case 2:
            fold = draw(st.sampled_from((b"\r\n ", b"\r\n\t", b"\n ", b"\r ")))
            return [(name, value + fold + draw(_value(name)))]
        case 3:
            return [(draw(st.sampled_from((name.lower(), name.upper(), name.swapcase()))), value)]
        case 4:
            return [(name, b" \t " + value + b"\t  ")]
        case 5:
            odd = draw(st.sampled_from((b" ", b"\t", b"\xff", b"\x00", b"(", b"\r")))
            return [(name + odd, value)]
        case _:
            return [(name, value)]


def _value(name: bytes) -> st.SearchStrategy[bytes]:
    return st.one_of(_SOUP[name], _SOUP[name], _SOUP[name], _LONG[name], _BYTES, _WORDS_OF_TEXT)


odd_fields = st.lists(odd_field(), min_size=1, max_size=3).map(
    lambda each: list(chain.from_iterable(each))
)
"""One field that is odd, or up to three."""
