"""Where the services of a running `ledgerpress dev` are, kept in DATA_DIR for other commands."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from infra.embedded.folders import private_file


class Running(msgspec.Struct, frozen=True, rename="camel"):
    """A running `ledgerpress dev`: its process and the URLs of its services, which are secrets."""

    pid: int
    database_url: str
    nats_url: str
    redis_url: str


@contextmanager
def announced(data_dir: Path, running: Running) -> Iterator[None]:
    """Keep the file, readable by its owner alone, while inside."""
    path = _path(data_dir)
    private_file(path, msgspec.json.encode(running).decode())
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def find_running(data_dir: Path) -> Running | None:
    """Find the `ledgerpress dev` that runs with this DATA_DIR."""
    try:
        running = msgspec.json.decode(_path(data_dir).read_bytes(), type=Running)
        os.kill(running.pid, 0)
    except (FileNotFoundError, ProcessLookupError, msgspec.MsgspecError):
        return None  # a process that was killed leaves its file behind
    return running


def _path(data_dir: Path) -> Path:
    return data_dir / "running.json"
