"""`ledgerpress maintenance`: refuse requests for a while, with a reason, and end that again."""

import rich_click as click

from commands.maintenance import Maintenance
from infra.cli.common import opened, read_settings, run
from infra.cli.output import as_json, plain, print_json
from infra.maintenance import PostgresMaintenance

_LONGEST_REASON = 500
_DAY_SECONDS = 86_400
_DEFAULT_REASON = "The service is in maintenance and will be back soon."


@click.group()
def maintenance() -> None:
    """Answer 503 to all requests but those for health and metrics, in every process."""


@maintenance.command("on")
@click.option("--reason", default=_DEFAULT_REASON, help="Shown to clients.")
@click.option(
    "--retry-after",
    type=click.IntRange(1, _DAY_SECONDS),
    metavar="SECONDS",
    default=60,
    show_default=True,
    help="When clients are told to come back.",
)
@as_json
def begin(*, reason: str, retry_after: int, json_wanted: bool) -> None:
    """Begin maintenance, or change its reason. Processes follow within a second."""
    reason = reason.strip()
    if not 1 <= len(reason) <= _LONGEST_REASON or not reason.isprintable():
        raise click.BadParameter(
            f"must be one line of 1 to {_LONGEST_REASON} characters", param_hint="--reason"
        )
    settings = read_settings()

    async def work() -> Maintenance:
        async with opened(settings) as product:
            return await PostgresMaintenance(product.database).begin(reason, retry_after)

    _show(run(work()), json_wanted=json_wanted)


@maintenance.command("off")
@as_json
def end(*, json_wanted: bool) -> None:
    """End maintenance. Processes follow within a second; where there is none, nothing is done."""
    settings = read_settings()

    async def work() -> None:
        async with opened(settings) as product:
            await PostgresMaintenance(product.database).end()

    run(work())
    _show(None, json_wanted=json_wanted)


def _show(now: Maintenance | None, *, json_wanted: bool) -> None:
    if json_wanted:
        print_json({"maintenance": now})
    elif now is None:
        click.echo("maintenance is off")
    else:
        click.echo(f"maintenance is on since {now.since:%Y-%m-%d %H:%M:%S %Z}: {plain(now.reason)}")
