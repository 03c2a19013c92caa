"""Migrations: from nothing to the schema that the program expects, once, whoever starts them."""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
from alembic.script import ScriptDirectory

from infra.bootstrap import INLINE_TABLES
from infra.embedded.services import Services
from infra.migrate import MIGRATIONS, configuration, migrate, newest
from projections.write import Table
from tests.support.log import Log, a_stream, append, connected, open_log

_SCHEMA = """
select 'column', table_name, column_name, data_type, is_nullable, column_default
from information_schema.columns where table_schema = 'public'
union all
select 'index', tablename, indexname, indexdef, '', '' from pg_indexes where schemaname = 'public'
union all
select 'function', proname, md5(prosrc), array_to_string(proconfig, ','), '', ''
from pg_proc where pronamespace = 'public'::regnamespace
union all
select 'trigger', tgrelid::regclass::text, tgname, tgenabled::text, '', ''
from pg_trigger where not tgisinternal
union all
select 'right', table_name, grantee, privilege_type, '', ''
from information_schema.table_privileges where table_schema = 'public'
order by 1, 2, 3, 4
"""


@pytest.fixture
async def empty_url(services: Services) -> AsyncIterator[str]:
    """Give a database without anything in it."""
    async with connected(services.database_url) as owner:
        await owner.execute("create database empty_for_migrations")
        try:
            yield urlsplit(services.database_url)._replace(path="/empty_for_migrations").geturl()
        finally:
            await owner.execute("drop database empty_for_migrations with (force)")


async def _schema(url: str) -> list[tuple[object, ...]]:
    async with connected(url) as owner:
        return [tuple(row) for row in await owner.fetch(_SCHEMA)]


async def test_a_second_run_changes_nothing(database_url: str) -> None:
    """On a migrated database that is in use it keeps the schema and the events."""
    async with open_log(database_url) as log:
        await log.store.append(append(a_stream()))
        before = await _schema(database_url)

        await migrate(database_url)

        assert await _schema(database_url) == before
        assert await log.log.head() == 1


async def test_processes_that_start_together_migrate_once(
    empty_url: str, database_url: str
) -> None:
    """Each waits for the first, and none fails; the result is what one alone makes."""
    await asyncio.gather(*(migrate(empty_url) for _ in range(4)))

    async with connected(empty_url) as owner:
        marks = [row[0] for row in await owner.fetch("select version_num from alembic_version")]
    assert marks == [newest()]
    assert await _schema(empty_url) == await _schema(database_url)


def test_migrations_are_one_line_of_files() -> None:
    """Each has an SQL file beside it and one before it, so there is one newest."""
    revisions = list(ScriptDirectory.from_config(configuration()).walk_revisions())

    versions = MIGRATIONS / "versions"
    names = sorted(path.stem for path in versions.glob("[0-9]*.sql"))
    assert [revision.revision for revision in revisions][::-1] == [name[:4] for name in names]
    assert sorted(path.stem for path in versions.glob("[0-9]*.py")) == names


@pytest.mark.parametrize("table", INLINE_TABLES, ids=lambda table: table.name)
async def test_a_table_is_what_its_fold_writes(database_url: str, table: Table) -> None:
    """Columns in the order of the rows, the key first: rows are sent as they are.

    What is sent may also be a type, whose rows are kept nowhere.
    """
    async with connected(database_url) as owner:
        columns = await owner.fetch(
            "select attname::text from pg_attribute"
            " where attrelid = $1::text::regclass and attnum > 0 order by attnum",
            table.name,
        )
        key = await owner.fetch(
            "select a.attname::text from pg_index i"
            " cross join unnest(i.indkey) with ordinality as k(number, place)"
            " join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number"
            # A read model is a view of its first generation.
            " where i.indrelid = coalesce(to_regclass($1 || '_g1'), $1::text::regclass)"
            " and i.indisprimary order by k.place",
            table.name,
        )
        is_type = await owner.fetchval(
            "select relkind = 'c' from pg_class where oid = $1::text::regclass", table.name
        )

    assert tuple(row[0] for row in columns) == table.columns
    assert tuple(row[0] for row in key) == (() if is_type else table.columns[: table.key_columns])


async def test_the_newest_schema_serves_an_append(empty_url: str) -> None:
    """A database that was migrated a moment ago takes events."""
    await migrate(empty_url)
    async with open_log(empty_url) as log:
        assert await _head_after_append(log) == 1


async def _head_after_append(log: Log) -> int:
    await log.store.append(append(a_stream()))
    return await log.log.head()
