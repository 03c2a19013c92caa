"""The worker of jobs: takes what is due, does it, and says in the log what came of it.

Several may run at once. A lease says who may try, the version of the job's stream who still may
say something: a worker that was paused while another took over is refused, and removes what it
made. Nobody has to wake a worker. It looks for jobs by itself, so that with the broker down, or
after a crash at any step, nothing is lost, only later; a hint makes it look at once.

To add a kind of job: its `Work`, and its row in `job_kinds` of `infra/serve.py`.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Protocol, assert_never
from uuid import UUID

import msgspec
import structlog

from commands.handle import Caller
from commands.jobs import JobLeases, Jobs, Lost, TakenJob, take_step
from commands.ports import StoreUnavailableError
from domain.job import Job, JobStatus, Result
from domain.job_decisions import Complete, FailAttempt, GiveBack, JobCommand, Progress, Start
from workers.leader import Listen
from workers.watching import WatchedAttempt, Watching

STORE_UNAVAILABLE = "store_unavailable"
INTERNAL_ERROR = "internal_error"

_BEGIN_ATTEMPTS = 5

_log = structlog.stdlib.get_logger("ledgerpress.jobs")


class Pace(msgspec.Struct, frozen=True):
    """How often and how much, in seconds but for the first."""

    at_once: int = 4
    """How many jobs one process does at the same time."""
    look: float = 1.0
    """How long it waits for a hint before it looks for jobs by itself."""
    rest: float = 0.1
    """How long it rests after each look, as hints may come all the time."""
    beat: float = 2.5
    """How often it shows that it is alive; a small part of a lease."""
    grace: float = 2.0
    """For what is nearly done when it is told to stop."""
    progress: float = 1.0
    """The least between two events that tell of progress."""
    progress_percent: int = 5
    """As above, in percent: each of these events stays for ever."""


class JobContext(Protocol):
    """A job as the one who does it sees it."""

    @property
    def job(self) -> Job:
        """How it stood when this attempt began; its `token` names the attempt."""
        ...

    async def progress(self, percent: int) -> None:
        """Tell how much is done. Raises `JobLostError` when it is to be left at once."""
        ...


class WorkDone(msgspec.Struct, frozen=True):
    """It is done, and what was made is where it belongs."""

    result: Result
    discard: Callable[[], Awaitable[None]] | None = None
    """Removes what was made, where another worker has the job by now or nobody wants it."""


class WorkFailed(msgspec.Struct, frozen=True):
    """It could not be done."""

    reason: str
    """A code that anybody may see."""
    again: bool = True
    """Whether another attempt may succeed."""


Work = Callable[[JobContext], Awaitable[WorkDone | WorkFailed]]
"""Does a job of one kind. It may be cancelled at any moment, and then leaves nothing behind."""


class JobLostError(Exception):
    """The job is this worker's no more: another has taken it, or nobody wants it."""


async def run_jobs(
    jobs: Jobs,
    leases: JobLeases,
    kinds: Mapping[str, Work],
    *,
    listen: Listen,
    stop: asyncio.Event,
    pace: Pace = Pace(),  # noqa: B008 - frozen
    watching: Watching | None = None,
) -> None:
    """Do what is due until `stop` is set; what is not done by then is given back."""
    watching = watching or Watching()
    running: dict[asyncio.Task[None], TakenJob] = {}
    stopping = asyncio.create_task(stop.wait())
    reachable = True
    try:
        with listen() as hint:
            while not stop.is_set():
                free = pace.at_once - len(running)
                taken: list[TakenJob] = []
                try:
                    if free and not any(each.alone for each in running.values()):
                        taken = [*await leases.take([*kinds], free, idle=not running)]
                except StoreUnavailableError as error:
                    if reachable:
                        _log.warning(
                            "the database is out of reach", worker="jobs", error=str(error)
                        )
                    reachable = False
                except Exception:  # noqa: BLE001 - a bug in one round must not end the worker
                    _log.exception("a round failed", worker="jobs")
                else:
                    reachable = True
                for each in taken:
                    attempt = _Attempt(jobs, leases, each, kinds, pace, watching)
                    running[asyncio.create_task(attempt.run(stop))] = each
                # Rest first: what a worker itself appends wakes it too.
                await asyncio.wait({stopping}, timeout=pace.rest)
                waiting = asyncio.create_task(hint.wait(pace.look))
                await asyncio.wait(
                    {waiting, stopping, *running}, return_when=asyncio.FIRST_COMPLETED
                )
                waiting.cancel()
                for done in [task for task in running if task.done()]:
                    del running[done]
        if running:
            await asyncio.wait(running)
    finally:
        for task in (stopping, *running):
            task.cancel()
        await asyncio.gather(stopping, *running, return_exceptions=True)


class _Attempt:
    """One attempt at one job: what its `Work` gets as its context."""

    def __init__(
        self,
        jobs: Jobs,
        leases: JobLeases,
        taken: TakenJob,
        kinds: Mapping[str, Work],
        pace: Pace,
        watching: Watching,
    ) -> None:
        self._watching = watching
        self._watched: WatchedAttempt | None = None
        self._came_of: str | None = None
        """What became of the work, once it has begun."""
        self._jobs = jobs
        self._leases = leases
        self._taken = taken
        self._kinds = kinds
        self._pace = pace
        self._clock = asyncio.get_running_loop().time
        self._taken_at = self._clock()
        self._next_progress = self._clock() + pace.progress
        self._held: Job | None = None
        self._begun: Job | None = None
        self._unsure: tuple[JobCommand, UUID] | None = None
        """A step of which nobody knows whether it was written."""
        # What is known of the version must be true while it is compared.
        self._telling = asyncio.Lock()

    @property
    def job(self) -> Job:
        """How it stood when this attempt began."""
        assert self._begun is not None  # noqa: S101 - work begins after it
        return self._begun

    async def progress(self, percent: int) -> None:
        """Tell how much is done, if that is news."""
        assert self._held is not None  # noqa: S101 - as above
        news = percent - self._held.percent >= self._pace.progress_percent
        if not news or self._clock() < self._next_progress:
            return
        self._next_progress = self._clock() + self._pace.progress
        try:
            await self._step(Progress(percent))
        except StoreUnavailableError:
            _log.debug("progress is not told", job=str(self._taken.job_id))

    async def run(self, stop: asyncio.Event) -> None:
        """Do the job, and say what came of it. Never raises but when it is cancelled."""
        self._watched = await self._watching.attempt(self._taken.job_id)
        try:
            await self._run(stop)
        finally:
            self._watched.ended(self._held, self._came_of)

    async def _run(self, stop: asyncio.Event) -> None:
        try:
            if await self._begin():
                await self._do(stop)
        except JobLostError:
            self._came_of = "lost"
            _log.warning("a job was lost", job=str(self._taken.job_id))
        except StoreUnavailableError as error:
            _log.warning("a job was left", job=str(self._taken.job_id), error=str(error))
            return
        except Exception:  # noqa: BLE001 - one job must not end the worker
            _log.exception("a job was left", job=str(self._taken.job_id))
        with contextlib.suppress(StoreUnavailableError):  # then it runs out by itself
            await self._leases.give_up(self._taken)

    async def _begin(self) -> bool:
        """Begin an attempt, unless there is none to begin."""
        for _ in range(_BEGIN_ATTEMPTS):
            # Whoever had it before may still tell of progress.
            loaded = await self._jobs.ledger.loader.load(self._jobs.aggregate, self._taken.job_id)
            if loaded.state is None:
                return False
            self._held = loaded.state
            try:
                self._begun = await self._step(Start())
            except JobLostError:
                if await self._leases.beat(self._taken) is None:
                    return False
                continue
            if self._begun.status is not JobStatus.RUNNING:
                _log.error("a job was given up", **self._known, reason=self._begun.reason)
                return False
            return True
        return False

    async def _do(self, stop: asyncio.Event) -> None:
        working = asyncio.create_task(self._work())
        losing = asyncio.create_task(self._beat_until_lost())
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({working, losing, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not working.done() and not losing.done():
                await asyncio.wait(
                    {working, losing},
                    timeout=self._pace.grace,
                    return_when=asyncio.FIRST_COMPLETED,
                )
            # When it is done by now, that counts.
            working.cancel()
            [outcome] = await asyncio.gather(working, return_exceptions=True)
            await self._settle(outcome, stop)
        finally:
            for task in (working, losing, stopping):
                task.cancel()
            await asyncio.gather(working, losing, stopping, return_exceptions=True)

    async def _work(self) -> WorkDone | WorkFailed:
        return await self._kinds[self.job.kind](self)

    async def _settle(
        self, outcome: WorkDone | WorkFailed | BaseException, stop: asyncio.Event
    ) -> None:
        self._came_of = _named(outcome)
        match outcome:
            case WorkDone(result, discard):
                try:
                    await self._tell(Complete(result), stop)
                except JobLostError:
                    if discard is not None:
                        await discard()
                    raise
                _log.info("a job is done", **self._known)
            case WorkFailed(reason, again):
                _log.warning("a job was not done", **self._known, reason=reason, again=again)
                await self._tell(FailAttempt(reason, again), stop)
            case JobLostError():
                raise outcome
            case asyncio.CancelledError():
                await self._tell(GiveBack(), stop)
                _log.info("a job was given back", **self._known)
            case StoreUnavailableError():
                _log.warning("a job was not done", **self._known, error=str(outcome))
                await self._tell(FailAttempt(STORE_UNAVAILABLE, again=True), stop)
            case BaseException():
                _log.error("a job failed", **self._known, exc_info=outcome)
                await self._tell(FailAttempt(INTERNAL_ERROR, again=True), stop)
            case _:
                assert_never(outcome)

    async def _tell(self, command: JobCommand, stop: asyncio.Event) -> None:
        """Say how it ended, as soon as the database can be reached."""
        while True:
            try:
                await self._step(command)
            except StoreUnavailableError:
                if stop.is_set():
                    raise
                await asyncio.sleep(self._pace.look)
            else:
                return

    async def _step(self, command: JobCommand) -> Job:
        async with self._telling:
            if self._unsure is not None:
                unsure = self._unsure
                after = await self._write(*unsure)
                if unsure[0] == command:
                    return after
            return await self._write(command, self._jobs.ledger.new_id())

    async def _write(self, command: JobCommand, event_id: UUID) -> Job:
        assert self._held is not None  # noqa: S101 - it was loaded
        self._unsure = command, event_id
        trace = None if self._watched is None else self._watched.trace_parent
        caller = Caller(None, self._now(), f"{type(command).__name__}Job", trace=trace)
        after = await take_step(self._jobs, caller, self._held, command, event_id)
        self._unsure = None
        if isinstance(after, Lost):
            raise JobLostError
        self._held = after
        return after

    async def _beat_until_lost(self) -> None:
        """Return when the job is not this worker's any more."""
        while True:
            await asyncio.sleep(self._pace.beat)
            try:
                async with self._telling:
                    version = await self._leases.beat(self._taken)
                    assert self._held is not None  # noqa: S101 - it was loaded
                    if version is None:
                        return
                    if version > self._held.version and self._unsure is None:
                        return  # cancelled, for example
            except StoreUnavailableError:
                pass  # whoever takes it next fences this one off

    def _now(self) -> datetime:
        """Give the database's time, as the clock of this host may be wrong."""
        return self._taken.at + timedelta(seconds=self._clock() - self._taken_at)

    @property
    def _known(self) -> dict[str, object]:
        held = self._held
        kind = None if held is None else held.kind
        attempt = None if held is None else held.attempts
        return {"job": str(self._taken.job_id), "kind": kind, "attempt": attempt}


def _named(outcome: WorkDone | WorkFailed | BaseException) -> str:
    """Name what became of the work, for those who count."""
    match outcome:
        case WorkDone():
            return "done"
        case JobLostError():
            return "lost"
        case asyncio.CancelledError():
            return "given_back"
        case _:
            return "failed"
