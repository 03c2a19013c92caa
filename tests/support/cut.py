"""A proxy before a unix socket that loses answers and cuts connections when it is told to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path


class CuttingProxy:
    """Passes bytes both ways until told otherwise."""

    def __init__(self, server: Path) -> None:
        self._server = server
        self._swallow = False
        self._writers: set[asyncio.StreamWriter] = set()

    def swallow_answers(self) -> None:
        """Let requests through from now on, and no answer."""
        self._swallow = True

    def cut(self) -> None:
        """Cut every connection; new ones pass everything again."""
        for writer in self._writers:
            writer.transport.abort()
        self._swallow = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass one connection's bytes."""
        from_server, to_server = await asyncio.open_unix_connection(self._server)
        self._writers |= {writer, to_server}
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass(reader, to_server, answers=False))
                group.create_task(self._pass(from_server, writer, answers=True))
        finally:
            self._writers -= {writer, to_server}

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool
    ) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                if not (answers and self._swallow):
                    writer.write(data)
                    await writer.drain()
        writer.close()


@asynccontextmanager
async def cutting_proxy(server: Path, folder: Path) -> AsyncIterator[CuttingProxy]:
    """Listen in this folder under the same name as the server in its own."""
    proxy = CuttingProxy(server)
    listening = await asyncio.start_unix_server(proxy.serve, folder / server.name)
    try:
        yield proxy
    finally:
        proxy.cut()
        listening.close()
        await listening.wait_closed()
