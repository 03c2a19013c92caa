"""Whether a database can be used by this program, asked before anything is opened."""

from pathlib import Path
from typing import Literal

import asyncpg
import msgspec

MIGRATIONS = Path(__file__).with_name("migrations")
_CONNECT_SECONDS = 5.0


class DatabaseFault(msgspec.Struct, frozen=True):
    """Why the database cannot be used: out of reach, in need of migrations, or wrong."""

    kind: Literal["down", "old", "unusable"]
    reason: str


async def check_database(url: str, *, production: bool) -> DatabaseFault | None:
    """Connect as the schema's owner, and compare the schema with this program's."""
    try:
        connection = await asyncpg.connect(url, timeout=_CONNECT_SECONDS)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        reason = str(error) or f"no answer within {_CONNECT_SECONDS:.0f} s"
        return DatabaseFault("down", f"PostgreSQL is out of reach: {reason}")
    try:
        if production and await connection.fetchval("show fsync") != "on":
            return DatabaseFault("unusable", "PostgreSQL runs with fsync off; production needs it")
        if await connection.fetchval("select to_regclass('alembic_version')") is None:
            return DatabaseFault("old", "the database is empty: run `ledgerpress migrate`")
        version = await connection.fetchval("select version_num from alembic_version")
    finally:
        await connection.close()
    return _compare(str(version))


def known_versions() -> list[str]:
    """List the schema's versions, the newest last.

    Read from the files' names: importing Alembic would double the start of every command.
    """
    return sorted(path.name[:4] for path in MIGRATIONS.glob("versions/*.sql"))


def _compare(version: str) -> DatabaseFault | None:
    known = known_versions()
    if version == known[-1]:
        return None
    if version in known:
        return DatabaseFault(
            "old", "the schema is older than this program: run `ledgerpress migrate`"
        )
    return DatabaseFault("unusable", f"the schema ({version}) is newer than this program")
