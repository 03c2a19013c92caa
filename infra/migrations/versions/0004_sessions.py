"""What accounts need to be used over HTTP: sessions, mail, second factors, erasing."""

from infra.migrations.sql import run

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run(__file__)
