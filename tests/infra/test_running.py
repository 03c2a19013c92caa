"""The file that tells other commands where the services of `ledgerpress dev` are."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec

from infra.running import Running, announced, find_running

RUNNING = Running(os.getpid(), "postgresql://p", "nats://n", "redis://r")


def test_found(tmp_path: Path) -> None:
    """It is there while the services run, private to its owner, and gone afterwards."""
    with announced(tmp_path, RUNNING):
        (file,) = tmp_path.iterdir()

        assert find_running(tmp_path) == RUNNING
        assert file.stat().st_mode & 0o777 == 0o600

    assert find_running(tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_killed(tmp_path: Path) -> None:
    """What a killed process left behind is not taken for a running one."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    with announced(tmp_path, msgspec.structs.replace(RUNNING, pid=ended.pid)):
        assert find_running(tmp_path) is None


def test_damaged(tmp_path: Path) -> None:
    """A file that says nothing is like none."""
    (tmp_path / "running.json").write_text("{")

    assert find_running(tmp_path) is None
