"""Writes rows into the tables of a generation: in bulk while they are empty, or one by one."""

from collections.abc import Iterable, Sequence
from typing import Any

import asyncpg

from projections.write import Put, Table, Write, key_of, last_of_each_key


def table_of(table: Table, generation: int) -> str:
    """Name a read model's table of a generation."""
    return f"{table.name}_g{generation}"


def put_statement(table: Table, name: str) -> str:
    """Compose the statement that inserts a row."""
    values = ", ".join(f"${number}" for number in range(1, len(table.columns) + 1))
    return f"insert into {name} ({', '.join(table.columns)}) values ({values})"  # noqa: S608 - names of our tables


def drop_statement(table: Table, name: str) -> str:
    """Compose the statement that removes a row by its key."""
    keys = " and ".join(
        f"{column} = ${number}"
        for number, column in enumerate(table.columns[: table.key_columns], start=1)
    )
    return f"delete from {name} where {keys}"  # noqa: S608 - names of our tables


async def write(connection: asyncpg.Connection, generation: int, writes: Iterable[Write]) -> None:
    """Put and drop rows; of several writes of one row the last counts.

    All rows go before the first one comes: a name that is unique may have gone from one row to
    another, and no order of replacing row by row would do for all of them.
    """
    dropped: dict[str, list[tuple[Any, ...]]] = {}
    put: dict[str, list[tuple[Any, ...]]] = {}
    for one in last_of_each_key(writes):
        name = table_of(one.table, generation)
        dropped.setdefault(drop_statement(one.table, name), []).append(key_of(one))
        if isinstance(one, Put):
            put.setdefault(put_statement(one.table, name), []).append(one.row)
    for statement, arguments in (*dropped.items(), *put.items()):
        await connection.executemany(statement, arguments)


async def copy(
    connection: asyncpg.Connection, table: Table, generation: int, rows: Sequence[tuple[Any, ...]]
) -> None:
    """Add rows in bulk to a table that has none with their keys."""
    await connection.copy_records_to_table(
        table_of(table, generation), records=rows, columns=table.columns
    )
