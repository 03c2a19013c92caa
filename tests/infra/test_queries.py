"""Every query of the program is one that PostgreSQL can prepare, as the role that will run it."""

import importlib
import pkgutil
from collections.abc import AsyncIterator, Iterator
from itertools import product
from pathlib import Path

import asyncpg
import pytest

import infra
import projections
import workers
from commands.ports import LogFilter
from infra.bootstrap import INLINE_TABLES
from infra.postgres import APPLICATION_ROLE
from infra.store.event_log import page_query
from infra.store.event_store import append_statement
from projections.database import load_queries
from tests.support.log import AT, AUTHOR, a_stream, connected
from tests.support.services import Databases


def _named() -> Iterator[tuple[str, str]]:
    """Find the files of named queries beside the code that loads them."""
    for package in (infra, projections, workers):
        for file in sorted(Path(package.__path__[0]).rglob("*.sql")):
            if "migrations" not in file.parts:
                for name, query in load_queries(file).items():
                    yield f"{file.stem}.{name}", query


def _pages() -> Iterator[tuple[str, str]]:
    """Compose the log's query with each of its filters there or not, both ways."""
    for category, stream, type_, actor, until, backwards in product([False, True], repeat=6):
        which = LogFilter(
            category="post" if category else None,
            stream=a_stream() if stream else None,
            type="post.created.v1" if type_ else None,
            actor=AUTHOR if actor else None,
            since=AT if until else None,
            until=AT if until else None,
        )
        query, values = page_query(which, "*", backwards=backwards)
        yield f"page with {len(values)} filters", query


NAMED = dict(_named())


@pytest.fixture(scope="module")
async def unchanged_url(databases: Databases) -> AsyncIterator[str]:
    """Give a migrated database that all share, as nothing is run in it."""
    async with databases.fresh() as url:
        yield url


@pytest.mark.parametrize("query", NAMED.values(), ids=NAMED)
async def test_a_named_query_prepares(unchanged_url: str, query: str) -> None:
    """Its tables, columns and types are there, and the application's role may use them."""
    async with connected(unchanged_url) as connection:
        await connection.execute(f"set role {APPLICATION_ROLE}")
        prepared = await connection.prepare(query)
        await _explain(connection, query, len(prepared.get_parameters()))


async def test_composed_queries_prepare(database_url: str) -> None:
    """The append statement and all forms of the page query are right too."""
    append = append_statement(table.name for table in INLINE_TABLES)
    async with connected(database_url) as connection:
        await connection.execute(f"set role {APPLICATION_ROLE}")
        for _, query in [("append", append), *_pages()]:
            prepared = await connection.prepare(query)
            await _explain(connection, query, len(prepared.get_parameters()))


def test_every_file_of_queries_is_loaded_by_somebody() -> None:
    """No file lies about that the program does not use."""
    loaded = set()
    for package in (infra, projections, workers):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.ispkg and not module.name.endswith(("__main__", "migrations.env")):
                loaded |= set(getattr(importlib.import_module(module.name), "QUERIES", {}).values())

    assert loaded >= set(NAMED.values())


async def _explain(connection: asyncpg.Connection, query: str, parameters: int) -> None:
    """Let it be planned, where rights on tables are looked at, and not run."""
    nulls = ", ".join(["null"] * parameters)
    await connection.execute(f"prepare planned as {query}")
    try:
        await connection.execute(f"explain execute planned{f'({nulls})' if nulls else ''}")
    finally:
        await connection.execute("deallocate planned")
