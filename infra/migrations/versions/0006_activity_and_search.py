"""The read models that the projector writes: activity of authors, search over published posts."""

from infra.migrations.sql import run

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run(__file__)
