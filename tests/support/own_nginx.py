"""An nginx of a test's own: a real one, on free ports, in a private folder."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from tests.support.programs import path_of
from tests.support.services import data_folder
from tests.support.waiting import eventually

_STOPS_WITHIN = 20.0


class OwnNginx:
    """A running nginx. Its configuration writes `error.log` and `access.log` into the folder."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path) -> None:
        self._process = process
        self.folder = folder

    @property
    def pid(self) -> int:
        """The master's process id."""
        return self._process.pid

    def log(self, name: str = "error") -> str:
        """Give what a log has so far."""
        try:
            return (self.folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return ""

    async def running(self, ports: Sequence[int]) -> bool:
        """Tell whether all the ports take connections. Raises where nginx has ended."""
        if self._process.returncode is not None:
            raise RuntimeError("nginx refused its configuration")
        for port in ports:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                return False
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()
        return True

    async def stop(self) -> None:
        """End it at once, by its own process id."""
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(_STOPS_WITHIN):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


@asynccontextmanager
async def own_nginx(
    configure: Callable[[Path], str], ports: Sequence[int]
) -> AsyncIterator[OwnNginx]:
    """Run nginx until the end of the block, once these ports on 127.0.0.1 take connections.

    `configure` gets the folder and gives the whole nginx.conf, which decides on the number of
    workers; the number of files that may be open is that of the tests. The logs are added to
    whatever fails inside.
    """
    with data_folder() as folder:
        file = folder / "nginx.conf"
        file.write_text(configure(folder), encoding="utf-8")
        process = await asyncio.create_subprocess_exec(
            path_of("nginx"),
            *("-p", str(folder), "-e", str(folder / "error.log"), "-c", str(file)),
            *("-g", "daemon off;"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        nginx = OwnNginx(process, folder)
        try:
            assert await eventually(lambda: nginx.running(ports)), "nginx does not listen"
            yield nginx
        except BaseException as error:
            for name in ("error", "access"):
                error.add_note(f"nginx {name}.log:\n{nginx.log(name)[-4000:]}")
            raise
        finally:
            await nginx.stop()
