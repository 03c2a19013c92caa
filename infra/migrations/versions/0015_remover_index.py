"""An index of the people who are erased, for who looks whether files of theirs are left."""

from infra.migrations.sql import run

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run(__file__)
