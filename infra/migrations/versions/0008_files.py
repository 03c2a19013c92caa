"""Files, what they are made of, and uploads that are under way."""

from infra.migrations.sql import run

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run(__file__)
