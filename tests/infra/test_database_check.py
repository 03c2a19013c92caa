"""Whether a database is fit for this program."""

from urllib.parse import urlsplit

import asyncpg

from infra.database_check import DatabaseFault, check_database, known_versions
from infra.migrate import newest
from infra.postgres import Database


async def test_fit(database_url: str) -> None:
    """A migrated database is fit in development; production also asks for fsync."""
    assert await check_database(database_url, production=False) is None
    fault = await check_database(database_url, production=True)
    assert fault == DatabaseFault("unusable", "PostgreSQL runs with fsync off; production needs it")


def test_versions() -> None:
    """The versions read from the files' names are Alembic's."""
    assert known_versions()[-1] == newest()
    assert known_versions()[0] == "0001"


async def test_schema(database_url: str) -> None:
    """An empty or older schema asks for migrations, a newer one for a newer program."""
    connection = await asyncpg.connect(database_url)
    kinds = []
    for change in (
        "update alembic_version set version_num = '0001'",
        "update alembic_version set version_num = '9999'",
        "drop table alembic_version",
    ):
        await connection.execute(change)
        fault = await check_database(database_url, production=False)
        kinds.append(fault.kind if fault else None)
    await connection.close()

    assert kinds == ["old", "unusable", "old"]


async def test_down(database_url: str) -> None:
    """A database that nobody serves, or that is not there, is down."""
    missing = database_url.replace("/test_", "/missing_")
    for url in ("postgresql://127.0.0.1:1/x", missing):
        fault = await check_database(url, production=False)

        assert fault is not None
        assert fault.kind == "down"
        assert fault.reason.startswith("PostgreSQL is out of reach: ")


async def test_rights(database_url: str) -> None:
    """A login that is only a member of the application's role will do; one without it is told."""
    found = []
    owner = await asyncpg.connect(database_url)
    try:
        await owner.execute("create role check_login login password 'canary'")
        at = urlsplit(database_url)
        login = at._replace(netloc=f"check_login:canary@{at.netloc.rpartition('@')[2]}").geturl()
        found.append(await check_database(login, production=False))
        await owner.execute("grant select on alembic_version to check_login")
        found.append(await check_database(login, production=False))
        await owner.execute("revoke select on alembic_version from check_login")
        await owner.execute("grant ledgerpress_app to check_login")
        found.append(await check_database(login, production=False))
        database = await Database.connect(login)
        events = await database.fetch("select count(*) from events")
        await database.close()
    finally:
        await owner.execute("drop owned by check_login; drop role check_login")
        await owner.close()

    way = "as the schema's owner run: grant ledgerpress_app to check_login"
    assert found == [
        DatabaseFault("unusable", f"permission denied for table alembic_version; {way}"),
        DatabaseFault("unusable", f"the login may not act as ledgerpress_app; {way}"),
        None,
    ]
    assert events[0][0] == 0
