"""The servers that tests talk to: one set for the whole session, a fresh database for each test."""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from infra.embedded.services import Services, embedded_services
from infra.settings import Settings, load_settings

_TEMPLATE = "template_migrated"
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - only through TemporaryDirectory
_ROOM_BYTES = 2 * 1024**3


def settings_in(data_dir: Path, **variables: str) -> Settings:
    """Make settings for a test; the environment of whoever runs it plays no part."""
    named = {f"LEDGERPRESS_{name}": value for name, value in variables.items()}
    settings = load_settings({"LEDGERPRESS_DATA_DIR": str(data_dir), **named})
    assert isinstance(settings, Settings), settings
    return settings


@contextmanager
def data_folder(*, on_disk: bool = False) -> Iterator[Path]:
    """Give a temporary DATA_DIR that also the database's unprivileged user can pass through.

    It is in memory where there is room: a busy disk lets every database wait. What measures the
    disk, or holds large files, asks for one `on_disk`.
    """
    parent = None if on_disk else _memory()
    with tempfile.TemporaryDirectory(prefix="ledgerpress-test-", dir=parent) as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


@asynccontextmanager
async def session_services() -> AsyncIterator[Services]:
    """Run PostgreSQL, NATS and Valkey without fsync, in a folder that is removed afterwards."""
    with data_folder() as folder:
        async with embedded_services(settings_in(folder), durable=False) as services:
            yield services


class Databases:
    """Databases cloned from one that was migrated once."""

    def __init__(self, owner: asyncpg.Connection, url: str) -> None:
        self._owner = owner
        self._url = url
        self._numbers = count(1)

    @asynccontextmanager
    async def fresh(self) -> AsyncIterator[str]:
        """Yield the URL of a new database and drop it afterwards, whoever is still connected."""
        name = f"test_{next(self._numbers)}"
        # The other strategy writes every page to the log as well, which is slower with fsync off.
        await self._owner.execute(
            f'CREATE DATABASE "{name}" TEMPLATE "{_TEMPLATE}" STRATEGY FILE_COPY'
        )
        try:
            yield _with_database(self._url, name)
        finally:
            await self._owner.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@asynccontextmanager
async def migrated_databases(url: str) -> AsyncIterator[Databases]:
    """Migrate a template database and yield what clones it."""
    # Only a test that needs a database needs the migrations to import.
    from infra.migrate import migrate  # noqa: PLC0415

    owner = await asyncpg.connect(url)
    try:
        await owner.execute(f'CREATE DATABASE "{_TEMPLATE}"')
        await migrate(_with_database(url, _TEMPLATE))
        yield Databases(owner, url)
    finally:
        await owner.close()


def _memory() -> Path | None:
    """Find the folder in memory, if this machine has one with room for several servers."""
    try:
        usable = os.access(_SHARED_MEMORY, os.W_OK | os.X_OK)
        room = shutil.disk_usage(_SHARED_MEMORY).free
    except OSError:
        return None
    return _SHARED_MEMORY if usable and room >= _ROOM_BYTES else None


def _with_database(url: str, name: str) -> str:
    return urlsplit(url)._replace(path=f"/{name}").geturl()
