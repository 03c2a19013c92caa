"""What a registration writes beside its event: the person's key and the password's hash."""

from infra.migrations.sql import run

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run(__file__)
