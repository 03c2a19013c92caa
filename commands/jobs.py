"""The commands on jobs: asking for one, doing it, calling it off, trying it again.

What is allowed is in `domain/job_decisions.py`, the way through the log `commands/handle.py`. A
worker's commands hold only at the version that it knows: whoever lost its job, because it was
paused or because the job was cancelled, is told so and changes nothing.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol, cast
from uuid import UUID

import msgspec

from commands.aggregate import Aggregate, Loaded, View
from commands.handle import Caller, Change, Ledger, Settled, Stop, change, change_at, create
from commands.outcomes import Contended, NotFound, Outcome, Representation
from commands.ports import Conflict, FirstAnswer
from domain import job
from domain.claim import Claim
from domain.job import Job, JobEvent
from domain.job_decisions import JobCommand, Request, decide
from domain.refusal import Refusal, RejectedByState

JOB_NOT_FOUND = NotFound("job_not_found")
UNDER_WAY = "job_under_way"

_BYTES_OF_A_STATE = 1000


class Jobs(msgspec.Struct, frozen=True):
    """What the commands on jobs work with."""

    ledger: Ledger
    aggregate: Aggregate[Job, JobCommand]


class Requested(msgspec.Struct, frozen=True):
    """The job is in the log, once, whoever asked first."""

    job: Job
    new: bool


class Lost(msgspec.Struct, frozen=True):
    """The job is not this worker's any more, and nothing was written."""


class TakenJob(msgspec.Struct, frozen=True):
    """A job that is due, in the hands of one worker while its lease lasts."""

    job_id: UUID
    token: UUID
    """Of this taking alone."""
    at: datetime
    """When it was taken, by the database's clock."""
    alone: bool
    """Whether nothing else should be done beside it in the same process, which it may end."""


class JobLeases(Protocol):
    """Who does which job. All times are the database's; all raise `StoreUnavailableError`."""

    async def take(self, kinds: Sequence[str], limit: int, *, idle: bool) -> Sequence[TakenJob]:
        """Take jobs that are due and that nobody does, the longest due first.

        One that should be alone comes only to a process that is `idle`, and keeps the others back.
        """
        ...

    async def beat(self, taken: TakenJob) -> int | None:
        """Keep the lease, and tell the job's version; None when somebody else has taken it."""
        ...

    async def give_up(self, taken: TakenJob) -> None:
        """Let go of it, if it is held still."""
        ...


def jobs(view: View[Job]) -> Aggregate[Job, JobCommand]:
    """Gather what the command loop needs to know of jobs."""
    return Aggregate(
        category=job.STREAM_CATEGORY,
        evolve=job.evolve,  # type: ignore[arg-type]  # a job's stream holds its events
        decide=_decide,
        claims=job.claims,
        claim_taken=_under_way,
        view=view,
        weigh=lambda _: _BYTES_OF_A_STATE,
    )


async def request_job(
    jobs: Jobs,
    caller: Caller,
    job_id: UUID,
    wanted: Request,
    first_answer: Callable[[Representation], FirstAnswer] | None = None,
) -> Requested | Outcome:
    """Have a job done. The same id may come again: then it is the job that there is.

    `RejectedByState` with `UNDER_WAY` where the owner has one of the kind, and may have but one.
    """
    made = await create(jobs.ledger, jobs.aggregate, job_id, wanted, caller, first_answer)
    if isinstance(made, Settled):
        assert made.now.state is not None  # noqa: S101 - it begins with this
        return Requested(made.now.state, new=True)
    if not isinstance(made, Contended):
        return made
    there = (await jobs.ledger.loader.load(jobs.aggregate, job_id)).state
    return made if there is None else Requested(there, new=False)


async def change_job(
    jobs: Jobs,
    caller: Caller,
    job_id: UUID,
    command: JobCommand,
    permit: Callable[[Job], Outcome | None] = lambda _: None,
) -> Job | Outcome:
    """Change a job from outside, at whichever version it is, and give it as it then stands."""
    settled = await change(jobs.ledger, jobs.aggregate, job_id, _change(caller, command, permit))
    if not isinstance(settled, Settled):
        return settled
    return settled.now.state or JOB_NOT_FOUND


async def take_step(
    jobs: Jobs, caller: Caller, held: Job, command: JobCommand, event_id: UUID
) -> Job | Lost:
    """Change a job as the one who does it, at the version that they know and at no other.

    Raises `StoreUnavailableError`, and then nobody knows whether it was written: the same step with
    the same id may be taken again, and is taken once.
    """
    ledger = msgspec.structs.replace(jobs.ledger, new_id=lambda: event_id)
    known = Loaded(held, held.version, held.updated_at)
    settled = await change_at(ledger, jobs.aggregate, held.id, _change(caller, command), known)
    if isinstance(settled, Settled):
        return settled.now.state or held
    if not isinstance(settled, Conflict):
        return Lost()
    newer = await ledger.store.read_stream(job.stream(held.id), after=held.version)
    if not newer or newer[0].event_id != event_id:
        return Lost()
    first = newer[0]
    event = cast("JobEvent", first.event)  # a job's stream holds its events
    return job.evolve(held, event, id=held.id, version=first.version, at=first.at)


def _change(
    caller: Caller,
    command: JobCommand,
    permit: Callable[[Job], Outcome | None] = lambda _: None,
) -> Change[Job, JobCommand]:
    async def plain(_: Loaded[Job]) -> JobCommand | Stop:
        return command

    return Change(caller, permit, JOB_NOT_FOUND, plain)


def _decide(
    state: Job | None, command: JobCommand, now: datetime
) -> tuple[JobEvent, ...] | Refusal:
    return decide(state, command, now=now)


def _under_way(_: Sequence[Claim]) -> RejectedByState:
    return RejectedByState(
        error="job_under_way",
        detail="There is such a job of the account's, and it has not ended.",
        collides_with="job",
    )
