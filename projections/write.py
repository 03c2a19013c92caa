"""What a fold asks to be written: named rows, without saying how or when.

The same rows are put in an append's transaction, in a projector's batch, or bulk-loaded.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple, TypeVar


class Table(NamedTuple):
    """A read model's table: its columns in the order of its rows, the key columns first."""

    name: str
    columns: tuple[str, ...]
    key_columns: int
    owner: str = "id"
    """The column that names the stream to which a row belongs."""


class Put(NamedTuple):
    """Insert this row, or replace the one with the same key."""

    table: Table
    row: tuple[Any, ...]


class Drop(NamedTuple):
    """Remove the row with this key, if there is one."""

    table: Table
    key: tuple[Any, ...]


Write = Put | Drop
AnyWrite = TypeVar("AnyWrite", bound=Write)


class Rendered(NamedTuple):
    """A state as clients get it, and the rows that make its read model show it."""

    body: bytes
    puts: list[Put]


def key_of(write: Write) -> tuple[Any, ...]:
    """Give the key of the row that is written."""
    return write.row[: write.table.key_columns] if isinstance(write, Put) else write.key


def last_of_each_key(writes: Iterable[AnyWrite]) -> list[AnyWrite]:
    """Keep, of the writes of one row, the last: one statement may not touch a row twice."""
    return list({(write.table.name, key_of(write)): write for write in writes}.values())
