"""A Valkey or Redis of a test's own, to kill, pause, fill and start again."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import redis.asyncio
import redis.exceptions
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from infra.embedded.folders import private_file, private_folder
from infra.embedded.resolve import VALKEY, Places
from infra.embedded.service import choose
from infra.embedded.supervisor import Program, Supervisor, supervised
from tests.support.ports import free_ports
from tests.support.services import data_folder

_NAME = "own-valkey"
_PASSWORD = "own-valkey-password"  # noqa: S105 - of a server on loopback that lives for a test


class OwnValkey:
    """A running server on TCP; its address and password stay the same when it starts anew."""

    def __init__(self, supervisor: Supervisor, port: int) -> None:
        self._supervisor = supervisor
        self.port = port
        self._pid = 0
        self.url = f"redis://:{_PASSWORD}@127.0.0.1:{port}/0"

    async def start(self) -> None:
        """Start an empty server and wait until it answers."""
        binary, _ = await choose(VALKEY, Places.of_this_machine())
        run = private_folder(self._supervisor.layout.run / _NAME)
        configuration = f"""\
bind 127.0.0.1
port {self.port}
requirepass {_PASSWORD}
dir {run}
save ""
appendonly no
maxmemory-policy noeviction
daemonize no
"""
        file = private_file(run / "valkey.conf", configuration)
        argv = [str(binary.path), str(file)]
        self._pid = await self._supervisor.start(
            Program(name=_NAME, argv=argv, cwd=run, stop_signals=["SIGTERM"])
        )
        await self._supervisor.wait_until(_NAME, self.answers)

    async def kill(self) -> None:
        """End the server as a crash of the machine would, without any goodbye."""
        os.kill(self._pid, signal.SIGKILL)
        await self._supervisor.stop(_NAME)

    def pause(self) -> None:
        """Let nothing of the server run, while its sockets stay open."""
        os.kill(self._pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        os.kill(self._pid, signal.SIGCONT)

    async def do(self, *command: str | int) -> Any:  # noqa: ANN401 - whatever the server answers
        """Send a command on a connection of its own."""
        client = redis.asyncio.from_url(
            self.url, retry=Retry(NoBackoff(), 0), socket_timeout=30, decode_responses=True
        )
        try:
            # redis-py leaves it untyped.
            return await client.execute_command(*command)  # type: ignore[no-untyped-call]
        finally:
            await client.aclose()

    async def answers(self) -> bool:
        """Tell whether it takes commands."""
        try:
            return bool(await self.do("PING"))
        except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError):
            return False


@asynccontextmanager
async def own_valkey() -> AsyncIterator[OwnValkey]:
    """Run a server of one's own until the end of the block."""
    with data_folder() as folder:
        async with supervised(folder) as supervisor:
            valkey = OwnValkey(supervisor, *free_ports(1))
            await valkey.start()
            yield valkey
