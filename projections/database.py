"""What the queries of a read model need: a database, and their SQL from a file beside them."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


class Database(Protocol):
    """Runs one prepared query in its own short transaction."""

    async def fetch(self, query: str, *args: object) -> Sequence[Any]:
        """Give the rows, indexable by column. Raises when the database is out of reach."""
        ...


def load_queries(path: Path) -> Mapping[str, str]:
    """Read a file of queries, each under a line `-- name: its_name`, by their names."""
    _, *parts = _NAME.split(path.read_text(encoding="utf-8"))
    return MappingProxyType(
        {name: text.strip() for name, text in zip(parts[::2], parts[1::2], strict=True)}
    )
