"""Bodies that no client should send: each with the member at fault, where one is."""

import random
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from tests.support.posts import HOLD, a_draft

LATER = "2026-03-02T00:00:00Z"


class Sent(NamedTuple):
    """A body, and the member that a refusal must name; None where it is the body as a whole."""

    body: bytes
    fault: str | None


class Target(NamedTuple):
    """A request that takes a body, and a good one."""

    method: str
    below: str
    good: dict[str, Any]
    may_be_null: frozenset[str] = frozenset()


TARGETS = (
    Target("POST", "", a_draft(slug="a-slug", publishAt=LATER), frozenset({"slug", "publishAt"})),
    Target(
        "PATCH", "/{id}", {**a_draft(), "slug": "s", "publishAt": LATER}, frozenset({"publishAt"})
    ),
    Target("POST", "/{id}/schedule", {"publishAt": LATER}),
    Target("POST", "/{id}/revert", {"version": 1}),
    Target("POST", "/{id}/legal-hold", HOLD),
)

# JSON texts that are no good value of any member of any request.
VALUES = (
    *("true", "false", "[]", "{}", "[1]", '["a"]', '{"a":1}', '""', "-1", "0", "1.5", "-0.0"),
    *("1e400", "-1e400", "9223372036854775808", "-9223372036854775809", "1" * 400, "0.1e-999"),
    *(
        r'"\u0000"',
        r'"a\u0000b"',
        r'"\ud800"',
        r'"\udc00\ud800"',
        r'"x\udfff"',
        '"' + "x" * 200_001 + '"',
    ),
    *(r'"\uDBFF"', '"\\ud83d\\u0000"', "18446744073709551616", "1E+999999", "[null]", "[[]]"),
)
# Nested too deep, which is said of the body as a whole.
DEEP = ("[" * 70 + "]" * 70, '{"a":' * 70 + "1" + "}" * 70, "[" * 60_000 + "]" * 60_000)

# Texts that are no object, or not JSON at all.
TEXTS: tuple[bytes, ...] = (
    *(
        b"",
        b" ",
        b"null",
        b"true",
        b"1",
        b'"text"',
        b"[]",
        b"[{}]",
        b"{",
        b"}",
        b"[",
        b"{]",
        b"{}{}",
    ),
    *(b"{} {}", b"{},", b"nul", b"NaN", b"Infinity", b"-Infinity", b"undefined", b"'a'", b"{a:1}"),
    *(b"{'a':1}", b'{"a"}', b'{"a":}', b'{"a":1,}', b'{,"a":1}', b'{"a" 1}', b'{"a":1 "b":2}'),
    *(
        b'{"a":01}',
        b'{"a":+1}',
        b'{"a":.5}',
        b'{"a":5.}',
        b'{"a":0x1}',
        b'{"a":1_000}',
        b'{"a":--1}',
    ),
    *(
        b'{"a":"\n"}',
        b'{"a":"\t"}',
        b'{"a":"\x00"}',
        b'{"a":"\\x"}',
        b'{"a":"\\u12"}',
        b'{"a":"\\uZZZZ"}',
    ),
    *(
        b"\xef\xbb\xbf{}",
        b"\xff\xfe{\x00}\x00",
        b"{}\x00",
        b"\x00",
        b'{"a":"\xff"}',
        b'{"\xc0\xaf":1}',
    ),
    *(
        b'{"a":"\xed\xa0\x80"}',
        b'{"a":"\xf4\x90\x80\x80"}',
        b'{"a":"\xe2\x82"}',
        b"\x80",
        b"\x1f\x8b\x08\x00",
    ),
    *(
        b"/* c */{}",
        b"// c\n{}",
        b"{}//",
        b"\x0b{}",
        b"\xc2\xa0{}",
        b"<a/>",
        b"a=b&c=d",
        b"---\na: b",
    ),
    *(
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b'"' + b"a" * 1_000_000,
        b"[" * 65 + b"]" * 65,
        b"1" * 500_000,
    ),
    *(b"\\", b'"\\', b'{"\\ud800":1}', b'{"\\u0000":1}', b"{" + b'"a":1,' * 100_000 + b'"a":1}'),
)


def of_members() -> Iterator[tuple[Target, Sent]]:
    """Spoil each member of each request in every way, one at a time."""
    for target in TARGETS:
        encoded = {name: msgspec.json.encode(value).decode() for name, value in target.good.items()}
        for name, good in encoded.items():
            for value in VALUES:
                yield target, Sent(_text({**encoded, name: value}), name)
            for value in DEEP:
                yield target, Sent(_text({**encoded, name: value}), None)
            if name not in target.may_be_null:
                yield target, Sent(_text({**encoded, name: "null"}), name)
            twice = _text(encoded).decode().removesuffix("}") + f',"{name}":{good}}}'
            yield target, Sent(twice.encode(), name)
        for name in (
            "id",
            "Title",
            "title ",
            "__proto__",
            "authorId",
            "status",
            "\uff54itle",
            "",
            "x" * 5000,
        ):
            body = _text({**encoded, name: "1"})
            yield target, Sent(body, name[:100].strip() or None)


def of_texts() -> Iterator[tuple[Target, Sent]]:
    """Send what is no request at all."""
    for target in TARGETS:
        for text in TEXTS:
            yield target, Sent(text, None)


def mutated(seed: int, count: int) -> Iterator[tuple[Target, Sent]]:
    """Damage good bodies at random; a few stay good."""
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    for _ in range(count):
        target = chance.choice(TARGETS)
        body = bytearray(msgspec.json.encode(target.good))
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(body))
            match chance.randrange(5):
                case 0:
                    body[at] = chance.randrange(256)
                case 1:
                    body[at:at] = chance.choice(
                        [b'"', b"\\", b"{", b"]", b",", b"\x00", b"\xff", b"e9"]
                    )
                case 2:
                    del body[at : at + chance.randint(1, 5)]
                case 3:
                    body[at:at] = body[at : at + chance.randint(1, 30)]
                case _:
                    del body[at + 1 :]
        yield target, Sent(bytes(body), None)


def _text(encoded: dict[str, str]) -> bytes:
    return ("{" + ",".join(f'"{name}":{value}' for name, value in encoded.items()) + "}").encode()
