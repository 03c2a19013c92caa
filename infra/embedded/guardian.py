"""The process that owns the embedded servers and outlives a killed parent just long enough.

Run by path with the standard library alone, as `guardian.py PARENT_PID RUN_FOLDER`. It reads one
JSON request a line and answers each with one JSON line; when its input closes or its parent is
gone it stops every server, removes RUN_FOLDER and exits. Servers live in sessions of their own,
so Ctrl-C on a terminal reaches none of them before the application has finished with them.
"""

import contextlib
import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

PARENT_POLL_S = 0.5
STEP_S = 10.0
_PR_SET_PDEATHSIG = 1

Request = dict[str, Any]


class Server:
    """One started program and the signals that end it, the gentlest first."""

    def __init__(self, request: Request) -> None:
        self.signals = [signal.Signals[name] for name in request["stop_signals"]]
        as_user = request["as_user"]
        who = {} if as_user is None else {"user": as_user[0], "group": as_user[1]}
        with Path(request["log"]).open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 - the parent chose the program
                request["argv"],
                cwd=request["cwd"],
                env=request["env"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                umask=0o077,
                extra_groups=None if as_user is None else [],
                preexec_fn=_end_with_guardian(self.signals[0]),  # noqa: PLW1509 - no threads here
                **who,
            )

    def signal(self, number: signal.Signals) -> None:
        """Signal the server, or its whole group when nothing else is left to try."""
        if self.process.poll() is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            if number is signal.SIGKILL:
                os.killpg(self.process.pid, number)
            else:
                self.process.send_signal(number)


def _end_with_guardian(number: signal.Signals) -> Callable[[], None] | None:
    # Linux alone can promise that a server also ends when the guardian itself is killed.
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)


def stop(servers: list[Server]) -> None:
    """End all these servers together: each signal in turn, then SIGKILL."""
    rounds = max((len(server.signals) for server in servers), default=0)
    for step in range(rounds + 1):
        for server in servers:
            later = step >= len(server.signals)
            server.signal(signal.SIGKILL if later else server.signals[step])
        deadline = time.monotonic() + STEP_S
        while any(server.process.poll() is None for server in servers):
            if time.monotonic() > deadline:
                break
            time.sleep(0.005)
        else:
            return


def answer(request: Request, servers: dict[str, Server]) -> Request:
    """Carry out one request: `start`, `poll` or `stop` a named server."""
    name = request["name"]
    match request["op"]:
        case "start":
            try:
                servers[name] = Server(request)
            except (OSError, subprocess.SubprocessError) as error:
                return {"error": str(error)}
            return {"pid": servers[name].process.pid}
        case "poll":
            return {"exit": servers[name].process.poll()}
        case "stop":
            stop([servers[name]])
            return {"exit": servers.pop(name).process.returncode}
        case unknown:
            return {"error": f"unknown request {unknown!r}"}


def requests(parent: int) -> Iterator[Request]:
    """Yield requests until the input closes or the parent is no longer ours."""
    pending = b""
    # A process that the parent forked may hold the other end of the pipe open after the parent
    # died, so the end of the input is not the only sign.
    while os.getppid() == parent:
        if not select.select([0], [], [], PARENT_POLL_S)[0]:
            continue
        data = os.read(0, 65536)
        if not data:
            return
        *lines, pending = (pending + data).split(b"\n")
        yield from map(json.loads, lines)


def _leave(*_: object) -> NoReturn:
    raise SystemExit(0)


def main(parent: int, run_folder: str) -> None:
    """Serve requests, and leave no server and no run folder behind."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    servers: dict[str, Server] = {}
    try:
        for request in requests(parent):
            os.write(1, json.dumps(answer(request, servers)).encode() + b"\n")
    except BrokenPipeError:
        pass
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        stop(list(servers.values()))
        shutil.rmtree(run_folder, ignore_errors=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
