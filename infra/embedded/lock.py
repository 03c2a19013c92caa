"""One set of embedded services per DATA_DIR: the lock that a second start runs into.

The guardian inherits the lock, so it is free again only when the last server has stopped.
"""

import asyncio
import fcntl
import os
import time
from pathlib import Path

from infra.embedded.errors import ServiceError

# A killed parent's guardian needs this long at most to stop its servers.
LEFTOVER_S = 30.0
_POLL_S = 0.05


async def acquire(base: Path) -> int:
    """Lock this DATA_DIR/embedded for our process; return the open file that holds the lock.

    Waits for the servers of a process that died, and never for one that lives.
    """
    file = os.open(base / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        await _wait_for(file, base.parent)
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
    except BaseException:
        os.close(file)
        raise
    return file


async def _wait_for(file: int, data_dir: Path) -> None:
    deadline = time.monotonic() + LEFTOVER_S
    while not _try_lock(file):
        holder = os.pread(file, 32, 0).decode().strip()
        if (holder and _alive(int(holder))) or time.monotonic() > deadline:
            raise ServiceError(
                f"{data_dir} is in use by process {holder or 'unknown'}: "
                "stop it, or choose another LEDGERPRESS_DATA_DIR"
            )
        await asyncio.sleep(_POLL_S)


def _try_lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
