"""What may become of a job next: its commands, and `decide`, which gives events or a refusal.

Whoever calls has checked who may give the command. That a worker is still the one whose job it is
shows at the append, by the version that it knows. To add a command: its class and its place in
`JobCommand`, and its row in `decide`.
"""

from datetime import datetime, timedelta
from typing import assert_never
from uuid import UUID

from msgspec import Struct

from domain.job import (
    OPEN,
    AttemptFailed,
    Cancelled,
    Completed,
    Expired,
    Failed,
    GivenBack,
    Job,
    JobEvent,
    JobStatus,
    Progressed,
    Requested,
    Result,
    Retried,
    Started,
)
from domain.refusal import RejectedByState

MOST_ATTEMPTS = 3
FIRST_DELAY = timedelta(seconds=5)
"""Before the second attempt; doubled before each later one."""

WORKER_LOST = "worker_lost"
"""The reason of a job whose every attempt ended without a word."""


class Request(Struct, frozen=True):
    """Have it done."""

    kind: str
    owner_id: UUID | None = None
    subject: str | None = None
    kept_seconds: int | None = None


class Start(Struct, frozen=True):
    """Begin an attempt, or give up where there were enough."""


class Progress(Struct, frozen=True):
    """Tell how much is done, in percent."""

    percent: int


class Complete(Struct, frozen=True):
    """Tell that it is done."""

    result: Result


class FailAttempt(Struct, frozen=True):
    """Tell that this attempt did not do it."""

    reason: str
    """A code that anybody may see."""
    again: bool
    """Whether another attempt may succeed."""


class GiveBack(Struct, frozen=True):
    """Let another worker do it, as if this attempt had not been."""


class Cancel(Struct, frozen=True):
    """Have it not done."""


class Retry(Struct, frozen=True):
    """Have it done after all, with all its attempts before it."""


class Expire(Struct, frozen=True):
    """Keep what it made no longer."""


JobCommand = (
    Request | Start | Progress | Complete | FailAttempt | GiveBack | Cancel | Retry | Expire
)

Decision = tuple[JobEvent, ...] | RejectedByState


def decide(state: Job | None, command: JobCommand, *, now: datetime) -> Decision:
    """Answer a command with the events that it causes, or with why it is refused.

    No events means that the job already is as asked.
    """
    if isinstance(command, Request):
        if state is not None:
            return _collision("There is a job with this id already.", state)
        made = Requested(command.kind, command.owner_id, command.subject, command.kept_seconds)
        return (made,)
    if state is None:
        raise ValueError("only a job that was requested can go on")
    match command:
        case Start():
            return _start(state, now)
        case Progress() | Complete() | FailAttempt() | GiveBack():
            if state.status is not JobStatus.RUNNING:
                return _collision("Nobody is doing the job.", state)
            return _told_by_its_worker(state, command, now)
        case Cancel():
            if state.status is JobStatus.CANCELLED:
                return ()
            if state.status in OPEN:
                return (Cancelled(),)
            return _collision("The job is over.", state)
        case Retry():
            if state.status in OPEN:
                return ()
            if state.status in {JobStatus.FAILED, JobStatus.CANCELLED}:
                return (Retried(),)
            return _collision("The job is done.", state)
        case Expire():
            if state.status is JobStatus.EXPIRED:
                return ()
            if state.status is JobStatus.COMPLETED:
                return (Expired(),)
            return _collision("The job has made nothing.", state)
        case _:
            assert_never(command)


def retry_delay(attempts: int) -> timedelta:
    """Tell how long to wait after so many attempts."""
    return FIRST_DELAY * (1 << (attempts - 1))


def _start(state: Job, now: datetime) -> Decision:
    if state.status not in OPEN:
        return _collision("The job is over.", state)
    if state.run_after is not None and now < state.run_after:
        return _collision("It is too early for another attempt.", state)
    if state.attempts >= MOST_ATTEMPTS:
        # Each attempt began and none said how it ended: it takes its workers with it.
        return (Failed(WORKER_LOST),)
    return (Started(state.attempts + 1),)


def _told_by_its_worker(
    state: Job, command: Progress | Complete | FailAttempt | GiveBack, now: datetime
) -> Decision:
    match command:
        case Progress(percent):
            # 100 is for what is completed.
            told = min(percent, 99)
            return (Progressed(told),) if told > state.percent else ()
        case Complete(result):
            return (Completed(result),)
        case FailAttempt(reason, again):
            if again and state.attempts < MOST_ATTEMPTS:
                return (AttemptFailed(reason, now + retry_delay(state.attempts)),)
            return (Failed(reason),)
        case GiveBack():
            return (GivenBack(),)
        case _:
            assert_never(command)


def _collision(detail: str, state: Job) -> RejectedByState:
    return RejectedByState(
        error="transition_not_allowed", detail=detail, collides_with=state.status.value
    )
