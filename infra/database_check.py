"""Whether a database can be used by this program, asked before anything is opened."""

from pathlib import Path
from typing import Literal

import asyncpg
import msgspec

from infra.postgres import APPLICATION_ROLE, CONNECT_SECONDS
from projections.registry import PROJECTIONS
from projections.relaying import RELAY

MIGRATIONS = Path(__file__).with_name("migrations")


class DatabaseFault(msgspec.Struct, frozen=True):
    """Why the database cannot be used: out of reach, in need of migrations, or wrong."""

    kind: Literal["down", "old", "unusable"]
    reason: str


async def check_database(url: str, *, production: bool) -> DatabaseFault | None:
    """Connect, compare the schema with this program's, and see whether the login has its rights."""
    try:
        connection = await asyncpg.connect(url, timeout=CONNECT_SECONDS)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        reason = str(error) or f"no answer within {CONNECT_SECONDS:g} s"
        return DatabaseFault("down", f"PostgreSQL is out of reach: {reason}")
    try:
        if production and await connection.fetchval("show fsync") != "on":
            return DatabaseFault("unusable", "PostgreSQL runs with fsync off; production needs it")
        if await connection.fetchval("select to_regclass('alembic_version')") is None:
            return DatabaseFault("old", "the database is empty: run `ledgerpress migrate`")
        version = await connection.fetchval("select version_num from alembic_version")
        return (
            _compare(str(version))
            or await _without_rights(connection)
            or await _other_rows(connection)
        )
    except asyncpg.InsufficientPrivilegeError as error:
        return DatabaseFault("unusable", f"{error}; {await _way_to_rights(connection)}")
    finally:
        await connection.close()


async def _without_rights(connection: asyncpg.Connection) -> DatabaseFault | None:
    """Find a login that cannot take the role in which all of the product's queries run."""
    query = "select pg_has_role(current_user, $1, 'member')"
    if await connection.fetchval(query, APPLICATION_ROLE):
        return None
    reason = f"the login may not act as {APPLICATION_ROLE}; {await _way_to_rights(connection)}"
    return DatabaseFault("unusable", reason)


async def _other_rows(connection: asyncpg.Connection) -> DatabaseFault | None:
    """Find a projection whose rows are of another schema version than this program's."""
    for name, version in await connection.fetch("select name, schema_version from projections"):
        projection = RELAY if name == RELAY.name else PROJECTIONS.get(name)
        if projection is None or version > projection.schema_version:
            return DatabaseFault("unusable", f"the tables of {name} are newer than this program")
        if version < projection.schema_version:
            return DatabaseFault(
                "old",
                f"the tables of {name} are older than this program: run `ledgerpress migrate`",
            )
    return None


async def _way_to_rights(connection: asyncpg.Connection) -> str:
    login = await connection.fetchval("select quote_ident(current_user)")
    return f"as the schema's owner run: grant {APPLICATION_ROLE} to {login}"


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
