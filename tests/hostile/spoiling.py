"""Values made from a JSON schema, and what spoils them; the same for the same seed."""

import json
import random
from collections.abc import Callable, Mapping
from typing import Any

Json = Any
"""What JSON holds; `Raw` stands for text that no JSON writer would make."""
Document = Mapping[str, Any]
_DEPTH = 6


class Raw(str):
    """Text to put into the JSON as it is."""

    __slots__ = ()


TEXTS = (
    *("", " ", "\u0000", "a\u0000b", "\t\r\n", "x" * 5_000, "é" * 3_000, "\U0001f4a9" * 300),
    *(
        "\u202eevil",
        "\ufeffbom",
        "\u200b",
        "a\u0301" * 500,
        "\ufdfa" * 200,
        "\uff46\uff55\uff4c\uff4c",
        "İ",
        "ß",
    ),
    *("../../etc/passwd", "%00", "%2e%2e%2f", "<script>alert(1)</script>", "' or 1=1 --"),
    *("${jndi:ldap://x}", "{{7*7}}", "javascript:alert(1)", "//evil.example", "\\\\evil.example"),
    *("https://ok.example\\@evil.example", "https://ok.example.", "https://ok.example:0"),
    *("0001-01-01T00:00:00Z", "9999-12-31T23:59:60Z", "2026-02-30T00:00:00Z", "-1", "1e999"),
    *("00000000-0000-0000-0000-000000000000", "null", "true", "NaN", "\u0660", "\uffff"),
    "9999-12-31T23:59:59.999999-23:59",
    "0001-01-01T00:00:00+23:59",
)
NUMBERS = (
    *(-1, 0, 2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63) - 1, 2**64, 0.1, -0.0, 1e308),
    *(Raw("1e400"), Raw("9" * 5_000), Raw("01"), Raw("NaN"), Raw("-Infinity"), Raw("1E"), 2**70),
)
OTHERS: tuple[Json, ...] = (
    *(None, True, False, [], {}, [[]], [None] * 500, {"": ""}, {"\u0000": 1}),
    Raw('"\\ud800"'),
    Raw('"\\udc00\\ud800"'),
    Raw('"\\u0000"'),
    Raw('"\\x"'),
    Raw('"\t"'),
    Raw("[" * 65 + "]" * 65),
    Raw("[" * 20_000),
    Raw('{"a":' * 100 + "1" + "}" * 100),
    Raw("'a'"),
    Raw(""),
)
BODIES = (
    *(b"", b" ", b"null", b"1", b'"a"', b"[]", b"{}", b"{", b"}", b"{}{}", b"{},", b"\xff\xfe{}"),
    *(b"\xef\xbb\xbf{}", b'{"\xff":1}', b'{"a":"\xed\xa0\x80"}', b'{"a":"\xc0\x80"}', b"{}\x00"),
    *(b"[" * 60_000, b'{"a":' * 30_000, b"[" + b"1," * 20_000 + b"1]", b'{"a":1,"a":2}'),
    *(b"{'a':1}", b"{a:1}", b'{"a":1,}', b'{"a":/**/1}', b"\x00" * 64, b"\x1f\x8b\x08\x00\x00"),
    *("{}".encode(coding) for coding in ("utf-16", "utf-32", "utf-7")),
    b'{"__proto__":{"a":1},"constructor":1,"__class__":"x"}',
    b"a=1&b=2",
)


def good(chance: random.Random, schema: Document, whole: Document, depth: int = 0) -> Json:
    """Make a value that the schema allows, more or less."""
    if "$ref" in schema:
        at: Any = whole
        for step in schema["$ref"].removeprefix("#/").split("/"):
            at = at[step]
        return good(chance, at, whole, depth)
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            return good(chance, chance.choice(schema[choice]), whole, depth)
    if "examples" in schema and chance.random() < 0.5:
        return chance.choice(list(schema["examples"]))
    if "enum" in schema:
        return chance.choice(schema["enum"])
    if "const" in schema:
        return schema["const"]
    kind = schema.get("type", "string")
    if isinstance(kind, list):
        kind = chance.choice(kind)
    if depth > _DEPTH:
        return None
    match kind:
        case "object":
            members = schema.get("properties", {})
            needed = set(schema.get("required", ()))
            return {
                name: good(chance, member, whole, depth + 1)
                for name, member in members.items()
                if name in needed or chance.random() < 0.6
            }
        case "array":
            items = schema.get("items", {})
            return [good(chance, items, whole, depth + 1) for _ in range(chance.randint(0, 3))]
        case "integer":
            return chance.randint(schema.get("minimum", 0), schema.get("maximum", 50))
        case "number":
            return chance.random()
        case "boolean":
            return chance.random() < 0.5
        case "null":
            return None
        case _:
            return _text(chance, schema.get("format"))


def _text(chance: random.Random, form: str | None) -> str:
    match form:
        case "uuid":
            return "01920000-0000-7000-8000-000000000000"
        case "date-time":
            return f"2027-03-0{chance.randint(1, 9)}T09:00:00Z"
        case "email" | "idn-email":
            return f"n{chance.randrange(10**6)}@test.example"
        case "uri" | "uri-reference":
            return "https://ok.example/x"
        case _:
            return f"text-{chance.randrange(10**6)}"


def odd(chance: random.Random) -> Json:
    """Make a value that is likely wrong anywhere."""
    return chance.choice(chance.choice((TEXTS, NUMBERS, OTHERS)))


def spoilt(chance: random.Random, value: Json) -> bytes:
    """Write a value as JSON with one thing wrong or more; one in four stays as it is."""
    ways: list[Callable[[], bytes]] = [
        lambda: text(_replaced(chance, value)),
        lambda: text(_replaced(chance, value)),
        lambda: text(_replaced(chance, _replaced(chance, value))),
        lambda: text({**value, f"x{chance.randrange(9)}": odd(chance)}),
        lambda: _twice(chance, value),
        lambda: damaged(chance, text(value)),
        lambda: damaged(chance, damaged(chance, text(value))),
        lambda: chance.choice(BODIES),
        lambda: text(_without(chance, value)),
        *[lambda: text(value)] * 3,
    ]
    if not isinstance(value, dict) or not value:
        return chance.choice(BODIES)
    return chance.choice(ways)()


def text(value: Json) -> bytes:
    """Write JSON, with what is `Raw` as it is; lone surrogates become bytes that are not UTF-8."""
    return _written(value).encode("utf-8", "surrogatepass")


def _written(value: Json) -> str:
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, dict):
        inside = (f"{json.dumps(name)}:{_written(member)}" for name, member in value.items())
        return "{" + ",".join(inside) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_written, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _replaced(chance: random.Random, value: Json) -> Json:
    """Put something odd in the place of one member, however deep."""
    if isinstance(value, dict) and value and chance.random() < 0.9:
        name = chance.choice(list(value))
        return {**value, name: _replaced(chance, value[name])}
    if isinstance(value, list) and value and chance.random() < 0.7:
        at = chance.randrange(len(value))
        return [*value[:at], _replaced(chance, value[at]), *value[at + 1 :]]
    return odd(chance)


def _without(chance: random.Random, value: dict[str, Json]) -> Json:
    gone = chance.choice(list(value))
    return {name: member for name, member in value.items() if name != gone}


def _twice(chance: random.Random, value: dict[str, Json]) -> bytes:
    name = chance.choice(list(value))
    return text(value)[:-1] + b"," + text({name: odd(chance)})[1:]


def damaged(chance: random.Random, sent: bytes) -> bytes:
    """Change, drop, insert or repeat a few bytes."""
    if not sent:
        return b"\xff"
    changed = bytearray(sent)
    at = chance.randrange(len(changed))
    match chance.randrange(4):
        case 0:
            changed[at] = chance.randrange(256)
        case 1:
            del changed[at : at + chance.randint(1, 5)]
        case 2:
            changed[at:at] = bytes(chance.randrange(256) for _ in range(chance.randint(1, 4)))
        case _:
            changed[at:at] = changed[at : at + chance.randint(1, 60)]
    return bytes(changed)
