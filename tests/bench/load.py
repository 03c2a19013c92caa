"""A load generator: connections that each send a request as soon as the last one is answered.

It parses no more of an answer than it must, so that it takes little of the two cores.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from typing import cast
from urllib.parse import urlsplit

import msgspec

LENGTH = b"content-length: "
END_OF_HEAD = b"\r\n\r\n"

NextRequest = Callable[[bytes], bytes]
"""Makes a connection's next request of the head of its last answer, which is empty at first."""


class Load(msgspec.Struct, frozen=True):
    """What came of a round."""

    per_second: float
    statuses: dict[str, int]


async def load(address: str, makers: list[NextRequest], seconds: float) -> Load:
    """Keep one connection for each maker busy for some seconds."""
    url = urlsplit(address)
    loop = asyncio.get_running_loop()
    end = time.perf_counter() + seconds
    begun = time.perf_counter()
    connections = [_Connection(maker, end) for maker in makers]
    for connection in connections:
        await loop.create_connection(_giving(connection), url.hostname or "", url.port or 0)
    await asyncio.gather(*(connection.done for connection in connections))
    took = time.perf_counter() - begun
    statuses: Counter[str] = Counter()
    for connection in connections:
        statuses.update(connection.statuses)
    return Load(sum(statuses.values()) / took, dict(statuses))


def request(
    address: str, method: str, path: str, fields: dict[str, str], body: bytes = b""
) -> bytes:
    """Write a request."""
    lines = [f"{method} {path} HTTP/1.1", f"host: {urlsplit(address).netloc}"]
    lines += [f"{name}: {value}" for name, value in fields.items()]
    if body or method == "POST":
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def field(head: bytes, name: bytes) -> str:
    """Read a header field of an answer."""
    start = head.index(b"\r\n" + name + b": ") + len(name) + 4
    end = head.find(b"\r\n", start)
    return head[start : end if end > 0 else None].decode()


def _giving(connection: "_Connection") -> "Callable[[], _Connection]":
    return lambda: connection


class _Connection(asyncio.Protocol):
    def __init__(self, maker: NextRequest, end: float) -> None:
        self._maker = maker
        self._end = end
        self._received = b""
        self.statuses: Counter[str] = Counter()
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one by shape alone
        self._transport.write(self._maker(b""))

    def data_received(self, data: bytes) -> None:
        self._received = self._received + data if self._received else data
        length_of_head = self._received.find(END_OF_HEAD)
        if length_of_head < 0:
            return
        head = self._received[:length_of_head]
        body = int(field(head, b"content-length")) if LENGTH in head else 0
        if len(self._received) < length_of_head + len(END_OF_HEAD) + body:
            return
        self._received = b""
        self.statuses[head[9:12].decode()] += 1
        following = self._maker(head)  # also after the last answer: a maker may learn from it
        if time.perf_counter() > self._end:
            self._transport.close()
            self.done.set_result(None)
        else:
            self._transport.write(following)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("the server closed the connection"))
