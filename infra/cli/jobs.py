"""`ledgerpress jobs` and `exports`: what is to be done, was done and failed, for operators."""

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import rich_click as click

from commands.exports import KIND as EXPORT
from commands.jobs import JOB_NOT_FOUND, change_job
from commands.outcomes import NotFound
from domain.job import Job, JobStatus
from domain.job_decisions import Cancel, JobCommand, Retry
from infra.cli.callers import operator, why
from infra.cli.common import MISMATCH, Failure, opened, read_settings, run
from infra.cli.output import as_json, at_most, print_json, print_table
from infra.exports.verifying import verify_export
from infra.jobs.waiting import Waiting, waiting_work
from projections.jobs import JobRow
from workers.mailer import LEASE

_SHOWN_MISMATCHES = 20

_job = click.argument("job_id", type=click.UUID, metavar="ID")
_status = click.option("--status", type=click.Choice([each.value for each in JobStatus]))


@click.group()
def jobs() -> None:
    """Look after what workers do: exports, and the other kinds of jobs."""


@click.group()
def exports() -> None:
    """Look after the exports of persons' data, and check one that was downloaded."""


@jobs.command("list")
@click.option("--kind", help="Only jobs of this kind.")
@_status
@at_most
@as_json
def list_jobs(*, kind: str | None, status: str | None, limit: int, json_wanted: bool) -> None:
    """Show the newest jobs, and how each stands."""
    _list(kind, status, limit, json_wanted=json_wanted)


@exports.command("list")
@_status
@at_most
@as_json
def list_exports(*, status: str | None, limit: int, json_wanted: bool) -> None:
    """Show the newest exports, and how each stands."""
    _list(EXPORT, status, limit, json_wanted=json_wanted)


@jobs.command("waiting")
@as_json
def show_waiting(*, json_wanted: bool) -> None:
    """Count what is to be done: jobs by their kind, mails, and scheduled posts.

    Where more than a few are due and stay so, no worker runs.
    """
    settings = read_settings()

    async def work() -> list[Waiting]:
        async with opened(settings) as product:
            return [*await waiting_work(product.database)]

    found = run(work())
    if json_wanted:
        for each in found:
            print_json(each)
        return
    print_table(
        ("what", "waiting", "due", "tried", "oldest"),
        [
            (
                each.kind,
                f"{each.waiting:,}",
                f"{each.due:,}",
                f"{each.tried:,}",
                each.oldest.isoformat(sep=" ", timespec="seconds"),
            )
            for each in found
        ],
    )


@jobs.command("send-mails")
def send_mails() -> None:
    """Try again at once the mails that were put off: the mail server is back."""
    settings = read_settings()

    async def work() -> int:
        async with opened(settings) as product:
            return await product.mails.hurry(LEASE)

    click.echo(f"mails that are tried at once: {run(work()):,}")


@jobs.command("retry")
@_job
def retry_job(job_id: UUID) -> None:
    """Have a job done that failed or was cancelled."""
    _change(job_id, Retry(), "RetryJob", lambda _: True)
    click.echo(f"{job_id} is queued again")


@exports.command("retry")
@_job
def retry_export(job_id: UUID) -> None:
    """Have an export made that failed or was cancelled."""
    _change(job_id, Retry(), "RetryJob", lambda job: job.kind == EXPORT)
    click.echo(f"{job_id} is queued again")


@jobs.command("cancel")
@_job
def cancel_job(job_id: UUID) -> None:
    """Have a job not done. Who does it stops at once."""
    _change(job_id, Cancel(), "CancelJob", lambda _: True)
    click.echo(f"{job_id} is cancelled")


@exports.command("verify")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@as_json
@click.pass_context
def verify(context: click.Context, file: Path, *, json_wanted: bool) -> None:
    """Check a downloaded export against the manifest in it. Nothing is unpacked.

    Exits with 3 when something is not as the manifest says.
    """
    found = verify_export(file)
    if json_wanted:
        print_json(found)
    elif found.mismatches:
        shown = found.mismatches[:_SHOWN_MISMATCHES]
        print_table(("file", "what is wrong"), [(each.path, each.says) for each in shown])
        click.echo(f"\nmismatches: {len(found.mismatches):,}")
    else:
        click.echo(
            f"{found.files:,} files with {found.size:,} bytes are as the manifest says, "
            f"at position {found.position}"
        )
    if found.mismatches:
        context.exit(MISMATCH)


def _list(kind: str | None, status: str | None, limit: int, *, json_wanted: bool) -> None:
    settings = read_settings()

    async def work() -> list[JobRow]:
        async with opened(settings) as product:
            wanted = None if status is None else JobStatus(status)
            return [*await product.job_queries.newest(limit, kind=kind, status=wanted)]

    found = run(work())
    if json_wanted:
        for each in found:
            print_json(each)
        return
    print_table(
        ("job", "kind", "status", "%", "attempts", "reason", "requested"),
        [
            (
                str(each.id),
                each.kind,
                each.status.value,
                str(each.percent),
                str(each.attempts),
                each.reason or "",
                each.requested_at.isoformat(sep=" ", timespec="seconds"),
            )
            for each in found
        ],
    )


def _change(job_id: UUID, command: JobCommand, name: str, wanted: Callable[[Job], bool]) -> None:
    settings = read_settings()

    async def work() -> None:
        async with opened(settings) as product:
            changed = await change_job(
                product.jobs,
                operator(name),
                job_id,
                command,
                lambda job: None if wanted(job) else JOB_NOT_FOUND,
            )
            if isinstance(changed, NotFound):
                raise Failure(f"there is no such job: {job_id}")
            if not isinstance(changed, Job):
                raise Failure(f"{job_id}: {why(changed)}")

    run(work())
