"""Exports: asking for one, how it goes, calling it off; `export_download.py` sends what it made."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, delete, get, post

from api.answer import Answer
from api.exchange import Exchange
from api.idempotency import Remember, once
from api.likely import as_likely
from api.pages import page_answer, parse_page
from api.requests import id_in_path, no_query, not_acceptable, read_nothing, required_actor
from api.responses import UNSEEN_BY_CACHES, respond
from api.waiting import patience, wait_until
from commands.exports import KIND, end_export, request_export
from commands.jobs import JOB_NOT_FOUND
from commands.outcomes import (
    Accepted,
    BodyTooLarge,
    Found,
    Gone,
    JobFailed,
    Malformed,
    Outcome,
    Replayed,
    Representation,
    ResultReady,
    Unauthenticated,
)
from commands.ports import FirstAnswer
from domain.job import JobStatus
from domain.stream import Actor
from projections.jobs import SCHEMA_VERSION, JobRow

Incoming = Request[Any, Any, Any]

LINK_LIFETIME = timedelta(hours=1)
"""How long a download can begin, or go on after an interruption, before it is asked for again."""
ASK_AGAIN_SECONDS = 2
"""How soon it is worth asking again."""

_encode = msgspec.json.Encoder().encode


class ExportAsked(msgspec.Struct, frozen=True, rename="camel"):
    """An export that waits for a worker to take it."""

    job_id: UUID
    status: str
    status_url: str


class ExportBody(msgspec.Struct, frozen=True, rename="camel"):
    """An export as it stands. Sizes are bytes."""

    job_id: UUID
    status: JobStatus
    status_url: str
    progress: int
    """In percent."""
    attempts: int
    requested_at: datetime
    retry_at: datetime | None
    """When it is tried again, after an attempt that failed."""
    reason: str | None
    """Why the last attempt failed, as a code."""
    size: int | None
    sha256: str | None
    """Of the ZIP, in hexadecimal."""
    position: int | None
    """Of the log, up to which everything is in it."""
    expires_at: datetime | None


class ExportPage(msgspec.Struct, frozen=True, rename="camel"):
    """One's exports, the newest first."""

    items: list[ExportBody]
    next_cursor: str | None


@post("/exports", status_code=200)
async def ask_for_export(request: Incoming) -> Answer:
    """Have everything of one's own made into a ZIP, by a worker.

    One at a time: while one is under way, asking again leads to the same. With `Prefer: wait=N`
    the answer waits that long for the ZIP itself.
    """
    exchange = Exchange.of(request.scope)
    new_id = exchange.services.new_id()

    async def attempt(actor: Actor | Unauthenticated | None) -> Outcome:
        return await _ask(exchange, actor, new_id)

    def is_new(outcome: Outcome) -> bool:
        return isinstance(outcome, Accepted) and outcome.status_location == location(new_id)

    return respond(await as_likely(exchange, attempt, is_new), exchange)


@get("/exports")
async def list_exports(request: Incoming) -> Answer:
    """List one's exports, the newest first."""
    exchange = Exchange.of(request.scope)
    return respond(await _list(exchange), exchange)


@get("/exports/{export_id:str}")
async def read_export(request: Incoming) -> Answer:
    """Tell how an export stands, or lead to the ZIP where it is ready.

    With `Prefer: wait=N` the answer waits that long for the end.
    """
    exchange = Exchange.of(request.scope)
    return respond(await _read(exchange), exchange)


@delete("/exports/{export_id:str}", status_code=200)
async def remove_export(request: Incoming) -> Answer:
    """Call an export off, or remove what it made."""
    exchange = Exchange.of(request.scope)
    return respond(await _remove(exchange), exchange)


HANDLERS = (ask_for_export, list_exports, read_export, remove_export)


async def _ask(exchange: Exchange, actor: Actor | Unauthenticated | None, new_id: UUID) -> Outcome:
    if actor is None or isinstance(actor, Unauthenticated):
        return actor or Unauthenticated("Exporting needs an access token.")
    refused = no_query(exchange) or not_acceptable(exchange) or await read_nothing(exchange)
    if refused is not None:
        return refused
    body = await exchange.body()
    if isinstance(body, BodyTooLarge):
        return body
    services = exchange.services
    asked = patience(exchange.headers)

    async def do(remember: Remember | None) -> Outcome:
        first_answer = None if remember is None else _remembering(remember, exchange.now())
        caller = exchange.caller(actor, "RequestExport")
        job_id = await request_export(
            services.exports, caller, new_id, actor.account_id, first_answer
        )
        if not isinstance(job_id, UUID):
            return job_id
        return Accepted(location(job_id), _asked(job_id), asked.applied)

    outcome = await once(exchange, actor.account_id, body, 202, do)
    if asked.seconds and isinstance(outcome, Accepted | Replayed):
        return await _when_ready(exchange, outcome, asked.seconds)
    return outcome


async def _when_ready(exchange: Exchange, accepted: Accepted | Replayed, seconds: int) -> Outcome:
    """Give the result itself where it is there in time."""
    where = accepted.status_location if isinstance(accepted, Accepted) else accepted.location
    job_id = UUID((where or "").rpartition("/")[2])
    await wait_until(lambda: _over(exchange, job_id), seconds)
    job = await exchange.services.job_queries.by_id(job_id)
    if job is not None and job.status is JobStatus.COMPLETED:
        return show(exchange, job)
    return accepted


def _remembering(remember: Remember, at: datetime) -> Callable[[UUID], FirstAnswer]:
    return lambda job_id: remember(Representation(location(job_id), _asked(job_id), "", at))


async def _list(exchange: Exchange) -> Outcome:
    actor = await required_actor(exchange, "Seeing one's exports")
    if isinstance(actor, Unauthenticated):
        return actor
    asked = parse_page(exchange, "/exports")
    if isinstance(asked, Malformed):
        return asked
    refused = not_acceptable(exchange)
    if refused is not None:
        return refused
    jobs = await exchange.services.job_queries.of_owner(
        actor.account_id, KIND, asked.limit + 1, asked.before
    )
    page, following = asked.split(jobs, lambda job: (job.requested_at, job.id))
    now = exchange.now()
    items = b",".join(_encode(body_of(job, now)) for job in page)
    return page_answer(exchange, asked, items, following, schema=SCHEMA_VERSION)


async def _read(exchange: Exchange) -> Outcome:
    found = await own_export(exchange, "Seeing an export")
    if not isinstance(found, JobRow):
        return found
    refused = no_query(exchange) or not_acceptable(exchange)
    if refused is not None:
        return refused
    asked = patience(exchange.headers)
    export_id = found.id
    if found.open and asked.seconds:
        await wait_until(lambda: _over(exchange, export_id), asked.seconds)
        found = await exchange.services.job_queries.by_id(export_id) or found
    return show(exchange, found)


async def _remove(exchange: Exchange) -> Outcome:
    found = await own_export(exchange, "Removing an export")
    if not isinstance(found, JobRow):
        return found
    refused = no_query(exchange) or not_acceptable(exchange) or await read_nothing(exchange)
    if refused is not None or found.owner_id is None:
        return refused or JOB_NOT_FOUND
    assert exchange.signed_in is not None  # noqa: S101 - somebody asks
    caller = exchange.owner(exchange.signed_in.actor(enforced=False), "EndExport")
    return await end_export(exchange.services.exports, caller, found.id, found.owner_id)


async def own_export(exchange: Exchange, deed: str) -> JobRow | Outcome:
    """Find the export of the path; another's is as one that does not exist."""
    actor = await required_actor(exchange, deed)
    if isinstance(actor, Unauthenticated):
        return actor
    export_id = id_in_path(exchange, "export_id")
    if not isinstance(export_id, UUID):
        return export_id
    found = await exchange.services.job_queries.by_id(export_id)
    if found is None or found.kind != KIND or found.owner_id != actor.account_id:
        return JOB_NOT_FOUND
    return found


def show(exchange: Exchange, job: JobRow) -> Outcome:
    """Answer with how an export stands."""
    now = exchange.now()
    match status_of(job, now):
        case JobStatus.QUEUED | JobStatus.RUNNING:
            body = _encode(body_of(job, now))
            return Found(body, None, None, *UNSEEN_BY_CACHES, retry_after=ASK_AGAIN_SECONDS)
        case JobStatus.COMPLETED:
            assert job.expires_at is not None  # noqa: S101 - every export has a time
            until = min(job.expires_at, now + LINK_LIFETIME)
            return ResultReady(exchange.services.download_links.link(location(job.id), until))
        case JobStatus.FAILED:
            return JobFailed(job.attempts, job.reason or "unknown")
        case JobStatus.CANCELLED:
            return Gone("job_cancelled")
        case JobStatus.EXPIRED:
            return Gone("job_expired")


def status_of(job: JobRow, now: datetime) -> JobStatus:
    """Tell how an export stands: its time may be over before anybody has said so."""
    over = job.expires_at is not None and job.expires_at <= now
    return JobStatus.EXPIRED if over and job.status is JobStatus.COMPLETED else job.status


def body_of(job: JobRow, now: datetime) -> ExportBody:
    """Show an export."""
    status = status_of(job, now)
    made = (job.result or {}) if status is JobStatus.COMPLETED else {}
    return ExportBody(
        job_id=job.id,
        status=status,
        status_url=location(job.id),
        progress=job.percent,
        attempts=job.attempts,
        requested_at=job.requested_at,
        retry_at=job.run_after,
        reason=job.reason,
        size=msgspec.convert(made.get("size"), int | None),
        sha256=msgspec.convert(made.get("sha256"), str | None),
        position=msgspec.convert(made.get("position"), int | None),
        expires_at=job.expires_at,
    )


def location(job_id: UUID) -> str:
    """Give the path of an export."""
    return f"/exports/{job_id}"


def _asked(job_id: UUID) -> bytes:
    return _encode(ExportAsked(job_id, JobStatus.QUEUED.value, location(job_id)))


async def _over(exchange: Exchange, job_id: UUID) -> bool:
    job = await exchange.services.job_queries.by_id(job_id)
    return job is None or not job.open
