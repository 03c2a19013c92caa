"""Exports: everything of a person's as one ZIP, made by a job.

The commands, and as protocols what making one needs of the outside; `infra/exports/` implements
them. What is in the ZIP is put together in `workers/export_contents.py`.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec

from commands.file_store import Blob
from commands.handle import Caller
from commands.jobs import JOB_NOT_FOUND, UNDER_WAY, Jobs, Requested, change_job, request_job
from commands.outcomes import Contended, Done, KeyInFlight, Outcome, Representation
from commands.ports import (
    ANY_VERSION,
    Append,
    FirstAnswer,
    KeyUsed,
    LogEntry,
    StoreUnavailableError,
)
from domain.job import Job, JobStatus, Result, stream
from domain.job_decisions import Cancel, Expire, Request
from domain.refusal import RejectedByState

KIND = "export"

_FORGOTTEN_AT_ONCE = 100
_ASKED_AT_MOST = 5


class Member(msgspec.Struct, frozen=True):
    """A file of an export that is to be written."""

    path: str
    """Relative, with slashes."""
    at: datetime
    pieces: bytes | Blob | AsyncIterator[bytes]
    """All of it where that is little. A blob is closed by whoever writes it, also where it is never
    written; an iterator is used up before the next member is asked for."""


class Listed(msgspec.Struct, frozen=True):
    """A file of an export as its manifest names it."""

    path: str
    size: int
    """In bytes."""
    sha256: str


class Written(msgspec.Struct, frozen=True):
    """A whole export, in its place."""

    size: int
    sha256: str


class ExportStore(Protocol):
    """Keeps exports, each under a name of its own. Raises the errors of `commands.file_store`."""

    async def write(
        self, name: str, members: Callable[[Sequence[Listed]], AsyncIterator[Member]]
    ) -> Written:
        """Make a ZIP of the members, and put it in its place when all of it is there.

        `members` is given the list of those that were written so far, which grows. Whatever goes
        wrong, and when it is cancelled, nothing stays behind.
        """
        ...

    async def open(self, name: str) -> Blob:
        """Open an export. Raises `BlobMissingError`."""
        ...

    async def remove(self, name: str) -> None:
        """Remove an export, or the part of it that there is; it need not be there."""
        ...

    async def names(self) -> Sequence[str]:
        """Name the exports that are there, and those of which there is a part."""
        ...


class Extent(msgspec.Struct, frozen=True):
    """Which streams of a category are a person's, and how much is in them."""

    ids: Sequence[UUID]
    events: int
    size: int
    """In bytes, of the events' data, perhaps compressed."""


class PersonalHistory(Protocol):
    """What the log holds of a person up to a position."""

    async def extent(self, owner_id: UUID, category: str, until: int) -> Extent:
        """Find a person's streams of a category, in the order of their ids."""
        ...

    def pages(
        self, category: str, ids: Sequence[UUID], until: int
    ) -> AsyncIterator[Sequence[LogEntry]]:
        """Go through streams one after the other, each from its beginning, in bounded memory."""
        ...


class Exports(msgspec.Struct, frozen=True):
    """What the commands on exports work with."""

    jobs: Jobs
    queries: "ExportQueries"
    store: ExportStore
    kept_seconds: int
    """How long an export can be downloaded."""


class ExportRow(Protocol):
    """An export as the jobs' read model shows it."""

    @property
    def id(self) -> UUID:
        """Its job's."""
        ...

    @property
    def status(self) -> JobStatus:
        """How it stands."""
        ...

    @property
    def result(self) -> Result | None:
        """What came of it."""
        ...


class ExportQueries(Protocol):
    """Finds jobs."""

    async def open_of_owner(self, owner_id: UUID, kind: str) -> ExportRow | None:
        """Find somebody's job of a kind that is under way."""
        ...

    async def to_forget(self, owner_id: UUID, kind: str, limit: int) -> Sequence[ExportRow]:
        """List somebody's jobs of a kind of which something may be there, or may yet come."""
        ...


def file_name(job_id: UUID, token: int) -> str:
    """Name what an attempt makes: no two attempts write to the same place."""
    return f"{job_id}.{token}.zip"


def attempt_of(name: str) -> tuple[UUID, int] | None:
    """Tell which attempt's file has this name."""
    job_id, _, rest = name.partition(".")
    token, _, end = rest.partition(".")
    try:
        found = UUID(job_id), int(token)
    except ValueError:
        return None
    return found if end == "zip" and file_name(*found) == name else None


async def request_export(
    exports: Exports,
    caller: Caller,
    job_id: UUID,
    owner_id: UUID,
    first_answer: Callable[[UUID], FirstAnswer] | None = None,
) -> UUID | Outcome:
    """Have somebody's data exported, and give the job's id; of the one that is under way already.

    `first_answer` makes what is stored under the request's idempotency key, of the job's id.
    """
    wanted = Request(KIND, owner_id, kept_seconds=exports.kept_seconds)

    def remembered(_: Representation) -> FirstAnswer:
        assert first_answer is not None  # noqa: S101 - it is asked only where there is one
        return first_answer(job_id)

    for _ in range(_ASKED_AT_MOST):
        asked = await request_job(
            exports.jobs, caller, job_id, wanted, remembered if first_answer else None
        )
        if isinstance(asked, Requested):
            return asked.job.id
        if not isinstance(asked, RejectedByState) or asked.error != UNDER_WAY:
            return asked
        under_way = await exports.queries.open_of_owner(owner_id, KIND)
        if under_way is not None:
            return await _join(exports, caller, under_way.id, first_answer)
    return Contended()


async def _join(
    exports: Exports,
    caller: Caller,
    job_id: UUID,
    first_answer: Callable[[UUID], FirstAnswer] | None,
) -> UUID | Outcome:
    """Give the job that is under way, and remember this answer though nothing happened."""
    if first_answer is None:
        return job_id
    appended = await exports.jobs.ledger.store.append(
        Append(
            stream(job_id),
            ANY_VERSION,
            events=(),
            metadata=caller.metadata(),
            at=caller.at,
            first_answer=first_answer(job_id),
        )
    )
    return KeyInFlight() if isinstance(appended, KeyUsed) else job_id


async def end_export(exports: Exports, caller: Caller, job_id: UUID, owner_id: UUID) -> Outcome:
    """Call an export off, or remove what it made."""
    found = await change_job(exports.jobs, caller, job_id, Cancel(), _only(owner_id))
    if isinstance(found, RejectedByState):
        found = await change_job(exports.jobs, caller, job_id, Expire(), _only(owner_id))
    if isinstance(found, Job):
        await remove_file(exports.store, found.result)
        return Done()
    return Done() if isinstance(found, RejectedByState) else found


async def expire_export(exports: Exports, caller: Caller, job_id: UUID) -> None:
    """Remove what an export made, as its time is over."""
    found = await change_job(exports.jobs, caller, job_id, Expire())
    if isinstance(found, Job):
        await remove_file(exports.store, found.result)


async def forget_exports(exports: Exports, caller: Caller, owner_id: UUID) -> None:
    """End all of somebody's exports, who is erased: whatever else has become of them meanwhile."""
    caller = msgspec.structs.replace(caller, seen=(), command="ForgetExports")
    while found := await exports.queries.to_forget(owner_id, KIND, _FORGOTTEN_AT_ONCE):
        for each in found:
            if not isinstance(await end_export(exports, caller, each.id, owner_id), Done):
                raise StoreUnavailableError("an export changes all the time")


async def remove_file(store: ExportStore, result: Result | None) -> None:
    """Remove what a job made, if it made something."""
    name = None if result is None else result.get("file")
    if isinstance(name, str):
        await store.remove(name)


def _only(owner_id: UUID) -> Callable[[Job], Outcome | None]:
    def permit(job: Job) -> Outcome | None:
        return None if job.owner_id == owner_id and job.kind == KIND else JOB_NOT_FOUND

    return permit
