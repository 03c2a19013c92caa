"""The jobs as workers find what to do, and as their owners and operators see them.

Written in the transaction of the events, so that nothing waits to be noticed.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import msgspec

from domain.job import OPEN, Job, JobStatus, Result
from projections.database import Database, load_queries
from projections.write import Put, Rendered, Table, last_of_each_key

SCHEMA_VERSION = 1

JOBS = Table(
    "jobs",
    (
        "id",
        "version",
        "kind",
        "owner_id",
        "subject",
        "status",
        "percent",
        "attempts",
        "token",
        "run_after",
        "reason",
        "result",
        "requested_at",
        "updated_at",
        "expires_at",
    ),
    key_columns=1,
)
QUERIES = load_queries(Path(__file__).with_name("jobs.sql"))

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Result).decode


class JobRow(msgspec.Struct, frozen=True, gc=False):
    """A job's row."""

    id: UUID
    version: int
    kind: str
    owner_id: UUID | None
    subject: str | None
    status: JobStatus
    percent: int
    attempts: int
    token: int
    """The version at which the last attempt began, which names what that attempt makes."""
    run_after: datetime | None
    reason: str | None
    result: Result | None
    requested_at: datetime
    updated_at: datetime
    expires_at: datetime | None

    @property
    def open(self) -> bool:
        """Whether something may yet come of it."""
        return self.status in OPEN


def shows(after: Job) -> Iterable[Put]:
    """Say what an event writes: the job's row."""
    yield Put(
        JOBS,
        (
            after.id,
            after.version,
            after.kind,
            after.owner_id,
            after.subject,
            after.status.value,
            after.percent,
            after.attempts,
            after.token,
            after.run_after,
            after.reason,
            None if after.result is None else _encode(after.result).decode(),
            after.requested_at,
            after.updated_at,
            after.expires_at,
        ),
    )


class Step(Protocol):
    """What the view needs of an event and the states around it."""

    @property
    def after(self) -> Job:
        """The state after the event."""
        ...


class JobView:
    """The jobs' read model as the command loop uses it. What clients see is made by each kind."""

    def location(self, stream_id: UUID) -> str:
        """Give the job's path."""
        return f"/exports/{stream_id}"

    def history(self, stream_id: UUID) -> str:
        """Give the path of the job's events."""
        return f"/streams/job/{stream_id}"

    def tag(self, version: int) -> str:
        """Give the opaque part of the entity tag of a version."""
        return f"{SCHEMA_VERSION}.{version}"

    def render(self, state: Job, steps: Sequence[Step]) -> Rendered:  # noqa: ARG002 - see the class
        """Give the rows that the job's last steps ask for."""
        return Rendered(b"", last_of_each_key(put for step in steps for put in shows(step.after)))


class JobQueries:
    """Reads jobs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def by_id(self, job_id: UUID) -> JobRow | None:
        """Find a job."""
        rows = await self._fetch("by_id", job_id)
        return rows[0] if rows else None

    async def of_owner(
        self,
        owner_id: UUID,
        kind: str,
        limit: int,
        before: tuple[datetime, UUID] | None = None,
    ) -> Sequence[JobRow]:
        """List somebody's jobs of a kind, the newest first, after the one of this time and id."""
        at, job_id = before or (None, None)
        return await self._fetch("of_owner", owner_id, kind, at, job_id, limit)

    async def open_of_owner(self, owner_id: UUID, kind: str) -> JobRow | None:
        """Find somebody's job of a kind that is under way."""
        rows = await self._fetch("open_of_owner", owner_id, kind)
        return rows[0] if rows else None

    async def to_forget(self, owner_id: UUID, kind: str, limit: int) -> Sequence[JobRow]:
        """List somebody's jobs of a kind of which something is there, or may yet come."""
        return await self._fetch("to_forget", owner_id, kind, limit)

    async def newest(
        self, limit: int, *, kind: str | None = None, status: JobStatus | None = None
    ) -> Sequence[JobRow]:
        """List jobs, the newest first."""
        return await self._fetch("newest", kind, None if status is None else status.value, limit)

    async def expired(self, kind: str, limit: int) -> Sequence[JobRow]:
        """List completed jobs of a kind whose results are not to be kept any more."""
        return await self._fetch("expired", kind, limit)

    async def _fetch(self, query: str, *args: object) -> Sequence[JobRow]:
        return [_job(*row) for row in await self._database.fetch(QUERIES[query], *args)]


def _job(*row: Any) -> JobRow:  # noqa: ANN401 - the columns, in the order of the members
    found = JobRow(*row)
    result = row[JOBS.columns.index("result")]
    return msgspec.structs.replace(
        found,
        status=JobStatus(found.status),
        result=None if result is None else _decode(result),
    )
