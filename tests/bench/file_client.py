"""A client that downloads and looks at next to nothing, so that it is not what is measured.

Run as `python -m tests.bench.file_client`: reads one `Job` from its input, does it in its own
process, and answers with a `Done`.
"""

import random
import select
import socket
import sys
import time

import msgspec

END_OF_HEAD = b"\r\n\r\n"
_BUFFER_BYTES = 1024 * 1024
_REQUESTS = 256
_LENGTH = b"content-length: "


class Job(msgspec.Struct, frozen=True):
    """What to ask for: the whole file, or random ranges of so many bytes of it."""

    port: int
    path: str
    size: int
    connections: int
    seconds: float
    range_bytes: int | None = None


class Done(msgspec.Struct, frozen=True):
    """What came of it."""

    answers: int
    body_bytes: int
    seconds: float


class _Connection:
    __slots__ = ("left", "socket")

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(0)
        self.left = -1
        """How much of a body is to come; below zero the head is."""


def requests(job: Job) -> list[bytes]:
    """Write the requests that are sent in turn."""
    chance = random.Random(1)  # noqa: S311 - which bytes are read next
    host = f"GET {job.path} HTTP/1.1\r\nHost: 127.0.0.1:{job.port}\r\n"
    if job.range_bytes is None:
        return [f"{host}\r\n".encode()]
    firsts = [chance.randrange(job.size - job.range_bytes) for _ in range(_REQUESTS)]
    return [
        f"{host}Range: bytes={first}-{first + job.range_bytes - 1}\r\n\r\n".encode()
        for first in firsts
    ]


def work(job: Job) -> Done:
    """Keep the connections busy until the time is over and what was asked for has come."""
    sent = requests(job)
    expected = b"200" if job.range_bytes is None else b"206"
    buffer = bytearray(_BUFFER_BYTES)
    poll = select.epoll()
    connections: dict[int, _Connection] = {}
    for _ in range(job.connections):
        connection = _Connection(job.port)
        connections[connection.socket.fileno()] = connection
        poll.register(connection.socket, select.EPOLLIN)
    begun = time.perf_counter()
    until = begun + job.seconds
    asked = answers = body_bytes = 0
    for connection in connections.values():
        connection.socket.send(sent[asked % len(sent)])
        asked += 1
    while connections:
        for descriptor, _ in poll.poll():
            connection = connections[descriptor]
            count = connection.socket.recv_into(buffer)
            if count == 0:
                raise ConnectionError("the server closed the connection")
            if connection.left < 0:
                length, end = _head(buffer, count, expected)
                body_bytes += length
                connection.left = length + end
            connection.left -= count
            if connection.left == 0:
                answers += 1
                connection.left = -1
                if time.perf_counter() < until:
                    connection.socket.send(sent[asked % len(sent)])
                    asked += 1
                else:
                    poll.unregister(connection.socket)
                    connections.pop(descriptor).socket.close()
    return Done(answers, body_bytes, time.perf_counter() - begun)


def _head(buffer: bytearray, count: int, expected: bytes) -> tuple[int, int]:
    """Give the length of the body, and where it begins."""
    end = buffer.find(END_OF_HEAD, 0, count)
    head = bytes(buffer[: end + 2]).lower()
    if end < 0 or head[9:12] != expected:
        raise ValueError(f"not a head as expected: {head[:500]!r}")
    at = head.index(_LENGTH) + len(_LENGTH)
    return int(head[at : head.index(b"\r\n", at)]), end + len(END_OF_HEAD)


if __name__ == "__main__":
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    sys.stdout.buffer.write(msgspec.json.encode(work(job)))
