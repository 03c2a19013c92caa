"""Compares two generations of a projection, row by row where their digests differ."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import msgspec

from infra.projections.table_writes import table_of
from projections.registry import Projection
from projections.write import Table

SAMPLES = 5
_PAGE_ROWS = 1_000


class Sample(msgspec.Struct, frozen=True):
    """A row that is not the same in both."""

    key: list[str]
    says: str


class TableComparison(msgspec.Struct, frozen=True):
    """How a table of the generation that is served compares with the same one made anew."""

    table: str
    served_rows: int
    made_rows: int
    differing: int
    samples: list[Sample]


class Comparison(msgspec.Struct, frozen=True):
    """How two generations compare, both at one position of the log."""

    position: int
    tables: list[TableComparison]

    @property
    def differing(self) -> int:
        """How many rows are not the same."""
        return sum(table.differing for table in self.tables)

    @property
    def rows(self) -> int:
        """How many rows the new generation has."""
        return sum(table.made_rows for table in self.tables)


class Side(msgspec.Struct, frozen=True):
    """A generation, and a connection in a transaction that sees it at the position to compare."""

    connection: asyncpg.Connection
    generation: int


async def compare(projection: Projection, position: int, served: Side, made: Side) -> Comparison:
    """Compare all tables."""
    tables = [await _compare(table, served, made) for table in projection.tables]
    return Comparison(position, tables)


async def _compare(table: Table, served: Side, made: Side) -> TableComparison:
    first, second = await asyncio.gather(_digest(table, served), _digest(table, made))
    differing, samples = 0, list[Sample]()
    if first != second:
        async for key, says in _differences(table, served, made):
            differing += 1
            if len(samples) < SAMPLES:
                samples.append(Sample(list(key), says))
    return TableComparison(table.name, first[0], second[0], differing, samples)


async def _digest(table: Table, side: Side) -> tuple[Any, ...]:
    """Give the number of rows, and the sum and the XOR of their 64-bit hashes: no order matters."""
    row = await side.connection.fetchrow(
        "select count(*), sum(hash), bit_xor(hash) from ("  # noqa: S608 - names of our tables
        f" select hash_record_extended(row({', '.join(table.columns)}), 1) as hash"
        f" from {table_of(table, side.generation)}) as rows"
    )
    return tuple(row or ())


async def _differences(
    table: Table, served: Side, made: Side
) -> AsyncIterator[tuple[tuple[str, ...], str]]:
    """Give the key of each row that is not the same, and what is wrong with it."""
    lefts, rights = _rows(table, served), _rows(table, made)
    left, right = await anext(lefts, None), await anext(rights, None)
    while left is not None or right is not None:
        if right is None or (left is not None and left[0] < right[0]):
            assert left is not None  # noqa: S101 - one of the two is not
            yield left[0], "is served, but the log does not say so"
            left = await anext(lefts, None)
        elif left is None or right[0] < left[0]:
            yield right[0], "is missing"
            right = await anext(rights, None)
        else:
            wrong = [
                column
                for column, is_, should_be in zip(table.columns, left[1], right[1], strict=True)
                if is_ != should_be
            ]
            if wrong:
                yield left[0], f"is wrong in {', '.join(wrong)}"
            left, right = await anext(lefts, None), await anext(rights, None)


async def _rows(table: Table, side: Side) -> AsyncIterator[tuple[tuple[str, ...], tuple[Any, ...]]]:
    """Give the key, as text, and the hash of every column, in the order of the keys' bytes."""
    keys = [f'{column}::text collate "C"' for column in table.columns[: table.key_columns]]
    hashes = [f"hash_record_extended(row({column}), 0)" for column in table.columns]
    query = (
        f"select {', '.join([*keys, *hashes])} from {table_of(table, side.generation)}"  # noqa: S608 - as above
        f" order by {', '.join(keys)}"
    )
    cursor = await side.connection.cursor(query)
    while page := await cursor.fetch(_PAGE_ROWS):
        for row in page:
            values = tuple(row)
            yield values[: table.key_columns], values[table.key_columns :]
