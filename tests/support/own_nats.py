"""A NATS server with JetStream of a test's own, to kill, pause, wipe and start again."""

import os
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from infra.embedded.folders import private_folder
from infra.embedded.nats import connected_once
from infra.embedded.resolve import NATS, Places
from infra.embedded.service import choose
from infra.embedded.supervisor import Program, Supervisor, supervised
from tests.support.ports import free_ports
from tests.support.services import data_folder

_NAME = "own-nats"


class OwnNats:
    """A running server; its address and its folder stay the same when it starts anew."""

    def __init__(self, supervisor: Supervisor, folder: Path, port: int) -> None:
        self._supervisor = supervisor
        self._pid = 0
        self._port = port
        self.folder = folder
        self.url = f"nats://127.0.0.1:{port}"

    async def start(self) -> None:
        """Start the server and wait until JetStream answers."""
        binary, _ = await choose(NATS, Places.of_this_machine())
        argv = [str(binary.path), "-a", "127.0.0.1", "-p", str(self._port)]
        argv += ["-js", "-sd", str(self.folder)]
        cwd = private_folder(self._supervisor.layout.run / _NAME)
        self._pid = await self._supervisor.start(
            Program(name=_NAME, argv=argv, cwd=cwd, stop_signals=["SIGTERM"])
        )
        await self._supervisor.wait_until(_NAME, self._answers)

    async def kill(self) -> None:
        """End the server as a crash would, without any goodbye."""
        os.kill(self._pid, signal.SIGKILL)
        await self._supervisor.stop(_NAME)

    async def stop(self) -> None:
        """Shut the server down as for a restart."""
        await self._supervisor.stop(_NAME)

    def wipe(self) -> None:
        """Remove all that it has stored."""
        shutil.rmtree(self.folder)

    def pause(self) -> None:
        """Let nothing of the server run, while its sockets stay open."""
        os.kill(self._pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        os.kill(self._pid, signal.SIGCONT)

    async def _answers(self) -> bool:
        try:
            async with connected_once(self.url, 1) as client:
                await client.jetstream().account_info()
        except Exception:  # noqa: BLE001 - whatever a server raises that is not there yet
            return False
        return True


@asynccontextmanager
async def own_nats() -> AsyncIterator[OwnNats]:
    """Run a server of one's own until the end of the block."""
    with data_folder() as folder:
        async with supervised(folder) as supervisor:
            nats = OwnNats(supervisor, folder / "jetstream", *free_ports(1))
            await nats.start()
            try:
                yield nats
            finally:
                nats.resume()
