"""`ledgerpress redirects`: taking redirects over from elsewhere."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import rich_click as click

from api.app import route_table
from api.elsewhere import taken_by
from commands.outcomes import Created
from commands.redirects import NewRedirect, Redirects, RouteAt, create_redirect
from domain.refusal import RejectedByState
from domain.web_path import normal_path
from infra.cli.callers import operator, why
from infra.cli.common import FAILED, Failure, opened, read_settings, run
from infra.cli.import_results import LineResult, Result, summary
from infra.cli.output import as_json, print_json, print_table
from infra.cli.redirect_lines import Told, read_csv, read_netlify
from infra.redirects import redirect_commands

_MOST_BYTES = 16 * 1024 * 1024


@click.group()
def redirects() -> None:
    """Take managed redirects over from elsewhere."""


@redirects.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@as_json
@click.pass_context
def import_redirects(context: click.Context, file: Path, *, json_wanted: bool) -> None:
    """Make a redirect of each line of FILE.

    A name that ends in .csv stands for CSV with the columns path, target and perhaps status,
    activeFrom, activeUntil; any other for Netlify's _redirects (from, to, status; no splats,
    placeholders, conditions, or !). The status is 301 where there is none. A line that is refused
    is told and left out. It can be run again at any time. Exits with 1 when a line was refused.
    """
    told = _read(file)
    settings = read_settings()
    done: list[LineResult] = []

    async def work() -> None:
        async with opened(settings) as product:
            rules = redirect_commands(product.ledger, product.database, settings)
            route_at = taken_by(route_table().template_at)
            # One after the other: whether a line is refused may depend on those before it.
            for line in told:
                done.append(await _take(rules, route_at, line))  # noqa: PERF401 - kept on Ctrl-C

    try:
        run(work())
    finally:
        _show(done, json_wanted=json_wanted)
    if any(line.result is Result.REFUSED for line in done):
        context.exit(FAILED)


def _read(file: Path) -> Iterator[Told]:
    if file.stat().st_size > _MOST_BYTES:
        raise Failure(f"{file} has more than {_MOST_BYTES} bytes")
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"{file} cannot be read: {error}") from error
    return read_csv(text) if file.suffix == ".csv" else read_netlify(text)


async def _take(rules: Redirects, route_at: RouteAt, told: Told) -> LineResult:
    if isinstance(told.asked, str):
        return LineResult(told.line, Result.REFUSED, told.asked)
    outcome = await create_redirect(rules, route_at, operator("ImportRedirect"), told.asked)
    if isinstance(outcome, Created):
        return LineResult(told.line, Result.TAKEN)
    if isinstance(outcome, RejectedByState) and outcome.error == "redirect_already_exists":
        if await _is_known(rules, told.asked):
            return LineResult(told.line, Result.KNOWN)
        return LineResult(told.line, Result.REFUSED, "Another redirect stands at this path.")
    return LineResult(told.line, Result.REFUSED, why(outcome))


async def _is_known(rules: Redirects, asked: NewRedirect) -> bool:
    """Tell whether it is there already, as it is asked for."""
    way = await rules.ways.at(normal_path(asked.path) or "")
    return way is not None and (way.target, way.status) == (asked.target, asked.status)


def _show(done: list[LineResult], *, json_wanted: bool) -> None:
    refused = [line for line in done if line.result is Result.REFUSED]
    if json_wanted:
        for line in done:
            print_json(line)
    elif refused:
        print_table(("line", "why"), [(f"{line.line:,}", line.reason) for line in refused])
    click.echo(summary("redirects", Counter(line.result for line in done)), err=True)
