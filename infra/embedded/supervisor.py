"""The application's side of the guardian: start, watch and stop servers through it."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from infra.embedded import lock
from infra.embedded.errors import ServiceError
from infra.embedded.folders import Account, Layout, make_layout, prepare_base

READY_WITHIN_S = 60.0
_POLL_S = 0.01
_WATCH_S = 0.5
_TAIL_LINES = 15
_TAIL_BYTES = 16_384
_GUARDIAN = Path(__file__).with_name("guardian.py")


class Program(msgspec.Struct, frozen=True):
    """A program for the guardian to run; its arguments never hold a secret."""

    name: str
    argv: list[str]
    cwd: Path
    stop_signals: list[str]
    account: Account | None = None


class _Answer(msgspec.Struct):
    pid: int | None = None
    exit: int | None = None
    error: str | None = None


class Supervisor:
    """A running guardian and the folders that its servers use."""

    def __init__(self, layout: Layout, guardian: subprocess.Popen[bytes]) -> None:
        self.layout = layout
        self._guardian = guardian
        self._one_request = asyncio.Lock()
        self._pids: dict[str, int] = {}

    def log_of(self, name: str) -> Path:
        """Return the log file of a server."""
        return self.layout.logs / f"{name}.log"

    async def start(self, program: Program) -> int:
        """Start a program with an environment of its own and a fresh log; return its pid."""
        log = self.log_of(program.name)
        if log.exists():
            log.replace(log.with_suffix(".previous.log"))
        account = program.account
        answer = await self._ask(
            {
                "op": "start",
                "name": program.name,
                "argv": program.argv,
                "cwd": str(program.cwd),
                "env": {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
                "log": str(log),
                "stop_signals": program.stop_signals,
                "as_user": None if account is None else [account.uid, account.gid],
            }
        )
        if answer.pid is None:
            raise ServiceError(f"{program.argv[0]} cannot be started: {answer.error}")
        self._pids[program.name] = answer.pid
        return answer.pid

    async def exit_status(self, name: str) -> int | None:
        """Return the exit status of a program that ended, None while it runs."""
        return (await self._ask({"op": "poll", "name": name})).exit

    async def watch(self, stop: asyncio.Event, on_loss: Callable[[str], None]) -> None:
        """Look at the servers until `stop` is set; tell once if one of them ended by itself."""
        while not stop.is_set():
            try:
                lost = await self._lost()
            except ServiceError as error:  # the guardian
                lost = str(error)
            if lost is not None:
                on_loss(lost)
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_WATCH_S):
                    await stop.wait()

    async def _lost(self) -> str | None:
        for name in list(self._pids):
            status = await self.exit_status(name)
            if status is not None:
                return f"{name} {_ending(status)}; its log is {self.log_of(name)}"
        return None

    async def stop(self, name: str) -> None:
        """Stop one server and wait until it is gone."""
        await self._ask({"op": "stop", "name": name})
        del self._pids[name]

    async def wait_until(self, name: str, is_ready: Callable[[], Awaitable[bool]]) -> None:
        """Wait until a server answers; raise with the end of its log when it does not."""
        deadline = time.monotonic() + READY_WITHIN_S
        while not await is_ready():
            status = await self.exit_status(name)
            if status is not None:
                raise ServiceError(f"{name} ended with status {status}{self._tail(name)}")
            if time.monotonic() > deadline:
                raise ServiceError(
                    f"{name} was not ready within {READY_WITHIN_S:.0f} s{self._tail(name)}"
                )
            await asyncio.sleep(_POLL_S)

    async def run(self, program: Program) -> None:
        """Run a program to its end; raise with the end of its log when it fails."""
        await self.start(program)
        status = None
        while status is None:
            await asyncio.sleep(_POLL_S)
            status = await self.exit_status(program.name)
        await self.stop(program.name)
        if status != 0:
            tail = self._tail(program.name)
            raise ServiceError(f"{program.name} failed with status {status}{tail}")

    def close(self) -> None:
        """Let the guardian stop every server and wait for it."""
        if self._guardian.stdin and self._guardian.stdout:
            with contextlib.suppress(BrokenPipeError):
                self._guardian.stdin.close()
            self._guardian.stdout.close()
        if self._guardian.wait() != 0:
            # The guardian was killed: what it can no longer stop, we do.
            for pid in self._pids.values():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGINT)

    async def _ask(self, request: dict[str, object]) -> _Answer:
        async with self._one_request:
            line = await asyncio.to_thread(self._exchange, msgspec.json.encode(request))
        if not line:
            raise ServiceError("the guardian of the embedded services was killed")
        return msgspec.json.decode(line, type=_Answer)

    def _exchange(self, line: bytes) -> bytes:
        if self._guardian.stdin is None or self._guardian.stdout is None:
            raise RuntimeError("the guardian is started with pipes")
        try:
            self._guardian.stdin.write(line + b"\n")
            self._guardian.stdin.flush()
        except (BrokenPipeError, ValueError):
            return b""
        return self._guardian.stdout.readline()

    def _tail(self, name: str) -> str:
        log = self.log_of(name)
        try:
            text = log.read_bytes()[-_TAIL_BYTES:].decode(errors="replace")
        except FileNotFoundError:
            return ""
        lines = "\n".join(f"  {line}" for line in text.splitlines()[-_TAIL_LINES:])
        return f"; the end of {log}:\n{lines}"


def _ending(status: int) -> str:
    if status < 0:
        return f"was ended by {signal.Signals(-status).name}"
    return f"ended by itself with status {status}"


@asynccontextmanager
async def supervised(data_dir: Path) -> AsyncIterator[Supervisor]:
    """Lock DATA_DIR and run a guardian for it; on leaving, every server has stopped."""
    base = await asyncio.to_thread(prepare_base, data_dir)
    lock_file = await lock.acquire(base)
    try:
        layout = await asyncio.to_thread(make_layout, base)
        supervisor = Supervisor(layout, _spawn(layout, lock_file))
    finally:
        # The guardian holds the lock from here on.
        os.close(lock_file)
    try:
        yield supervisor
    finally:
        await asyncio.shield(asyncio.to_thread(supervisor.close))


def _spawn(layout: Layout, lock_file: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - our own script
        [sys.executable, "-I", "-S", _GUARDIAN, str(os.getpid()), layout.run],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
        pass_fds=(lock_file,),
        cwd="/",
    )
