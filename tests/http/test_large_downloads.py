"""Specifies what downloads cost: bounded memory, whatever the file and the client."""

import asyncio
import fcntl
import hashlib
import os
import resource
import socket
import struct
import sys
import termios
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.log import connected
from tests.support.product import Api, running_api
from tests.support.stored_files import StoredFile, a_file
from tests.support.waiting import eventually

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

MIB = 1024 * 1024
SIZE = 2048 * MIB
TIMES = 1000
AT_ONCE = 20
_TIMEOUT = 30.0


@pytest.fixture
async def sparse(database_url: str) -> AsyncIterator[tuple[Api, StoredFile]]:
    """Serve a file of 2 GB that takes no room on the disk."""
    async with running_api(database_url) as api, connected(database_url) as owner:
        file = await a_file(api, api.author)
        digest = hashlib.sha256(file.content).hexdigest()
        place = api.settings.data_dir / "files" / "sha256" / digest[:2] / digest
        os.truncate(place, SIZE)
        await owner.execute("update files set size = $1 where id = $2", SIZE, file.id)
        yield api, file


class Slow:
    """A client of blocking reads, for a thread."""

    def __init__(
        self, api: Api, path: str, asked: str | None = None, *, token: str | None = None
    ) -> None:
        address = urlsplit(api.address)
        self.socket = socket.create_connection(
            (address.hostname or "", address.port or 0), timeout=_TIMEOUT
        )
        lines = [f"GET {path} HTTP/1.1", f"Host: {address.netloc}"]
        lines.append(f"Authorization: Bearer {token or api.author.token()}")
        if asked is not None:
            lines.append(f"Range: {asked}")
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())

    def head(self) -> tuple[int, int]:
        """Read the head: the status, and how many bytes follow."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self.socket.recv(1)
        lines = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
        return int(head[9:12]), int(lines[b"content-length"])

    def discard(self, count: int) -> None:
        """Read so many bytes."""
        buffer = bytearray(MIB)
        while count:
            got = self.socket.recv_into(buffer, min(count, MIB))
            assert got, "the answer was cut"
            count -= got

    def waiting(self) -> int:
        """Count the bytes that have come and were not read."""
        packed = fcntl.ioctl(self.socket, termios.FIONREAD, bytes(4))
        (count,) = struct.unpack("i", packed)
        return int(count)


def resident() -> int:
    """Tell the memory of this process, which is the server's too."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * resource.getpagesize()


def open_descriptors() -> int:
    """Count what this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_a_large_file_takes_no_memory(sparse: tuple[Api, StoredFile]) -> None:
    """Ranges at its end and all of its 2 GB come through buffers of constant size."""
    api, file = sparse

    def download(asked: str | None, status: int, count: int) -> None:
        client = Slow(api, file.path, asked)
        with closing(client.socket):
            assert client.head() == (status, count)
            client.discard(count)

    before = resident()
    await asyncio.to_thread(download, f"bytes={SIZE - MIB}-", 206, MIB)
    await asyncio.to_thread(download, f"bytes={SIZE // 2}-{SIZE // 2 + 9}", 206, 10)
    await asyncio.to_thread(download, "bytes=-7", 206, 7)
    await asyncio.to_thread(download, None, 200, SIZE)

    assert resident() - before < 64 * MIB


async def test_clients_that_do_not_read_take_little_memory(
    sparse: tuple[Api, StoredFile],
) -> None:
    """Each costs one small piece, and the others are served meanwhile."""
    api, file = sparse
    before = resident()
    with ExitStack() as stack:
        lazy = [Slow(api, file.path) for _ in range(50)]
        for each in lazy:
            stack.enter_context(closing(each.socket))
        last_change, seen = time.monotonic(), -1

        async def quiet() -> bool:
            nonlocal last_change, seen
            come = sum(each.waiting() for each in lazy)
            if come != seen or not all(each.waiting() for each in lazy):
                last_change, seen = time.monotonic(), come
            return time.monotonic() - last_change > 0.2

        assert await eventually(quiet, within=_TIMEOUT)
        other = await api.author.get(file.path, headers={"Range": "bytes=5000-5009"})

        assert other.content == bytes(10)
        assert resident() - before < 50 * MIB


async def test_clients_that_leave_leave_nothing(api: Api) -> None:
    """A thousand of them in the middle of a download: no descriptor stays open."""
    file = await a_file(api, api.author, bytes(8 * MIB))
    # As many at once as there may be connections to the database: none comes later.
    await asyncio.gather(*(api.author.get(file.path) for _ in range(AT_ONCE)))
    before = open_descriptors()

    token = api.author.token()

    def leave() -> None:
        for number in range(TIMES):
            client = Slow(api, file.path, token=token)
            client.socket.recv(1000)
            if number % 2:
                reset = struct.pack("ii", 1, 0)
                client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
            client.socket.close()

    await asyncio.to_thread(leave)

    async def closed() -> bool:
        return open_descriptors() <= before

    assert await eventually(closed)
    assert (await api.author.get(file.path)).content == file.content
