"""A PostgreSQL of a test's own, to kill, pause and start again."""

import asyncio
import atexit
import os
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from functools import cache
from pathlib import Path

from infra.embedded.errors import ServiceError
from infra.embedded.folders import prepare_base
from infra.embedded.postgres import NAME, start_postgres
from infra.embedded.resolve import Places
from infra.embedded.supervisor import Supervisor, supervised
from infra.migrate import migrate
from tests.support.log import until
from tests.support.services import data_folder

_PARTS = ("postgres", "postgres-password")
_LAST = ("embedded", _PARTS[-1])


class OwnPostgres:
    """A running server with a migrated database; its address stays the same when it starts anew."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._pid = 0
        self.url = ""

    async def start(self) -> None:
        """Start the server; one that was killed leaves processes that end a moment later."""

        async def started() -> bool:
            try:
                service = await start_postgres(
                    self._supervisor, Places.of_this_machine(), durable=False
                )
            except ServiceError as error:
                if "shared memory" not in str(error):
                    raise
                await self._supervisor.stop(NAME)
                return False
            assert service.pid is not None
            self._pid, self.url = service.pid, service.url
            return True

        await until(started, 30)

    async def kill(self) -> None:
        """End the server as a crash of the machine would, without any goodbye."""
        for pid in self._processes():
            os.kill(pid, signal.SIGKILL)
        await self._supervisor.stop(NAME)

    async def stop(self) -> None:
        """Shut the server down as for a restart."""
        await self._supervisor.stop(NAME)

    def pause(self) -> None:
        """Let nothing of the server run, while its sockets stay open."""
        for pid in self._processes():
            os.kill(pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let all go on."""
        for pid in self._processes():
            os.kill(pid, signal.SIGCONT)

    def _processes(self) -> list[int]:
        children = Path(f"/proc/{self._pid}/task/{self._pid}/children").read_text(encoding="ascii")
        return [self._pid, *map(int, children.split())]


@asynccontextmanager
async def own_postgres() -> AsyncIterator[OwnPostgres]:
    """Run a server of one's own until the end of the block."""
    with data_folder() as folder:
        kept = _kept()
        if not kept.joinpath(*_LAST).exists():
            async with _migrated(folder) as postgres:
                await postgres.stop()
                await asyncio.to_thread(_copy, folder, kept)
        else:
            await asyncio.to_thread(_copy, kept, folder)
        async with _migrated(folder) as postgres:
            yield postgres


@asynccontextmanager
async def _migrated(folder: Path) -> AsyncIterator[OwnPostgres]:
    async with supervised(folder) as supervisor:
        postgres = OwnPostgres(supervisor)
        await postgres.start()
        await migrate(postgres.url)
        yield postgres


@cache
def _kept() -> Path:
    """Give the folder of the database that the others begin as copies of."""
    keeping = ExitStack()
    folder = keeping.enter_context(data_folder())
    atexit.register(keeping.close)
    return folder


def _copy(folder: Path, to: Path) -> None:
    base = prepare_base(to)
    if not (folder / base.name / _PARTS[0]).is_dir():
        return  # it is elsewhere, where its user can reach it
    for part in _PARTS:
        # Keeps the owners, too: as root the database belongs to an unprivileged user.
        subprocess.run(["cp", "-a", folder / base.name / part, base], check=True)
