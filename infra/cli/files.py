"""`ledgerpress files`: the place where files are kept, held against the database."""

import rich_click as click
from rich.text import Text

from commands.file_store import StorageUnavailableError
from infra.cli.common import DEPENDENCY_DOWN, MISMATCH, Failure, opened, read_settings, run
from infra.cli.output import as_json, print_json, print_table
from infra.cli.progress import Progress, progress
from infra.files.check import FileCheck, Report, Wrong
from infra.files.open import open_files

_SHOWN = 20


@click.group()
def files() -> None:
    """Look after the files that were uploaded."""


@files.command()
@click.option("--remove", is_flag=True, help="Remove what no file names.")
@click.option("--deep", is_flag=True, help="Read every file, and compare its bytes with its name.")
@as_json
@click.pass_context
def check(context: click.Context, *, remove: bool, deep: bool, json_wanted: bool) -> None:
    """Compare what is stored with what the files in the database consist of.

    Uploads and deletions may go on. Exits with 3 when something is missing or damaged; what
    nobody names takes room, and harms nobody.
    """
    settings = read_settings()

    async def work() -> Report:
        async with opened(settings) as product:
            stored = open_files(product.database, settings)
            with progress("listing", "files") as told:

                def tell(stage: str, done: int, total: int | None) -> None:
                    _tell(told, stage, done, total)

                checking = FileCheck(product.database, stored.store, stored.removal, tell)
                try:
                    return await checking.run(deep=deep, remove=remove)
                except StorageUnavailableError as error:
                    reason = f"the place of the files does not answer: {error}"
                    raise Failure(reason, DEPENDENCY_DOWN) from error

    report = run(work())
    if json_wanted:
        print_json(report)
    else:
        _print(report, remove=remove)
    if not report.sound:
        context.exit(MISMATCH)


def _tell(told: Progress, stage: str, done: int, total: int | None) -> None:
    told.stage(stage)
    told(done, total, count=done)


def _print(report: Report, *, remove: bool) -> None:
    wrong = Text("wrong", style="red")
    fine = Text("ok", style="green")
    rows: list[tuple[str | Text, str, str, str]] = [
        (
            wrong if report.missing else fine,
            "missing",
            f"{len(report.missing):,}",
            "named by a file, and not stored",
        )
    ]
    if report.damaged is not None:
        rows.append(
            (
                wrong if report.damaged else fine,
                "damaged",
                f"{len(report.damaged):,}",
                "stored with other bytes than the name says",
            )
        )
    removed = f"; {report.removed:,} removed" if remove else ""
    rows += [
        ("", "orphans", f"{len(report.orphans):,}", f"stored, and named by nobody{removed}"),
        ("", "left behind", f"{report.left_behind:,}", "parts of uploads that are no more"),
    ]
    print_table(("", "what", "how many", "what it means"), rows)
    of_kind = {"missing": report.missing, "damaged": report.damaged or ()}
    named = [(kind, each) for kind, found in of_kind.items() for each in found][:_SHOWN]
    if named:
        click.echo()
        print_table(
            ("what", "SHA-256", "files"), [(kind, each.digest, _ids(each)) for kind, each in named]
        )
    click.echo()
    click.echo(
        f"{'sound' if report.sound else 'not sound'}: {report.stored:,} stored, "
        f"{report.named:,} named by files"
    )
    if report.orphans and not remove:
        click.echo("`ledgerpress files check --remove` removes what nobody names")


def _ids(wrong: Wrong) -> str:
    return ", ".join(map(str, wrong.file_ids))
