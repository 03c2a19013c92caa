"""Appends that are written only while nobody holds a claim in a scope."""

from infra.migrations.sql import run

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run(__file__)
