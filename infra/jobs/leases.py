"""The table of leases: see `commands.jobs.JobLeases`."""

import os
import socket
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from commands.jobs import TakenJob
from domain.job_decisions import MOST_ATTEMPTS
from infra.postgres import Database
from projections.database import load_queries

QUERIES = load_queries(Path(__file__).with_name("leases.sql"))

LEASE_SECONDS = 10.0
"""After so long a worker that says nothing has lost its jobs."""


class PostgresJobLeases:
    """Leases by the clock of the database."""

    def __init__(self, database: Database, lease_seconds: float = LEASE_SECONDS) -> None:
        self._database = database
        self._lease_seconds = lease_seconds
        self._holder = f"{socket.gethostname()}:{os.getpid()}"

    async def take(self, kinds: Sequence[str], limit: int, *, idle: bool) -> Sequence[TakenJob]:
        """Take jobs that are due and that nobody does, the longest due first."""
        rows = await self._database.fetch(
            QUERIES["take"],
            list(kinds),
            limit,
            self._holder,
            self._lease_seconds,
            MOST_ATTEMPTS - 1,
            idle,
        )
        return [TakenJob(*row) for row in rows]

    async def beat(self, taken: TakenJob) -> int | None:
        """Keep the lease, and tell the job's version; None when somebody else has taken it."""
        rows = await self._database.fetch(
            QUERIES["beat"], taken.job_id, taken.token, self._lease_seconds
        )
        if not rows:
            return None
        version: int = rows[0][0]
        return version

    async def give_up(self, taken: TakenJob) -> None:
        """Let go of it, if it is held still."""
        await self._database.fetch(QUERIES["give_up"], taken.job_id, taken.token)

    async def forget(self, now: datetime, most: int) -> int:  # noqa: ARG002 - the database's clock counts
        """Delete no more than so many that are over for long; tell how many."""
        return len(await self._database.fetch(QUERIES["forget"], most))
