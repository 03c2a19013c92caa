"""How far the relay has published the log."""

from infra.migrations.sql import run

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run(__file__)
