"""Runs a migration's SQL: the file beside it, of the same name."""

from pathlib import Path

import asyncpg
from alembic import op
from sqlalchemy.util import await_only


def run(migration: str) -> None:
    """Run the statements of the SQL file beside this Python file, in the open transaction."""
    text = Path(migration).with_suffix(".sql").read_text(encoding="utf-8")
    driver = op.get_bind().connection.driver_connection
    assert isinstance(driver, asyncpg.Connection)  # noqa: S101 - made by infra/migrate.py
    # The driver's own execute takes a file of many statements; a prepared statement is one.
    await_only(driver.execute(text))
