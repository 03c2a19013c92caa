"""Starting the processes of a benchmark and asking them."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeVar

import msgspec

from tests.bench.child import Request, Setup

T = TypeVar("T")


@asynccontextmanager
async def children(url: str, processes: int, callers: int) -> AsyncIterator[list[Process]]:
    """Run processes that are ready to be asked; they end with their input."""
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(_child(Setup(url, callers))) for _ in range(processes)
        ]


async def ask_all(processes: list[Process], request: Request, answer: type[T]) -> list[T]:
    """Ask every process at the same moment."""
    lines = await asyncio.gather(*(_ask(process, request) for process in processes))
    return [msgspec.json.decode(line, type=answer) for line in lines]


async def _ask(process: Process, request: Request | Setup) -> bytes:
    assert process.stdin
    assert process.stdout
    process.stdin.write(msgspec.json.encode(request) + b"\n")
    return await process.stdout.readline()


@asynccontextmanager
async def _child(setup: Setup) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.child", stdin=PIPE, stdout=PIPE
    )
    try:
        assert await _ask(process, setup), "the process ended"
        yield process
    finally:
        assert process.stdin
        process.stdin.close()
        await process.wait()
