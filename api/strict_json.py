"""Reads JSON bodies without mercy: what two readers could understand differently is refused.

msgspec takes duplicate members, NUL and integers of any size, and leaves deep nesting to the
interpreter's stack. So three things come before it: the encoding and the depth are always checked;
a scan that costs little tells whether the rest can hold anything of that kind; and only where it
cannot tell, a careful pass looks at every value. The grammar is RFC 8259's, and RFC 7493 (I-JSON)
says why the rest is refused.
"""

import ast
import json
import re
from collections.abc import Sequence
from enum import EnumMeta
from itertools import accumulate
from typing import Any, Literal, NoReturn, TypeVar, get_args, get_origin

import msgspec

from api.patterns import IN_WORDS
from commands.outcomes import Malformed

T = TypeVar("T")

MAX_DEPTH = 64
_BOM = b"\xef\xbb\xbf"
_SPACE = b" \t\n\r"
_INT_MIN, _INT_MAX = -(2**63), 2**63 - 1
_INT_CHARACTERS = 20
"""The longest integer of 64 bits, with its sign."""

_SUSPECT_ESCAPE = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_SUSPECT_NUMBER = re.compile(rb"[0-9]{19}|[0-9][eE]|[NI]")
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}


def decode(body: bytes, type_: type[T]) -> T | Malformed:
    """Read a JSON text of one type. The error names the member at fault, as `title` or `a.b[2]`."""
    fault = _fault_before_parsing(body)
    if fault is not None:
        return fault
    try:
        return msgspec.json.decode(body, type=type_)
    except msgspec.ValidationError as error:
        return from_validation_error(error, type_)
    except msgspec.DecodeError as error:
        return _not_json(str(error).removeprefix("JSON is malformed: "))


def _fault_before_parsing(body: bytes) -> Malformed | None:
    """Find what msgspec would take, would crash at, or would say less clearly."""
    if body.startswith(_BOM):
        return _malformed("The body begins with a byte order mark, which JSON does not have.")
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        return _malformed(f"The body is not valid UTF-8 at byte {error.start}.")
    if not body.strip(_SPACE):
        return _malformed("The body is empty where a JSON text is expected.")
    parts = _split_at_quotes(body)
    outside = b" ".join(parts[::2])
    if _deeper_than(outside, MAX_DEPTH):
        return _malformed(f"The body is nested over {MAX_DEPTH} levels deep.")
    return _inspect(text) if _needs_care(body, parts, outside) else None


def _split_at_quotes(body: bytes) -> list[bytes]:
    """Split so that even parts are outside strings and odd ones inside, less their escaped quotes.

    Exact for valid JSON, and for any other text up to the place where a parser gives up: escapes
    are taken in pairs from the left, so a backslash left before a quotation mark escapes it.
    """
    if rb"\"" in body:
        body = body.replace(rb"\\", b"").replace(rb"\"", b"")
    return body.split(b'"')


def _deeper_than(outside: bytes, limit: int) -> bool:
    """Tell whether arrays and objects are nested deeper, without recursion."""
    if outside.count(b"[") + outside.count(b"{") <= limit:
        return False
    brackets = outside.translate(None, _NOT_BRACKETS)
    return max(accumulate(map(_STEP.__getitem__, brackets))) > limit


def _needs_care(body: bytes, parts: list[bytes], outside: bytes) -> bool:
    """Tell whether the body may hold something that only the careful pass can judge.

    Keys that all differ and hold no escape (other than of quotes and backslashes, which are gone
    from all of them alike) have no duplicate among them, in whatever objects they are.
    """
    names = [
        parts[i] for i in range(1, len(parts) - 1, 2) if parts[i + 1].lstrip(_SPACE)[:1] == b":"
    ]
    return (
        len(set(names)) != len(names)
        or any(b"\\" in name for name in names)
        or _SUSPECT_NUMBER.search(outside) is not None
        or (b"\\u" in body and _SUSPECT_ESCAPE.search(body) is not None)
    )


class _Members(tuple[tuple[str, Any], ...]):
    """The members of one object in order, duplicates included."""

    __slots__ = ()


class _OutOfRange:
    """Stands for a number that does not fit."""


_OUT_OF_RANGE = _OutOfRange()


class _NotJsonError(Exception):
    """A word that is no JSON, though Python's parser takes it."""


def _constant(word: str) -> NoReturn:
    raise _NotJsonError(word)


def _integer(digits: str) -> int | _OutOfRange:
    if len(digits) <= _INT_CHARACTERS and _INT_MIN <= (value := int(digits)) <= _INT_MAX:
        return value
    return _OUT_OF_RANGE


def _float(digits: str) -> float | _OutOfRange:
    value = float(digits)
    return value if abs(value) != float("inf") else _OUT_OF_RANGE


_CAREFUL = json.JSONDecoder(
    object_pairs_hook=_Members,
    parse_int=_integer,
    parse_float=_float,
    parse_constant=_constant,
)


def _inspect(text: str) -> Malformed | None:
    try:
        value = _CAREFUL.decode(text)
    except _NotJsonError as error:
        return _not_json(f"{error} is not a JSON value")
    except json.JSONDecodeError as error:
        return _not_json(f"{error.msg} (character {error.pos})")
    return _fault_in(value, "")


def _fault_in(value: object, path: str) -> Malformed | None:
    """Find the first fault in a value. Recursion is bounded, as the depth was checked before."""
    if isinstance(value, str):
        return _fault_in_text(value, path)
    if isinstance(value, _OutOfRange):
        return _malformed("The number does not fit in 64 bits.", path)
    if isinstance(value, _Members):
        return _fault_in_members(value, path)
    if isinstance(value, list):
        for index, item in enumerate(value):
            fault = _fault_in(item, f"{path}[{index}]")
            if fault is not None:
                return fault
    return None


def _fault_in_members(members: _Members, path: str) -> Malformed | None:
    seen = set[str]()
    for name, item in members:
        inner = join_path(path, name)
        fault = _fault_in_text(name, inner)
        if fault is not None:
            return fault
        if name in seen:
            return _malformed("The member stands twice in one object.", inner)
        seen.add(name)
        fault = _fault_in(item, inner)
        if fault is not None:
            return fault
    return None


def _fault_in_text(text: str, path: str) -> Malformed | None:
    if "\0" in text:
        return _malformed("The text holds the character NUL.", path)
    try:
        text.encode()
    except UnicodeEncodeError:
        return _malformed("The text holds half of a surrogate pair.", path)
    return None


_AT_PATH = re.compile(r" - at `(?:key` in `)?\$(?P<path>[^`]*)`\Z")
_NAMES_FIELD = re.compile(r"Object (?:missing required|contains unknown) field `(.*)`", re.DOTALL)
_NAMES_PATTERN = re.compile(r"Expected `str` matching regex ('.*'|\".*\")", re.DOTALL)
_NAMES_MEMBER = re.compile(r"`(\w+)` ")
_TYPE_NAMES = {
    "str": "a text",
    "int": "an integer",
    "float": "a number with a fraction",
    "bool": "true or false",
    "null": "null",
    "array": "an array",
    "object": "an object",
    "datetime": "an RFC 3339 time",
    "uuid": "a UUID",
}
_TYPES = re.compile(r"`([a-z |]+)`")
_INDEX = re.compile(r"\[[^\]]*\]")


def from_validation_error(error: msgspec.ValidationError, type_: type) -> Malformed:
    """Say in the words of JSON what msgspec says in those of Python, with the member's path.

    A `__post_init__` that refuses a value names its member first, in backticks.
    """
    message = str(error)
    path = ""
    located = _AT_PATH.search(message)
    if located is not None:
        path = located["path"].removeprefix(".")
        message = message[: located.start()]
    field = _NAMES_FIELD.fullmatch(message)
    if field is not None:
        known = "required and missing" if "missing" in message[:20] else "not known here"
        return _malformed(f"The member is {known}.", join_path(path, field[1]))
    if (named := _NAMES_MEMBER.match(message)) is not None:
        path = join_path(path, named[1])
    if message.startswith("Invalid enum value"):
        allowed = ", ".join(map(str, _choices(type_, _INDEX.sub("", path).split("."))))
        return _malformed(f"The value must be one of {allowed}.", path)
    pattern = _NAMES_PATTERN.fullmatch(message)
    if pattern is not None:
        words = IN_WORDS[ast.literal_eval(pattern[1])]
        return _malformed(f"The text must be {words}.", path)
    return _malformed(_TYPES.sub(_in_words, message) + ".", path)


def _choices(type_: Any, members: Sequence[str]) -> Sequence[object]:  # noqa: ANN401 - an annotation
    """List the values of the first enumeration in a type, or in the member of it that is named."""
    if isinstance(type_, EnumMeta):
        return [*type_]
    if get_origin(type_) is Literal:
        return get_args(type_)
    if isinstance(type_, type) and issubclass(type_, msgspec.Struct):
        fields = {field.encode_name: field.type for field in msgspec.structs.fields(type_)}
        return _choices(fields.get(members[0]), members[1:]) if members else ()
    return next(filter(None, (_choices(part, members) for part in get_args(type_))), ())


def _in_words(found: re.Match[str]) -> str:
    return " or ".join(_TYPE_NAMES.get(each, each) for each in found[1].split(" | "))


def join_path(path: str, name: str) -> str:
    """Name a member of what a path names. Long names are cut, halves of surrogates spelled out."""
    shown = name[:100].encode(errors="backslashreplace").decode()
    return f"{path}.{shown}" if path else shown


def _not_json(reason: str) -> Malformed:
    return _malformed(f"The body is not valid JSON: {reason}.")


def _malformed(detail: str, member: str = "") -> Malformed:
    return Malformed("invalid_body", f"{member}: {detail}" if member else detail, member or None)
