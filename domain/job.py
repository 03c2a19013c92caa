"""A job's history: stream, events, state and fold. The rules are in `job_decisions.py`.

A job is work that a process does without a request: an export, the small forms of an image. What it
makes is elsewhere; here is that it was asked for, and what came of it. Reasons are codes that
anybody may see, never the text of an error. The stored names are a format (see
`domain/stored_event.py`).

To add an event: its class and its place in `JobEvent`, its row in `evolve`, the decision that emits
it, and a golden file.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from domain.claim import Claim
from domain.stored_event import StoredEvent
from domain.stream import Stream

STREAM_CATEGORY = "job"
OPEN_SCOPE = "job.open"

ONE_AT_A_TIME = frozenset({"export"})
"""The kinds of which an owner has no more than one under way."""

Result = dict[str, str | int]
"""What came of a job: a few members that its kind defines."""


def stream(job_id: UUID) -> Stream:
    """Name the stream of one job."""
    return Stream(STREAM_CATEGORY, job_id)


class Requested(StoredEvent, frozen=True, tag="job.requested.v1", omit_defaults=True):
    """Somebody wants it done."""

    kind: str
    owner_id: UUID | None = None
    """The account whose job it is; None for one of the product's own."""
    subject: str | None = None
    """What it is about, as its kind says: the id of a file, for example."""
    kept_seconds: int | None = None
    """How long what it makes is kept; None for ever."""


class Started(StoredEvent, frozen=True, tag="job.started.v1"):
    """A worker has begun it. Its version is the worker's fencing token."""

    attempt: int


class Progressed(StoredEvent, frozen=True, tag="job.progressed.v1"):
    """So much of it is done."""

    percent: int


class Completed(StoredEvent, frozen=True, tag="job.completed.v1"):
    """It is done."""

    result: Result


class AttemptFailed(StoredEvent, frozen=True, tag="job.attempt-failed.v1"):
    """It was not done this time, and will be tried again."""

    reason: str
    retry_at: datetime


class GivenBack(StoredEvent, frozen=True, tag="job.given-back.v1"):
    """Its worker was told to stop: the attempt does not count, and another can begin at once."""


class Failed(StoredEvent, frozen=True, tag="job.failed.v1"):
    """It will not be tried again."""

    reason: str


class Cancelled(StoredEvent, frozen=True, tag="job.cancelled.v1"):
    """Nobody wants it any more."""


class Retried(StoredEvent, frozen=True, tag="job.retried.v1"):
    """It failed or was cancelled, and an operator wants it done after all."""


class Expired(StoredEvent, frozen=True, tag="job.expired.v1"):
    """What it made is not kept any more: its time is over, or its owner has removed it."""


JobEvent = (
    Requested
    | Started
    | Progressed
    | Completed
    | AttemptFailed
    | GivenBack
    | Failed
    | Cancelled
    | Retried
    | Expired
)


class JobStatus(StrEnum):
    """How a job stands."""

    QUEUED = "queued"
    """It waits for a worker, perhaps until a time."""
    RUNNING = "running"
    """A worker has begun it and has not said how it ended; it may be dead."""
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    """It was completed, and what it made is gone."""


OPEN = frozenset({JobStatus.QUEUED, JobStatus.RUNNING})


class Job(Struct, frozen=True, gc=False):
    """A job as it stands at one version of its stream."""

    id: UUID
    kind: str
    owner_id: UUID | None
    subject: str | None
    kept_seconds: int | None
    status: JobStatus
    attempts: int
    """How many have begun since it was requested or retried, but for those given back."""
    token: int
    """The version at which the last attempt began; 0 before the first."""
    percent: int
    run_after: datetime | None
    """Before that it is not tried again."""
    reason: str | None
    """Why the last attempt failed, or all of them."""
    result: Result | None
    requested_at: datetime
    updated_at: datetime
    expires_at: datetime | None
    """When what it made is not kept any more."""
    version: int


def evolve(
    state: Job | None,
    event: JobEvent,
    *,
    id: UUID,  # noqa: A002 - spelled as in the state, and alike for every aggregate
    version: int,
    at: datetime,
) -> Job:
    """Give the state after an event that was recorded at a version and a time.

    Never rejects what happened. A history that does not begin with `Requested` is damaged, hence a
    ValueError.
    """
    if isinstance(event, Requested):
        return Job(
            id=id,
            kind=event.kind,
            owner_id=event.owner_id,
            subject=event.subject,
            kept_seconds=event.kept_seconds,
            status=JobStatus.QUEUED,
            attempts=0,
            token=0,
            percent=0,
            run_after=None,
            reason=None,
            result=None,
            requested_at=at,
            updated_at=at,
            expires_at=None,
            version=version,
        )
    if state is None:
        raise ValueError(f"the history of job {id} does not begin with its request")
    after = replace(state, version=version, updated_at=at)
    match event:
        case Started():
            return replace(
                after,
                status=JobStatus.RUNNING,
                attempts=event.attempt,
                token=version,
                percent=0,
                run_after=None,
            )
        case Progressed():
            return replace(after, percent=event.percent)
        case Completed():
            kept = state.kept_seconds
            return replace(
                after,
                status=JobStatus.COMPLETED,
                percent=100,
                reason=None,
                result=event.result,
                expires_at=None if kept is None else at + timedelta(seconds=kept),
            )
        case AttemptFailed():
            return replace(
                after,
                status=JobStatus.QUEUED,
                percent=0,
                reason=event.reason,
                run_after=event.retry_at,
            )
        case GivenBack():
            attempts = state.attempts - 1
            return replace(after, status=JobStatus.QUEUED, percent=0, attempts=attempts)
        case Failed():
            return replace(after, status=JobStatus.FAILED, reason=event.reason, run_after=None)
        case Cancelled():
            return replace(after, status=JobStatus.CANCELLED, run_after=None)
        case Retried():
            return replace(
                after, status=JobStatus.QUEUED, attempts=0, percent=0, reason=None, run_after=None
            )
        case Expired():
            return replace(after, status=JobStatus.EXPIRED)
        case _:
            assert_never(event)


def claims(state: Job | None) -> frozenset[Claim]:
    """Give the names that the job holds: its owner's place for a job of a kind done one at a time.

    So that of two requests at the same moment one is refused, whichever processes they reach.
    """
    if state is None or state.owner_id is None or state.status not in OPEN:
        return frozenset()
    if state.kind not in ONE_AT_A_TIME:
        return frozenset()
    return frozenset({Claim(OPEN_SCOPE, f"{state.kind}/{state.owner_id}")})
