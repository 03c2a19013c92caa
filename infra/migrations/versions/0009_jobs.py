"""Jobs, and the leases of those who do them."""

from infra.migrations.sql import run

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run(__file__)
