"""Rebuilds of projections that operators ask for over HTTP, and that a projector does."""

from infra.migrations.sql import run

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run(__file__)
