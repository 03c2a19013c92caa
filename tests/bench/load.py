"""A load generator: connections that each send a request as soon as the last one is answered.

It parses no more of an answer than it must, so that it takes little of the two cores.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
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
    begun = time.perf_counter()
    connections = [_Busy(maker, begun + seconds) for maker in makers]
    await open_all(address, connections)
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


async def open_all(address: str, connections: Sequence["Connection"]) -> None:
    """Connect each to the server, upon which it begins."""
    url = urlsplit(address)
    loop = asyncio.get_running_loop()
    for connection in connections:
        await loop.create_connection(_giving(connection), url.hostname or "", url.port or 0)


def _giving(connection: "Connection") -> "Callable[[], Connection]":
    return lambda: connection


class Connection(asyncio.Protocol):
    """One connection: says what to do once it is there, and for each whole answer."""

    def __init__(self) -> None:
        self._received = b""
        self.statuses: Counter[str] = Counter()
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def begin(self) -> None:
        """Do what is to be done first."""
        raise NotImplementedError

    def answered(self, head: bytes) -> None:
        """Go on, with the head of the answer that has come."""
        raise NotImplementedError

    def send(self, sent: bytes) -> None:
        """Send a request."""
        self._transport.write(sent)

    def end(self) -> None:
        """Close the connection: it is done."""
        self._transport.close()
        self.done.set_result(None)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one by shape alone
        self.begin()

    def data_received(self, data: bytes) -> None:
        """Collect an answer."""
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
        self.answered(head)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits, unless it was we who closed."""
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("the server closed the connection"))


class _Busy(Connection):
    """Sends a request as soon as the last one is answered, until the time is up."""

    def __init__(self, maker: NextRequest, until: float) -> None:
        super().__init__()
        self._maker = maker
        self._until = until

    def begin(self) -> None:
        self.send(self._maker(b""))

    def answered(self, head: bytes) -> None:
        following = self._maker(head)  # also after the last answer: a maker may learn from it
        if time.perf_counter() > self._until:
            self.end()
        else:
            self.send(following)
