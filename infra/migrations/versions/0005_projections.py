"""Projections: where each stands, and read models that can be replaced while they are used."""

from infra.migrations.sql import run

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run(__file__)
