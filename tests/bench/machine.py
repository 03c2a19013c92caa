"""On what a benchmark ran: figures mean little without it."""

import os
import statistics
import time
from pathlib import Path

import asyncpg


async def describe(url: str, folder: Path) -> str:
    """Tell cores, processor, PostgreSQL and how long an fsync takes in this folder."""
    connection = await asyncpg.connect(url)
    try:
        version, fsync, commit = await connection.fetchrow(
            "select current_setting('server_version'), current_setting('fsync'),"
            " current_setting('synchronous_commit')"
        ) or ("", "", "")
    finally:
        await connection.close()
    return (
        f"{os.cpu_count()} cores, {_processor()}, load {os.getloadavg()[0]:.1f}; "
        f"PostgreSQL {version}, fsync={fsync}, synchronous_commit={commit}; "
        f"a write of 8 KiB and its fdatasync {_fsync_us(folder):.0f} us (median)"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return os.uname().machine
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "")


def _fsync_us(folder: Path, times: int = 200) -> float:
    path = folder / "fsync-probe"
    file = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
    try:
        os.write(file, bytes(8192 * 16))
        os.fsync(file)
        took = []
        for number in range(times):
            start = time.perf_counter()
            os.pwrite(file, bytes(8192), 8192 * (number % 16))
            os.fdatasync(file)
            took.append(time.perf_counter() - start)
    finally:
        os.close(file)
        path.unlink()
    return statistics.median(took) * 1e6
