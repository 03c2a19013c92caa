"""Processes that run beside the API, to signal, to pause and to kill."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]


class Process:
    """A process of its own."""

    def __init__(self, running: asyncio.subprocess.Process) -> None:
        self._running = running

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        if self._running.returncode is None:
            os.kill(self._running.pid, number)

    async def ended(self) -> int:
        """Wait for its end, and give its exit code."""
        async with asyncio.timeout(15):
            return await self._running.wait()


@asynccontextmanager
async def running(
    module: str, *arguments: str, says: str, settings: Mapping[str, str] | None = None
) -> AsyncIterator[Process]:
    """Run a module, once it says that it is under way, until the end of the block or of itself."""
    begun = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *arguments),
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **(settings or {})},
        stderr=subprocess.PIPE,
        limit=2**24,
    )
    process = Process(begun)
    assert begun.stderr is not None
    try:
        async with asyncio.timeout(30):
            while (await begun.stderr.readline()).decode() != f"{says}\n":
                assert not begun.stderr.at_eof(), "it ended before it began"
        yield process
    finally:
        process.send(signal.SIGCONT)
        process.send(signal.SIGKILL)
        await begun.communicate()
