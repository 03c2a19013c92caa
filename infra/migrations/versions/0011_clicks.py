"""Clicks on links to other places, counted."""

from infra.migrations.sql import run

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run(__file__)
