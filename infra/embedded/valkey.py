"""An embedded Valkey or Redis on a unix socket: for what may be lost, so nothing goes to disk."""

import secrets

import redis.asyncio
import redis.exceptions
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from infra.embedded.folders import private_file, private_folder
from infra.embedded.resolve import VALKEY, Places
from infra.embedded.service import Service, choose
from infra.embedded.supervisor import Program, Supervisor

NAME = "valkey"
_CONNECT_TIMEOUT_S = 2.0


async def start_valkey(supervisor: Supervisor, places: Places) -> Service:
    """Start an empty server; its URL carries a password made for this run."""
    binary, source = await choose(VALKEY, places)
    run = private_folder(supervisor.layout.run / NAME)
    password = secrets.token_hex(24)
    socket = run / "valkey.sock"
    # A full server must refuse writes: to evict a limiter's key would open what it guards.
    configuration = f"""\
port 0
unixsocket {socket}
unixsocketperm 700
requirepass {password}
dir {run}
save ""
appendonly no
maxmemory 128mb
maxmemory-policy noeviction
daemonize no
"""
    file = private_file(run / "valkey.conf", configuration)
    pid = await supervisor.start(
        Program(name=NAME, argv=[str(binary.path), str(file)], cwd=run, stop_signals=["SIGTERM"])
    )
    url = f"unix://:{password}@{socket}?db=0"
    await supervisor.wait_until(NAME, lambda: _answers(url))
    return Service(url, source, pid)


async def _answers(url: str) -> bool:
    client = redis.asyncio.from_url(
        url,
        socket_timeout=_CONNECT_TIMEOUT_S,
        socket_connect_timeout=_CONNECT_TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
    )
    try:
        return bool(await client.ping())
    except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError):
        return False
    finally:
        await client.aclose()
