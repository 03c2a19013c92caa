"""What workers have still to do, for operators: jobs, mails and scheduled posts in one list."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from infra.postgres import Database
from projections.database import load_queries

QUERIES = load_queries(Path(__file__).with_name("waiting.sql"))


class Waiting(msgspec.Struct, frozen=True, rename="camel"):
    """Work of one kind that is not done."""

    kind: str
    waiting: int
    due: int
    """Of these, how many could be done now and are in nobody's hands."""
    tried: int
    """Of these, how many were begun before."""
    oldest: datetime
    """When the oldest was asked for; of scheduled posts, the next time."""


async def waiting_work(database: Database) -> Sequence[Waiting]:
    """Count it, by kind."""
    return [Waiting(*row) for row in await database.fetch(QUERIES["waiting"])]
