"""Hypothesis: bodies with one thing wrong: JSON, forms, and the parts of multipart."""

import gzip
import json
from typing import Any

from hypothesis import strategies as st

from tests.hostile.spoiling import BODIES, NUMBERS, OTHERS, TEXTS, Raw, text
from tests.support.uploading import BOUNDARY, FORM, a_png, form, part

Json = Any
Framed = tuple[bytes | None, bytes]
"""A Content-Type, None for the one that is right, and a body."""

_LEAVES = st.one_of(
    st.sampled_from((*TEXTS, *NUMBERS, *OTHERS)),
    st.text(max_size=30),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.none(),
    st.integers(1, 300).map(lambda deep: Raw("[" * deep + "]" * deep)),
    st.integers(1, 300).map(lambda deep: Raw('{"a":' * deep + "1" + "}" * deep)),
    st.integers(10, 40_000).map(lambda digits: Raw("1" * digits)),
    st.integers(1, 500).map(lambda power: Raw(f"1e{power}")),
    st.sampled_from(("\ud800", "\udfff\ud800", "a\udc00")),  # lone, as bytes that are no UTF-8
    st.characters(categories=["Cs"]).map(lambda lone: Raw(json.dumps(lone))),
)
_VALUES = st.recursive(
    _LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4)
    ),
    max_leaves=6,
)
_TYPES = st.sampled_from(
    (
        *(
            b"",
            b"application/json;charset=utf-16",
            b"application/json; charset=latin-1",
            b"text/json",
        ),
        *(b"application/merge-patch+json", b"application/problem+json", b"application/JSON ; a=b"),
        *(b"application/x-www-form-urlencoded", b"multipart/form-data; boundary=x", b"text/plain"),
        *(b'application/json; charset="utf-8"', b"application/json, application/json", b"*/*"),
    )
)


@st.composite
def odd_json(draw: st.DrawFn, good: bytes) -> Framed:
    """Spoil a JSON object in one way."""
    members: dict[str, Json] = json.loads(good)
    name = draw(st.sampled_from(sorted(members))) if members else "x"
    match draw(st.integers(0, 13)):
        case 0 | 1 | 2 | 3:
            return None, text({**members, name: draw(_VALUES)})
        case 4:
            return None, text({**members, draw(st.text(max_size=12)): draw(_VALUES)})
        case 5:
            twice = good[:-1] + b"," + text({name: members.get(name)})[1:]
            return None, twice
        case 6:
            return None, text({key: value for key, value in members.items() if key != name})
        case 7:
            return None, _cut(draw, good)
        case 8:
            return None, draw(st.sampled_from(BODIES))
        case 9:
            coding = draw(st.sampled_from(("utf-16", "utf-16-le", "utf-32", "utf-7", "utf-8-sig")))
            return None, good.decode().encode(coding)
        case 10:
            return draw(_TYPES), good
        case 11:
            return None, text(draw(_VALUES))
        case 12:
            space = draw(st.sampled_from((b" ", b"\t", b"\n", b"\x0b", b"\xc2\xa0", b"\x00")))
            return None, space * draw(st.integers(1, 5_000)) + good
        case _:
            return None, gzip.compress(good)


def _cut(draw: st.DrawFn, good: bytes) -> bytes:
    """Drop, insert or repeat a few bytes."""
    at = draw(st.integers(0, len(good)))
    until = min(len(good), at + draw(st.integers(0, 12)))
    between = draw(st.one_of(st.binary(max_size=6), st.just(good[at:until] * 3)))
    return good[:at] + between + good[until:]


_NAMES = ("file", "File", "files", "file[]", "", "x", "fil\xe9", "file\x00", "..", "a" * 5_000)
_FILENAMES = (
    *(None, "", "a.png", "../../etc/passwd", "a\x00.png", 'a".png', "a\\.png", "con", "a" * 9_000),
    *("\u202egnp.exe", "\u00e9.png", "a.png\r\nX: y", "C:\\a.png", "/abs.png", "%2e%2e/a.png", ";"),
)
_MIMES = (
    *(
        None,
        "",
        "image/png",
        "image/jpeg",
        "text/html",
        "image/svg+xml",
        "IMAGE/PNG",
        "image/png;a=b",
    ),
    *("multipart/mixed; boundary=a-boundary", "application/octet-stream", "image/\xff", "/"),
)


@st.composite
def odd_form(draw: st.DrawFn) -> Framed:
    """Make a form with a file that is wrong in one way, or in how it is taken apart."""
    content = draw(st.one_of(st.just(a_png()), st.binary(max_size=60), st.just(a_png()[:20])))
    good = form(part(a_png(padding=draw(st.integers(1, 99)))))
    match draw(st.integers(0, 11)):
        case 0 | 1 | 2:
            made = _part(
                draw(st.sampled_from(_NAMES)),
                draw(st.sampled_from(_FILENAMES)),
                draw(st.sampled_from(_MIMES)),
                content,
            )
            return None, made + b"--a-boundary--\r\n"
        case 3:
            boundary = draw(
                st.sampled_from(
                    (b"", b'""', b"b", b"a-boundary ", b"x" * 71, b"a\xff", b'"a-boundary')
                )
            )
            return b"multipart/form-data; boundary=" + boundary, good
        case 4:
            kind = draw(
                st.sampled_from((b"multipart/form-data", b"multipart/mixed; boundary=a-boundary"))
            )
            return kind, good
        case 5:
            return None, _cut(draw, good)
        case 6:
            several = [
                part(content, name=f"n{number}") for number in range(draw(st.integers(0, 30)))
            ]
            return None, form(*several)
        case 7:
            return None, form(part(a_png()), part(a_png()))
        case 8:
            return None, draw(st.binary(max_size=99)) + good + draw(st.binary(max_size=99))
        case 9:
            return None, good.replace(b"\r\n", draw(st.sampled_from((b"\n", b"\r", b"\r\n\r\n"))))
        case 10:
            more = draw(
                st.sampled_from((b"X: " + b"a" * 20_000, b"X: y\r\n" * 300, b" folded", b":"))
            )
            return None, good.replace(b"Content-Type", more + b"\r\nContent-Type", 1)
        case _:
            return FORM.encode() + b"; boundary=other", good


def _part(name: str, filename: str | None, mime: str | None, content: bytes) -> bytes:
    lines = [f"--{BOUNDARY}", f'Content-Disposition: form-data; name="{name}"']
    if filename is not None:
        lines[-1] += f'; filename="{filename}"'
    if mime is not None:
        lines.append(f"Content-Type: {mime}")
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogatepass") + content + b"\r\n"


@st.composite
def in_chunks(draw: st.DrawFn, body: bytes) -> bytes:
    """Write a body as chunks, each with what chunks may have."""
    extension = draw(st.sampled_from((b"", b"", b";a=b", b';a="b"')))
    size = draw(st.integers(1, max(1, len(body))))
    pieces = [body[at : at + size] for at in range(0, len(body), size)][:500]
    rest = body[500 * size :]
    if rest:
        pieces.append(rest)
    written = [b"%x%b\r\n%b\r\n" % (len(piece), extension, piece) for piece in pieces]
    return b"".join(written) + b"0\r\n\r\n"
