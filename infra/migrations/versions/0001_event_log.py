"""The log: events, claims, idempotency keys, and the function that appends."""

from infra.migrations.sql import run

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run(__file__)
