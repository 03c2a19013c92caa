"""The read models that are written with the events."""

from infra.migrations.sql import run

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run(__file__)
