"""Backends that a real one would not be: they die, hang, boast or repeat what they are told."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

Behaviour = Callable[["Asked", asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Asked:
    """The head of a request, as a backend got it."""

    method: str
    target: str
    fields: list[tuple[str, str]]
    """In order, with names in lowercase."""

    def all(self, name: str) -> list[str]:
        """Give the values of every line of a field."""
        return [value for key, value in self.fields if key == name]


@dataclass
class Backend:
    """A listening backend and what it was asked."""

    port: int
    asked: list[Asked] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Give what nginx is told of it."""
        return f"127.0.0.1:{self.port}"


@asynccontextmanager
async def backend(behave: Behaviour) -> AsyncIterator[Backend]:
    """Listen until the block ends; every connection serves one request and is closed."""
    running: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        try:
            head = await _head(reader)
            if head is not None:
                listening.asked.append(head)
                await behave(head, reader, writer)
        except asyncio.CancelledError:
            pass  # the block has ended
        except ConnectionError:
            pass
        finally:
            running.discard(task)
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    listening = Backend(server.sockets[0].getsockname()[1])
    try:
        yield listening
    finally:
        server.close()
        for task in list(running):
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _head(reader: asyncio.StreamReader) -> Asked | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    line, *rest = head.removesuffix("\r\n\r\n").split("\r\n")
    method, target, _ = line.split(" ")
    pairs = (each.split(":", 1) for each in rest)
    return Asked(method, target, [(name.lower(), value.strip()) for name, value in pairs])


async def dies(_: Asked, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Be killed in the middle of the request."""
    writer.transport.abort()


async def hangs(_: Asked, reader: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
    """Take the request and say nothing for as long as the other side waits."""
    with suppress(ConnectionError):
        while await reader.read(65536):
            pass
    await asyncio.Event().wait()


async def tells(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer with the fields of the request."""
    await reader.readexactly(sum(map(int, asked.all("content-length"))))
    body = json.dumps({"target": asked.target, "fields": asked.fields}).encode()
    await answer(writer, b"content-type: application/json", body)


async def boasts(_: Asked, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer with fields that tell what runs inside."""
    fields = (
        b"server: Gunicorn/99.1\r\nx-powered-by: PHP/4\r\nvia: 1.1 inner (squid/2)\r\n"
        b"x-runtime: 0.1\r\nx-aspnet-version: 1\r\nx-backend-server: db-1\r\n"
        b"strict-transport-security: max-age=1\r\netag: "
        b'"kept"'
    )
    await answer(writer, fields, b"x")


async def breaks_off(_: Asked, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Be killed in the middle of the answer."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n" + b"x" * 50_000)
    await writer.drain()


async def answer(writer: asyncio.StreamWriter, fields: bytes, body: bytes) -> None:
    """Send a whole answer."""
    head = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\nconnection: close\r\n%b\r\n\r\n"
    writer.write(head % (len(body), fields) + body)
    await writer.drain()
