"""How results are shown: tables for people, JSON for programs, nothing that drives a terminal."""

import sys
from collections.abc import Iterable, Sequence

import msgspec
import rich_click as click
from rich.console import Console
from rich.table import Table
from rich.text import Text

_ENDLESS = 10_000

as_json = click.option("--json", "json_wanted", is_flag=True, help="Print JSON, for programs.")
at_most = click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)


def print_json(value: object) -> None:
    """Print a value as one line of JSON."""
    print_bytes(msgspec.json.encode(value) + b"\n")


def print_bytes(data: bytes) -> None:
    """Write bytes to standard output as they are, at once."""
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> None:
    """Print a table: folded to the width of a terminal, a line for each row elsewhere."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(plain(cell)) if isinstance(cell, str) else cell for cell in row))
    Console(width=None if sys.stdout.isatty() else _ENDLESS).print(table)


def plain(text: str) -> str:
    """Show what cannot be printed as a dot, so that stored text cannot steer a terminal."""
    return "".join(char if char.isprintable() or char == "\n" else "·" for char in text)
