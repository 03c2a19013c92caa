"""`ledgerpress events verify`: the log and its tables compared, the claims rebuilt."""

import sys
from functools import partial

import rich_click as click
from rich.text import Text

from infra.bootstrap import Product
from infra.cli.common import MISMATCH, Failure, opened, read_settings, run
from infra.cli.output import as_json, print_json, print_table
from infra.cli.progress import Progress, progress
from infra.store.codec import Codec
from infra.store.rebuild_claims import rebuild_claims
from infra.store.replay import Fault
from infra.store.verify import Report
from infra.store.verify import verify as verify_all

_CLAIMS = "claims"


@click.command()
@click.option(
    "--rebuild-claims",
    is_flag=True,
    help="First make the table of claims again from the events. Writes are answered 503 meanwhile.",
)
@click.option("--confirm", metavar="NAME", help="The table to rebuild, instead of being asked.")
@as_json
@click.pass_context
def verify(
    context: click.Context, *, rebuild_claims: bool, confirm: str | None, json_wanted: bool
) -> None:
    """Read the whole log, and compare with it every table that is made from it.

    Writes may go on: all is seen as it was at one moment. Exits with 3 when something does not
    hold, and names the first few positions, streams and rows.
    """
    if rebuild_claims:
        _confirmed(confirm)
    elif confirm is not None:
        raise click.UsageError("--confirm goes with --rebuild-claims")
    settings = read_settings()

    async def work() -> Report:
        async with opened(settings) as product:
            if rebuild_claims:
                await _rebuild(product)
            with progress("checking", "events") as told:
                return await verify_all(product.database, Codec(), partial(_tell, told))

    report = run(work())
    if json_wanted:
        print_json(report)
    else:
        _print(report)
    if not report.sound:
        context.exit(MISMATCH)


def _tell(told: Progress, stage: str, done: int, total: int) -> None:
    told.stage(f"checking {stage}")
    told(done, total, count=done)


def _confirmed(name: str | None) -> None:
    """Go on only when the table's name was typed."""
    if name is None:
        if not sys.stdin.isatty():
            raise click.UsageError(f"this replaces the table: give --confirm {_CLAIMS}")
        name = click.prompt(f"Type {_CLAIMS} to replace the table of this name", err=True)
    if name != _CLAIMS:
        raise click.UsageError(f"{name!r} is not {_CLAIMS!r}: nothing was changed")


async def _rebuild(product: Product) -> None:
    rebuilt = await rebuild_claims(product.database, Codec())
    if isinstance(rebuilt, Fault):
        raise Failure(
            f"the claims stay as they were, as the log must be sound first: "
            f"{_where(rebuilt) or rebuilt.check}: {rebuilt.says}",
            MISMATCH,
        )
    click.echo(f"claims rebuilt: {rebuilt.before:,} before, {rebuilt.after:,} now", err=True)


def _print(report: Report) -> None:
    print_table(
        ("", "check", "checked", "faults", "what must hold"),
        [
            (
                Text("wrong", style="red") if check.faults else Text("ok", style="green"),
                check.name,
                f"{check.checked:,}",
                f"{check.faults:,}",
                check.holds,
            )
            for check in report.checks
        ],
    )
    samples = [fault for check in report.checks for fault in check.samples]
    if samples:
        click.echo()
        print_table(
            ("check", "where", "what is wrong"),
            [(fault.check, _where(fault), fault.says) for fault in samples],
        )
    click.echo()
    if report.uncompared:
        click.echo(f"{report.uncompared:,} streams cannot be folded: their rows were not compared")
    click.echo(
        f"{'sound' if report.sound else 'not sound'}: {report.events:,} events in "
        f"{report.streams:,} streams, up to position {report.head}"
    )


def _where(fault: Fault) -> str:
    position = None if fault.position is None else f"position {fault.position}"
    return ", ".join(part for part in (position, fault.row, fault.stream) if part)
