"""The slow and obvious reader that `api/strict_json.py` must agree with: RFC 8259, read aloud."""

from typing import Any

MAX_DEPTH = 64
_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class RefusedError(Exception):
    """The text is not JSON, or holds something that is refused."""


def read(body: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Read one JSON text, or raise RefusedError."""
    try:
        reader = _Reader(body.decode())
    except UnicodeDecodeError as error:
        raise RefusedError("UTF-8") from error
    value = reader.value(0)
    reader.space()
    if reader.rest():
        raise RefusedError("something follows")
    return value


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def rest(self) -> str:
        return self.text[self.at :]

    def space(self) -> None:
        while self.peek() in (" ", "\t", "\n", "\r"):
            self.at += 1

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def take(self, expected: str | None = None) -> str:
        char = self.peek()
        if not char or (expected is not None and char != expected):
            raise RefusedError(f"{expected or 'more'} at {self.at}")
        self.at += 1
        return char

    def value(self, depth: int) -> Any:  # noqa: ANN401 - any JSON value
        self.space()
        char = self.peek()
        if char in ("{", "["):
            if depth == MAX_DEPTH:
                raise RefusedError("too deep")
            return self.object(depth + 1) if char == "{" else self.array(depth + 1)
        if char == '"':
            return self.string()
        for word, meaning in (("true", True), ("false", False), ("null", None)):
            if self.rest().startswith(word):
                self.at += len(word)
                return meaning
        return self.number()

    def object(self, depth: int) -> dict[str, Any]:
        self.take("{")
        members: dict[str, Any] = {}
        self.space()
        if self.peek() == "}":
            self.at += 1
            return members
        while True:
            self.space()
            name = self.string()
            if name in members:
                raise RefusedError(f"two of {name}")
            self.space()
            self.take(":")
            members[name] = self.value(depth)
            self.space()
            if self.take() == "}":
                return members
            self.at -= 1
            self.take(",")

    def array(self, depth: int) -> list[Any]:
        self.take("[")
        items: list[Any] = []
        self.space()
        if self.peek() == "]":
            self.at += 1
            return items
        while True:
            items.append(self.value(depth))
            self.space()
            if self.take() == "]":
                return items
            self.at -= 1
            self.take(",")

    def string(self) -> str:
        self.take('"')
        units: list[str] = []
        while (char := self.take()) != '"':
            if char < " ":
                raise RefusedError("control character")
            units.append(self.escape() if char == "\\" else char)
        # Halves that stand side by side are one character; any that is left over is refused.
        try:
            text = "".join(units).encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError as error:
            raise RefusedError("lone surrogate") from error
        if "\0" in text:
            raise RefusedError("NUL")
        return text

    def escape(self) -> str:
        char = self.take()
        if char != "u":
            if char not in _ESCAPES:
                raise RefusedError("escape")
            return _ESCAPES[char]
        digits = "".join(self.take() for _ in range(4))
        if any(digit not in "0123456789abcdefABCDEF" for digit in digits):
            raise RefusedError("escape")
        return chr(int(digits, 16))

    def number(self) -> int | float:
        start = self.at
        if self.peek() == "-":
            self.at += 1
        if self.peek() == "0":
            self.at += 1
        else:
            self.digits()
        whole = True
        if self.peek() == ".":
            whole = False
            self.at += 1
            self.digits()
        if self.peek() in ("e", "E"):
            whole = False
            self.at += 1
            if self.peek() in ("+", "-"):
                self.at += 1
            self.digits()
        return self.in_range(self.text[start : self.at], whole=whole)

    def digits(self) -> None:
        start = self.at
        while self.peek() and self.peek() in "0123456789":
            self.at += 1
        if self.at == start:
            raise RefusedError("digits")

    def in_range(self, text: str, *, whole: bool) -> int | float:
        if whole:
            if not -(2**63) <= int(text) < 2**63:
                raise RefusedError("too large")
            return int(text)
        if abs(float(text)) == float("inf"):
            raise RefusedError("too large")
        return float(text)
