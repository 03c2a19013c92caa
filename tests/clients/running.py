"""Programs that the tests of clients run to their end, while the product answers them."""

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path

BESIDE_PYTHON = Path(sys.executable).parent
"""Where the environment's own programs are."""
DEADLINE = 100.0
"""Seconds that a program may take, on a machine that does much else."""


class ProgramFailedError(AssertionError):
    """A program ended with an error; the message is what it said."""


async def run(*command: str | Path, cwd: Path, more: Mapping[str, str] | None = None) -> str:
    """Run a program, and give what it said. Raises `ProgramFailedError`."""
    path = f"{BESIDE_PYTHON}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    process = await asyncio.create_subprocess_exec(
        *map(str, command),
        cwd=cwd,
        env={**os.environ, "PATH": path, "NO_PROXY": "127.0.0.1", **(more or {})},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    shown = " ".join(map(str, command))
    try:
        async with asyncio.timeout(DEADLINE):
            said, _ = await process.communicate()
    except TimeoutError:
        raise ProgramFailedError(f"{shown}\nhad not ended after {DEADLINE} seconds") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise ProgramFailedError(f"{shown}\n{said.decode(errors='replace')}")
    return said.decode()
