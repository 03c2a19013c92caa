"""Webhooks: addresses to which events are sent, their secrets, and how far each has come."""

from infra.migrations.sql import run

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run(__file__)
