"""However the application ends, none of its servers outlives it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.services import data_folder

GONE_WITHIN_S = 15.0


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Give one DATA_DIR for all tests of this file: each also proves that the next can start."""
    with data_folder() as folder:
        yield folder


@contextmanager
def serving(folder: Path) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """Run the program in a process group of its own; give it and the pids of its servers."""
    program = subprocess.Popen(
        [sys.executable, "-m", "tests.support.serve_until_killed", folder],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        process_group=0,
    )
    try:
        assert program.stdout is not None
        pids = json.loads(program.stdout.readline())
        assert all(alive(pid) for pid in pids)
        yield program, pids
    finally:
        program.kill()
        program.communicate()


def alive(pid: int) -> bool:
    """Tell whether a process with this pid exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def gone(pids: list[int]) -> bool:
    """Wait until none of these processes exists; tell whether that came in time."""
    deadline = time.monotonic() + GONE_WITHIN_S
    while any(alive(pid) for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_no_orphans(folder: Path, number: signal.Signals) -> None:
    """When the application is killed, every server stops in good order."""
    with serving(folder) as (program, pids):
        program.send_signal(number)

        assert gone(pids)
    assert "database system is shut down" in (folder / "embedded/logs/postgres.log").read_text()


def test_interrupt_from_the_terminal(folder: Path) -> None:
    """Ctrl-C goes to the whole process group, and still the servers end after the application."""
    with serving(folder) as (program, pids):
        os.killpg(program.pid, signal.SIGINT)
        program.wait(timeout=GONE_WITHIN_S)

        assert not any(alive(pid) for pid in pids)
    assert "database system is shut down" in (folder / "embedded/logs/postgres.log").read_text()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends servers with their guardian")
def test_a_killed_guardian(folder: Path) -> None:
    """When the guardian is killed as well, the servers still end."""
    with serving(folder) as (program, pids):
        status = Path(f"/proc/{pids[0]}/stat").read_text()
        guardian = int(status.rpartition(")")[2].split()[1])
        program.kill()
        os.kill(guardian, signal.SIGKILL)

        assert gone(pids)


def test_started_again_at_once(folder: Path) -> None:
    """A start right after a kill waits for the old servers to stop instead of failing."""
    with serving(folder) as (program, _):
        program.kill()

    with serving(folder) as (_, pids):
        assert all(alive(pid) for pid in pids)
