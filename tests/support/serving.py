"""Real processes of `ledgerpress serve`, to signal and to kill, and other commands beside them."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from infra.embedded.services import Services

ROOT = Path(__file__).parents[2]
PROGRAM = (sys.executable, "-m", "infra.cli")


def environment_of(services: Services, database_url: str, folder: Path) -> dict[str, str]:
    """Give the settings of a process on these servers, which listens on a free port."""
    return {
        "PATH": os.environ["PATH"],
        "LEDGERPRESS_DATABASE_URL": database_url,
        "LEDGERPRESS_NATS_URL": services.nats_url,
        "LEDGERPRESS_REDIS_URL": services.redis_url,
        "LEDGERPRESS_DATA_DIR": str(folder / "data"),
        "LEDGERPRESS_BIND": "127.0.0.1:0",
    }


class Served:
    """A running `ledgerpress serve`."""

    def __init__(self, process: asyncio.subprocess.Process, address: str) -> None:
        self._process = process
        self.address = address

    def tell(self, number: signal.Signals) -> None:
        """Send a signal."""
        self._process.send_signal(number)

    async def ended(self) -> int:
        """Wait for the end, and give the exit code."""
        async with asyncio.timeout(30):
            return await self._process.wait()


@asynccontextmanager
async def serving(environment: Mapping[str, str]) -> AsyncIterator[Served]:
    """Run a process until the block ends."""
    process = await asyncio.create_subprocess_exec(
        *PROGRAM,
        "serve",
        cwd=ROOT,
        env=environment,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    try:
        async with asyncio.timeout(30):
            said = (await process.stderr.readline()).decode()
        address = re.fullmatch(r"serving at http://(\S+)\n", said)
        assert address is not None, said
        yield Served(process, address[1])
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def command(environment: Mapping[str, str], *arguments: str) -> str:
    """Run another command to its end, and give what it printed."""
    process = await asyncio.create_subprocess_exec(
        *PROGRAM,
        *arguments,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    async with asyncio.timeout(30):
        printed, said = await process.communicate()
    assert process.returncode == 0, said.decode()
    return printed.decode()
