"""An embedded PostgreSQL: its cluster, its options and its readiness.

It listens on a unix socket in a private folder and asks for a generated password (SCRAM); as root
it runs as an unprivileged user.
"""

import asyncio
import shutil
from pathlib import Path
from urllib.parse import quote

import asyncpg
import msgspec

from infra.embedded.errors import ServiceError
from infra.embedded.folders import (
    Layout,
    postgres_home,
    private_file,
    private_folder,
    reachable_copy,
)
from infra.embedded.resolve import POSTGRES, Places
from infra.embedded.service import Service, choose
from infra.embedded.supervisor import Program, Supervisor
from infra.secrets import SecretError, load_or_create_file

NAME = "postgres"
OWNER = "ledgerpress"
DATABASE = "ledgerpress"
_PASSWORD_BYTES = 24
_CONNECT_TIMEOUT_S = 5.0

# For a shared machine of two cores. jit costs more than it gives on short statements.
_OPTIONS = {
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",
}
_DURABLE = {"fsync": "on", "synchronous_commit": "on"}
# Tests throw their databases away; commits still take every step but the wait for the disk.
_NOT_DURABLE = {"fsync": "off", "full_page_writes": "off"}


class _Cluster(msgspec.Struct, frozen=True):
    home: Path
    data: Path
    sockets: Path
    password: str
    program: Path

    def url(self, database: str) -> str:
        host = quote(str(self.sockets), safe="/")
        return f"postgresql://{OWNER}:{self.password}@/{database}?host={host}&port=5432"


async def start_postgres(
    supervisor: Supervisor, places: Places, *, durable: bool = True
) -> Service:
    """Start the database of this DATA_DIR, made first where there is none; its URL is the owner's.

    `durable=False` turns fsync off and is for tests alone.
    """
    layout = supervisor.layout
    home = await asyncio.to_thread(postgres_home, layout)
    data = home / "data"
    made_by = _made_by(data)
    binary, source = await choose(POSTGRES, places, major=made_by)
    cluster = _Cluster(
        home=home,
        data=data,
        sockets=private_folder(layout.run / NAME, layout.account),
        password=_password(layout, new=made_by is None),
        program=await asyncio.to_thread(reachable_copy, binary.path.resolve(), home, layout),
    )
    if made_by is None:
        await _make(supervisor, cluster, durable=durable)
    pid = await supervisor.start(_server(cluster, layout, durable=durable))
    await supervisor.wait_until(NAME, lambda: _ready(cluster.url("postgres")))
    await _make_database(cluster)
    if layout.account is not None:
        source = f"{source}, as user {layout.account.name}"
    return Service(cluster.url(DATABASE), source, pid)


def _made_by(data: Path) -> int | None:
    try:
        text = (data / "PG_VERSION").read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return None
    if not text.isdigit():
        raise ServiceError(f"{data} was made by PostgreSQL {text}, which cannot be served")
    return int(text)


def _password(layout: Layout, *, new: bool) -> str:
    path = layout.base / "postgres-password"
    if not new and not path.exists():
        raise ServiceError(f"{path}, the password of the database beside it, is gone")
    password = load_or_create_file(path, _PASSWORD_BYTES)
    if isinstance(password, SecretError):
        raise ServiceError(str(password))
    return password.hex()


async def _make(supervisor: Supervisor, cluster: _Cluster, *, durable: bool) -> None:
    # Made under another name and renamed when whole: a start that was cut off leaves no half
    # cluster that a later one would serve.
    layout = supervisor.layout
    draft = cluster.home / "data.new"
    await asyncio.to_thread(shutil.rmtree, draft, ignore_errors=True)
    password_file = private_file(
        cluster.sockets / "password", f"{cluster.password}\n", layout.account
    )
    try:
        await supervisor.run(
            Program(
                name="initdb",
                argv=[
                    str(cluster.program.with_name("initdb")),
                    f"--pgdata={draft}",
                    f"--username={OWNER}",
                    f"--pwfile={password_file}",
                    "--auth=scram-sha-256",
                    "--encoding=UTF8",
                    "--no-locale",
                    "--data-checksums",
                    "--no-instructions",
                    *([] if durable else ["--no-sync"]),
                ],
                cwd=cluster.home,
                stop_signals=["SIGTERM"],
                account=layout.account,
            )
        )
    finally:
        password_file.unlink()
    draft.rename(cluster.data)


def _server(cluster: _Cluster, layout: Layout, *, durable: bool) -> Program:
    options = {
        **_OPTIONS,
        **(_DURABLE if durable else _NOT_DURABLE),
        "unix_socket_directories": str(cluster.sockets),
    }
    return Program(
        name=NAME,
        argv=[
            str(cluster.program),
            "-D",
            str(cluster.data),
            *(
                argument
                for name, value in options.items()
                for argument in ("-c", f"{name}={value}")
            ),
        ],
        cwd=cluster.data,
        # Fast shutdown writes a checkpoint, immediate shutdown does not.
        stop_signals=["SIGINT", "SIGQUIT"] if durable else ["SIGQUIT"],
        account=layout.account,
    )


async def _ready(url: str) -> bool:
    try:
        connection = await asyncpg.connect(url, timeout=_CONNECT_TIMEOUT_S)
    except (OSError, asyncpg.CannotConnectNowError, asyncpg.ConnectionDoesNotExistError):
        return False
    except asyncpg.InvalidPasswordError as error:
        raise ServiceError(f"the database refuses the password kept for it: {error}") from error
    await connection.close()
    return True


async def _make_database(cluster: _Cluster) -> None:
    connection = await asyncpg.connect(cluster.url("postgres"), timeout=_CONNECT_TIMEOUT_S)
    try:
        if not await connection.fetchval(
            "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", DATABASE
        ):
            await connection.execute(f'CREATE DATABASE "{DATABASE}"')
    finally:
        await connection.close()
