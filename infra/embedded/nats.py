"""An embedded NATS server with JetStream, on a loopback port that it picks itself."""

import contextlib
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import nats.errors
from nats.aio.client import Client

from infra.embedded.folders import private_file, private_folder
from infra.embedded.resolve import NATS, Places
from infra.embedded.service import Service, choose
from infra.embedded.supervisor import Program, Supervisor

NAME = "nats"
_USER = "ledgerpress"
_CONNECT_TIMEOUT_S = 2


class _Ports(msgspec.Struct):
    nats: list[str]


async def start_nats(supervisor: Supervisor, places: Places, *, durable: bool = True) -> Service:
    """Start the broker of this DATA_DIR; its URL carries a user and a password made for this run.

    `durable=False` leaves out the fsync of every message and is for tests alone.
    """
    layout = supervisor.layout
    binary, source = await choose(NATS, places)
    run = private_folder(layout.run / NAME)
    store = private_folder(layout.base / NAME)
    password = secrets.token_hex(24)
    # Port -1 is a free one; the server writes its number into a file in `run`.
    configuration = {
        "server_name": "ledgerpress",
        "host": "127.0.0.1",
        "port": -1,
        "ports_file_dir": str(run),
        "authorization": {"users": [{"user": _USER, "password": password}]},
        "jetstream": {
            "store_dir": str(store),
            "max_memory_store": 64 * 1024 * 1024,
            "max_file_store": 1024 * 1024 * 1024,
            # Without it a message is acknowledged up to two minutes before it is on disk.
            **({"sync_interval": "always"} if durable else {}),
        },
    }
    # The format of NATS is a superset of JSON.
    file = private_file(run / "nats.conf", json.dumps(configuration, indent=2))
    pid = await supervisor.start(
        Program(
            name=NAME, argv=[str(binary.path), "-c", str(file)], cwd=run, stop_signals=["SIGTERM"]
        )
    )

    async def ready() -> bool:
        address = _address(run)
        return address is not None and await _answers(f"nats://{_USER}:{password}@{address}")

    await supervisor.wait_until(NAME, ready)
    return Service(f"nats://{_USER}:{password}@{_address(run)}", source, pid)


def _address(run: Path) -> str | None:
    for file in run.glob("*.ports"):
        with contextlib.suppress(msgspec.DecodeError):  # still being written
            return msgspec.json.decode(file.read_bytes(), type=_Ports).nats[0].rpartition("/")[2]
    return None


async def _answers(url: str) -> bool:
    try:
        async with connected_once(url, _CONNECT_TIMEOUT_S) as client:
            await client.jetstream().account_info()
    except (OSError, TimeoutError, nats.errors.Error):
        return False
    return True


@asynccontextmanager
async def connected_once(url: str, timeout_s: int) -> AsyncIterator[Client]:
    """Connect without any further attempt; raises OSError, TimeoutError or nats.errors.Error."""
    client = Client()
    try:
        await client.connect(
            url,
            connect_timeout=timeout_s,
            allow_reconnect=False,
            # The library counts the first attempt too, and takes 0 for no limit.
            max_reconnect_attempts=1,
            reconnect_time_wait=0,
            error_cb=_ignore,
        )
        yield client
    finally:
        await client.close()


async def _ignore(_: Exception) -> None:
    """Take the error that `connect` raises as well."""
