"""Maintenance: a row that every process of the API looks for."""

from infra.migrations.sql import run

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run(__file__)
