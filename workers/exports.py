"""The worker of exports: makes them, and removes them when their time is over.

Each attempt writes to a place of its own, named after the job and the attempt's fencing token. So
an attempt that was overtaken can spoil nothing, and what one has left is known by its name.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

import structlog

from commands.exports import (
    KIND,
    Exports,
    ExportStore,
    attempt_of,
    expire_export,
    file_name,
)
from commands.file_store import StorageFullError, StorageUnavailableError
from commands.handle import Caller
from commands.ports import EventLog
from domain.job import JobStatus
from projections.jobs import JobRow
from workers.export_contents import Contents, MediaMissingError, NobodyError, Order, Sources
from workers.jobs import JobContext, Work, WorkDone, WorkFailed
from workers.periodic import repeat

EVERY_SECONDS = 30.0
_AT_ONCE = 100

_log = structlog.stdlib.get_logger("ledgerpress.exports")


class KeptJobs(Protocol):
    """Finds jobs; see `projections.jobs.JobQueries`."""

    async def by_id(self, job_id: UUID) -> JobRow | None:
        """Find a job."""
        ...

    async def expired(self, kind: str, limit: int) -> Sequence[JobRow]:
        """List completed jobs of a kind whose results are not to be kept any more."""
        ...


def export_work(store: ExportStore, queries: KeptJobs, log: EventLog, sources: Sources) -> Work:
    """Give what makes exports."""

    async def work(context: JobContext) -> WorkDone | WorkFailed:
        job = context.job
        if job.owner_id is None:
            return WorkFailed("nobody", again=False)
        position = await log.head()
        order = Order(job.id, job.owner_id, position, job.updated_at)
        contents = Contents(sources, order, context.progress)
        name = file_name(job.id, job.token)
        try:
            await sweep(store, queries, of_job=job.id)
            written = await store.write(name, contents.members)
        except NobodyError:
            return WorkFailed("nobody", again=False)
        except MediaMissingError as error:
            _log.error("an export is not complete", job=str(job.id), error=str(error))
            return WorkFailed("media_missing")
        except StorageFullError as error:
            _log.error("no room for an export", job=str(job.id), error=str(error))
            return WorkFailed("storage_full")
        except StorageUnavailableError as error:
            _log.error("no place for an export", job=str(job.id), error=str(error))
            return WorkFailed("storage_unavailable")

        async def discard() -> None:
            await store.remove(name)

        result: dict[str, str | int] = {
            "file": name,
            "size": written.size,
            "sha256": written.sha256,
            "position": position,
        }
        return WorkDone(result, discard)

    return work


async def run_export_keeper(
    exports: Exports,
    queries: KeptJobs,
    *,
    now: Callable[[], datetime],
    stop: asyncio.Event,
    every_seconds: float = EVERY_SECONDS,
) -> None:
    """Remove exports whose time is over and what attempts have left, until `stop` is set."""

    async def tick() -> None:
        await expire_due(exports, queries, now())
        try:
            await sweep(exports.store, queries)
        except StorageUnavailableError as error:
            _log.warning("exports cannot be looked after", error=str(error))

    await repeat(tick, name="exports", every_seconds=every_seconds, stop=stop)


async def expire_due(exports: Exports, queries: KeptJobs, now: datetime) -> None:
    """Remove the exports whose time is over."""
    for due in await queries.expired(KIND, _AT_ONCE):
        await expire_export(exports, Caller(None, now, "ExpireJob"), due.id)


async def sweep(store: ExportStore, queries: KeptJobs, *, of_job: UUID | None = None) -> None:
    """Remove what is of no attempt under way and is no result: it was left by workers that ended.

    The files are listed first, and a file comes after the event that allows it, so that none can be
    new here.
    """
    for name in await store.names():
        attempt = attempt_of(name)
        if attempt is None or (of_job is not None and attempt[0] != of_job):
            continue
        if not _belongs(name, attempt[1], await queries.by_id(attempt[0])):
            await store.remove(name)
            _log.info("a part of an export was removed", part=name)


def _belongs(name: str, token: int, job: JobRow | None) -> bool:
    if job is None:
        return False
    if job.status is JobStatus.RUNNING:
        return job.token == token
    return (
        job.status is JobStatus.COMPLETED
        and job.result is not None
        and job.result.get("file") == name
    )
