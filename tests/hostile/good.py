"""A request that is done, and the ways in which such requests are made; see `good_requests.py`."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from tests.hostile.stock import Stock

_JSON = b"application/json"
_PATCH = b"application/merge-patch+json"


class Good(NamedTuple):
    """A request that is done, taken apart so that one thing of it can be spoilt."""

    operation: str
    caller: str
    method: str
    path: str
    """With its query."""
    fields: tuple[tuple[bytes, bytes], ...] = ()
    """Beyond Host, Authorization, and what frames the body."""
    body: bytes | None = None

    def field(self, name: bytes) -> bytes | None:
        """Give the value of a field that it has."""
        return next((value for key, value in self.fields if key == name), None)


Maker = Callable[[Stock], Good]


def plain_request(operation: str, path: str, caller: str = "anonymous") -> tuple[str, Maker]:
    """Ask for what is always there."""
    method = operation.partition(" ")[0]
    return operation, lambda _: Good(operation, caller, method, path)


def json_request(
    operation: str, caller: str, body: Callable[[Stock], Mapping[str, Any]]
) -> tuple[str, Maker]:
    """Send JSON to an address without parameters."""
    method, path = operation.split(" ")

    def make(stock: Stock) -> Good:
        content = json.dumps(body(stock)).encode()
        return Good(operation, caller, method, path, ((b"Content-Type", _JSON),), content)

    return operation, make


def post_request(
    operation: str,
    state: str = "draft",
    *,
    caller: str = "author",
    body: Mapping[str, Any] | None = None,
) -> tuple[str, Maker]:
    """Make a request about a post that is in a state, with its tag where it changes something."""
    method, template = operation.split(" ")

    def make(stock: Stock) -> Good:
        made = stock.post(state)
        path = template.format(post_id=made["id"], slug=made["slug"], version=1)
        fields: list[tuple[bytes, bytes]] = []
        if method != "GET" and state != "deleted":
            fields.append((b"If-Match", made["tag"].encode()))
        content = None if body is None else json.dumps(body).encode()
        if content is not None:
            kind = _PATCH if method == "PATCH" else _JSON
            fields.append((b"Content-Type", kind))
        return Good(operation, caller, method, path, tuple(fields), content)

    return operation, make


def at_request(operation: str, caller: str, path: Callable[[Stock], str]) -> tuple[str, Maker]:
    """Ask without a body at an address that is found or made."""
    method = operation.partition(" ")[0]
    return operation, lambda stock: Good(operation, caller, method, path(stock))


def tagged_request(
    operation: str,
    caller: str,
    made: Callable[[Stock], Mapping[str, Any]],
    body: Callable[[Stock], Mapping[str, Any]] | None = None,
) -> tuple[str, Maker]:
    """Make a change of what was just made, at its version."""
    method, template = operation.split(" ")

    def make(stock: Stock) -> Good:
        thing = made(stock)
        fields = [(b"If-Match", str(thing["tag"]).encode())]
        content = None if body is None else json.dumps(body(stock)).encode()
        if content is not None:
            kind = _PATCH if method == "PATCH" else _JSON
            fields.append((b"Content-Type", kind))
        path = re.sub(r"\{\w+\}", str(thing["id"]), template)
        return Good(operation, caller, method, path, tuple(fields), content)

    return operation, make


def request_of(good: Good, host: str, token: str | None, *, chunked: bool = False) -> bytes:
    """Write it as bytes, with the fields that it lacks."""
    fields = [*good.fields]
    if not any(name.lower() == b"host" for name, _ in fields):
        fields.insert(0, (b"Host", host.encode()))
    if token is not None:
        fields.append((b"Authorization", b"Bearer " + token.encode()))
    if chunked:
        fields.append((b"Transfer-Encoding", b"chunked"))
    elif good.method != "GET" or good.body is not None:
        fields.append((b"Content-Length", b"%d" % len(good.body or b"")))
    head = b"".join(b"%b: %b\r\n" % field for field in fields)
    line = b"%b %b HTTP/1.1\r\n" % (good.method.encode(), good.path.encode())
    return line + head + b"\r\n" + (good.body or b"")
