"""What a fold asks to be written: named rows, without saying how or when.

The same rows are put in an append's transaction, in a projector's batch, or bulk-loaded.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple


class Table(NamedTuple):
    """A read model's table: its columns in the order of its rows, the key columns first."""

    name: str
    columns: tuple[str, ...]
    key_columns: int


class Put(NamedTuple):
    """Insert this row, or replace the one with the same key."""

    table: Table
    row: tuple[Any, ...]


class Rendered(NamedTuple):
    """A state as clients get it, and the rows that make its read model show it."""

    body: bytes
    puts: list[Put]


def last_of_each_key(puts: Iterable[Put]) -> list[Put]:
    """Keep, of the puts of one row, the last: one statement may not touch a row twice."""
    return list({(p.table.name, p.row[: p.table.key_columns]): p for p in puts}.values())
