"""Specifies how JSON bodies are read, and compares with a slow and obvious reader."""

import random
import time
from enum import StrEnum
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from api.strict_json import decode
from commands.outcomes import Malformed
from tests.api import reference_json

BACKSLASH = "\\"


class Inner(msgspec.Struct, forbid_unknown_fields=True):
    """A struct inside another."""

    size: int


class Colour(StrEnum):
    """Words to choose from."""

    RED = "red"
    BLUE = "blue"


class Chosen(msgspec.Struct):
    """A struct with members that take one of a few values."""

    colour: Colour | None = None
    number: Literal[301, 308] | msgspec.UnsetType | None = msgspec.UNSET
    several: Annotated[list[Colour], msgspec.Meta(max_length=2)] = []
    inner: list["Chosen"] = []


class Body(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """A body with a member of each kind."""

    full_title: Annotated[str, msgspec.Meta(max_length=20)]
    count: int | None = None
    inner: list[Inner] = []
    named: dict[str, Inner] = {}


def refusal(body: bytes, type_: type[object] = Body) -> Malformed:
    """Give the refusal of a body that must be refused."""
    outcome = decode(body, type_)
    assert isinstance(outcome, Malformed)
    assert outcome.error == "invalid_body"
    return outcome


def test_a_plain_body_is_read() -> None:
    """A body of known members is the struct."""
    body = decode(
        b' {"fullTitle": "A \\"b\\" \\u00e9", "count": 3, "inner": [{"size": 1}]}\n', Body
    )

    assert body == Body('A "b" é', 3, [Inner(1)])


@pytest.mark.parametrize(
    ("body", "member", "says"),
    [
        (b"", None, "empty"),
        (b" \r\n\t", None, "empty"),
        (b'\xef\xbb\xbf{"fullTitle":"a"}', None, "byte order mark"),
        (b'{"fullTitle":"\xff"}', None, "UTF-8 at byte 14"),
        (b'{"fullTitle":"\xed\xa0\x80"}', None, "UTF-8"),
        (b'{"fullTitle":"\xc0\x80"}', None, "UTF-8"),
        (b'{"fullTitle":"a","count":1,"count":2}', "count", "twice"),
        (b'{"fullTitle":"a","f\\u0075llTitle":"b"}', "fullTitle", "twice"),
        (b'{"fullTitle":"a","inner":[{"size":1},{"size":1,"size":1}]}', "inner[1].size", "twice"),
        (b'{"fullTitle":"a","x":{"a":1,"\\/":1,"/":2}}', "x./", "twice"),
        (b'{"fullTitle":"a\\u0000b"}', "fullTitle", "NUL"),
        (b'{"fullTitle":"a","\\u0000":1}', "\0", "NUL"),
        (b'{"fullTitle":"\\ud800"}', "fullTitle", "surrogate"),
        (b'{"fullTitle":"\\uDFFFx"}', "fullTitle", "surrogate"),
        (b'{"\\ud800":1}', "\\ud800", "surrogate"),
        (b'{"fullTitle":"a","count":9223372036854775808}', "count", "64 bits"),
        (b'{"fullTitle":"a","count":-9223372036854775809}', "count", "64 bits"),
        (b'{"fullTitle":"a","count":1e400}', "count", "64 bits"),
        (b'{"fullTitle":"a","count":' + b"9" * 100_000 + b"}", "count", "64 bits"),
        (b'{"fullTitle":"a","count":NaN}', None, "NaN is not"),
        (b'{"fullTitle":"a","count":Infinity}', None, "Infinity is not"),
        (b'{"fullTitle":"a","count":-Infinity}', None, "-Infinity is not"),
        (b'{"fullTitle":"a"} {}', None, "trailing"),
        (b'{"fullTitle":"a"', None, "not valid JSON"),
        (b'{"fullTitle":"a",}', None, "not valid JSON"),
        (b'{"fullTitle":"a\nb"}', None, "not valid JSON"),
        (b"{'fullTitle':'a'}", None, "not valid JSON"),
        (b'{"fullTitle":"a","count":1.0}', "count", "Expected an integer or null, got a number"),
        (b'{"fullTitle":"a","count":true}', "count", "got true or false"),
        (b'{"fullTitle":1}', "fullTitle", "Expected a text, got an integer"),
        (b'{"fullTitle":"' + b"a" * 21 + b'"}', "fullTitle", "length <= 20"),
        (b'{"fullTitle":"a","inner":[{"size":"1"}]}', "inner[0].size", "got a text"),
        (b'{"fullTitle":"a","inner":[{}]}', "inner[0].size", "required and missing"),
        (b'{"fullTitle":"a","inner":[{"size":1,"colour":1}]}', "inner[0].colour", "not known"),
        (b'{"fullTitle":"a","named":{"k":{"size":""}}}', "named[...].size", "got a text"),
        (b'{"count":1}', "fullTitle", "required and missing"),
        (b'{"fullTitle":"a","full_title":"b"}', "full_title", "not known"),
        (b"[]", None, "Expected an object, got an array"),
        (b"null", None, "Expected an object, got null"),
    ],
)
def test_a_bad_body_is_refused_with_the_member_at_fault(
    body: bytes, member: str | None, says: str
) -> None:
    """Each kind of fault has a sentence that names it, and its member where there is one."""
    refused = refusal(body)

    assert refused.member == member
    assert says in refused.detail


@pytest.mark.parametrize(
    ("body", "member", "allowed"),
    [
        (b'{"colour": "green"}', "colour", "red, blue"),
        (b'{"number": 304}', "number", "301, 308"),
        (b'{"number": 2}', "number", "301, 308"),
        (b'{"several": ["red", "green"]}', "several[1]", "red, blue"),
        (b'{"inner": [{"inner": [{"number": 0}]}]}', "inner[0].inner[0].number", "301, 308"),
    ],
)
def test_a_value_that_is_none_of_a_few_is_told_them(body: bytes, member: str, allowed: str) -> None:
    """Wherever the member stands, and whatever else it may be."""
    refused = refusal(body, Chosen)

    assert refused.member == member
    assert refused.detail == f"{member}: The value must be one of {allowed}."


def test_details_stay_short_and_encodable() -> None:
    """However long or odd an unknown member's name is, the refusal can be sent."""
    refused = refusal(b'{"fullTitle":"a","' + b"\\ud83d\\ude00" * 50_000 + b'":1}')

    assert len(msgspec.json.encode(refused)) < 2_000


@pytest.mark.parametrize("unit", [(b"[", b"]"), (b'{"a":', b"}"), (b'[{"a":', b"}]")])
def test_depth_is_limited_exactly(unit: tuple[bytes, bytes]) -> None:
    """64 levels are read, 65 are refused, and brackets inside texts do not count."""
    opening, closing = unit
    levels = opening.count(b"[") + opening.count(b"{")

    def nested(times: int) -> bytes:
        return opening * times + b'"\\"[[[{{{\\\\"' + closing * times

    assert not isinstance(decode(nested(64 // levels), object), Malformed)
    assert "64 levels" in refusal(nested(64 // levels + 1), object).detail


def test_many_shallow_values_are_not_deep() -> None:
    """A long array of small ones is as deep as one of them."""
    assert decode(b"[" + b"[{}]," * 1_000 + b"[]]", list) == [[{}]] * 1_000 + [[]]


HOSTILE = {
    "open arrays": b"[" * 1_000_000,
    "open objects": b'{"a":' * 200_000,
    "empty names": b'{"":"",' * 140_000,
    "one name": b'{"a":1,' + b'"a":1,' * 160_000 + b'"a":1}',
    "backslashes": b'"' + b"\\" * 1_000_001,
    "escaped quotes": b'"' + b'\\"' * 500_000,
    "surrogates": b'["' + b"\\ud800" * 160_000 + b'"]',
    "exponents": b"[" + b"1e9," * 250_000 + b"1]",
    "quotes": b'"' * 1_000_000,
    "digits": b"1" * 1_000_000,
    "closed arrays": b"]" * 1_000_000,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_bodies_of_a_mebibyte_cost_little(kind: str) -> None:
    """No body makes the checks recurse or take more than linear time."""
    began = time.process_time()
    refusal(HOSTILE[kind])

    assert time.process_time() - began < 2


TEXTS = st.text(
    st.sampled_from(["a", "b", '"', BACKSLASH, "/", "[", "{", ":", ",", "é", "\U0001f600", "\x7f"]),
    max_size=4,
)
RAW_NUMBERS = st.one_of(
    st.integers(-(2**66), 2**66).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from(
        [
            "0",
            "-0",
            "01",
            "1.",
            ".5",
            "1e5",
            "1E+400",
            "-1e400",
            "1e-999",
            "NaN",
            "Infinity",
            "-Infinity",
            "9223372036854775807",
            "9223372036854775808",
            "-9223372036854775808",
            "+1",
            "12345678901234567890.5",
            "1" * 30,
            "0" * 25,
            "0." + "3" * 30,
            "1e",
            "0x1",
        ]
    ),
)


@st.composite
def raw_strings(draw: st.DrawFn) -> str:
    """Draw a JSON string, its characters written in any of the ways that JSON has, or badly."""
    raw = []
    for char in draw(TEXTS):
        way = draw(st.integers(0, 2))
        units = char.encode("utf-16-be").hex()
        if way == 0:
            raw.append("".join(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4)))
        elif char in '"\\' or (way == 1 and char == "/"):
            raw.append(BACKSLASH + char)
        else:
            raw.append(char)
    if draw(st.integers(0, 19)) == 0:
        odd = ["\\ud800", "\\uDC00", "\\u0000", "\\\\u0000", "\\x", "\\u12", "\n", "\0", "\\"]
        raw.insert(draw(st.integers(0, len(raw))), draw(st.sampled_from(odd)))
    return '"' + "".join(raw) + '"'


def _objects(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    members = st.tuples(raw_strings(), SPACES, values).map(lambda m: f"{m[0]}{m[1]}:{m[1]}{m[2]}")
    return st.lists(members, max_size=3).map(lambda all_: "{" + ",".join(all_) + "}")


def _arrays(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(values, max_size=3).map(lambda all_: "[" + ", ".join(all_) + "]")


SPACES = st.sampled_from(["", "", " ", "\n\t", "\r", "\f"])
DOCUMENTS = st.recursive(
    st.one_of(raw_strings(), RAW_NUMBERS, st.sampled_from(["true", "false", "null", "True", ""])),
    lambda values: st.one_of(_objects(values), _objects(values), _arrays(values)),
    max_leaves=6,
)


def agrees_with_the_reference(body: bytes) -> None:
    """Check that both readers give the same value or that both refuse."""
    outcome: Any = decode(body, object)
    try:
        expected = reference_json.read(body)
    except reference_json.RefusedError:
        assert isinstance(outcome, Malformed), body
    else:
        assert repr(outcome) == repr(expected), body


@settings(max_examples=600, deadline=None)
@given(DOCUMENTS)
@example('{"a":1,"\\u0061":2}')
@example('{"a\\"b":1,"a\\u0022b":2}')
@example('{"a\\\\":1,"a\\u005c":2}')
@example('{"ab":1,"a\\"b":2}')
@example('{"a\\\\":1,"a":2}')
@example('{"a\\\\\\"":1,"a\\\\\\"":2}')
@example('{"a":{"b":1},"c":{"b":1}}')
@example('{"a":"b","c":"a"}')
@example('["a","a"]')
@example('{"a" :1,"b\\t":2,"a"\n:3}')
def test_it_reads_and_refuses_what_the_reference_does(document: str) -> None:
    """The quick scan never lets through what the obvious reader refuses, nor the other way."""
    agrees_with_the_reference(document.encode())


@settings(max_examples=300, deadline=None)
@given(DOCUMENTS, st.integers(0, 2**32))
def test_it_agrees_on_damaged_documents(document: str, seed: int) -> None:
    """The same holds when bytes are cut out, doubled or replaced."""
    body = bytearray(document.encode())
    rng = random.Random(seed)  # noqa: S311 - damage, not secrets
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(body) + 1)
        body[at : at + rng.randint(0, 2)] = rng.choice(
            [b"", b'"', b"\\", b"{", b"}", b"[", b"]", b":", b",", b"\xff", b"\xed\xa0\x80", b"1"]
        )

    agrees_with_the_reference(bytes(body))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(["[", '{"a":', '[1,"]",', '{"x":"{","y":']), max_size=70))
def test_it_agrees_on_depth(openings: list[str]) -> None:
    """Any mixture of arrays and objects is refused at the same depth."""
    closings = ["]" if opening.startswith("[") else "}" for opening in reversed(openings)]

    agrees_with_the_reference("".join([*openings, "0", *closings]).encode())
