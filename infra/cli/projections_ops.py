"""`ledgerpress projections list|skip|repair`: seeing to projections that stand still."""

import rich_click as click

from commands.projections import skip_event
from infra.bootstrap import Product
from infra.cli.callers import operator
from infra.cli.common import Failure, opened, read_settings, run
from infra.cli.output import as_json, plain, print_json, print_table
from infra.cli.projections import projections, rebuild
from infra.cli.relay import rewind
from infra.projections.projector_store import PostgresProjectorStore
from projections.registry import PROJECTIONS
from projections.relaying import RELAY
from projections.status import WELL, ProjectionQueries, ProjectionStatus, State

_name = click.argument("name", type=click.Choice([*PROJECTIONS]))
_of_a_follower = click.argument(
    "name",
    type=click.Choice([*(p.name for p in PROJECTIONS.values() if not p.inline), RELAY.name]),
)


@projections.command("list")
@as_json
def list_projections(*, json_wanted: bool) -> None:
    """Show how far each projection has come, and what stands still."""
    settings = read_settings()

    async def work() -> list[ProjectionStatus]:
        async with opened(settings) as product:
            return [*await ProjectionQueries(product.database).all()]

    found = run(work())
    if json_wanted:
        for each in found:
            print_json(each)
        return
    print_table(
        ("projection", "state", "position", "behind", "seconds", "generation", "schema"),
        [
            (
                each.name,
                "inline" if each.inline else each.state,
                f"{each.position:,}",
                f"{each.lag_events:,}",
                f"{each.lag_seconds:,.1f}",
                str(each.generation),
                str(each.schema_version),
            )
            for each in found
        ],
    )
    for each in found:
        if each.state not in WELL:
            reason = "" if each.halted is None else f": {each.halted.reason}"
            click.echo(plain(f"{each.warning}{reason}"), err=True)


@projections.command()
@_of_a_follower
@click.option("--position", type=click.IntRange(min=1), required=True, help="Of the event.")
@click.option("--reason", required=True, help="Why; it is recorded in the log for good.")
def skip(name: str, *, position: int, reason: str) -> None:
    """Leave the event at which a projection is halted out of it, for good.

    What the event would have shown stays missing, also after a rebuild.
    """
    if not reason.strip():
        raise click.BadParameter("say why", param_hint="--reason")
    settings = read_settings()

    async def work() -> None:
        async with opened(settings) as product:
            status = await _status(product, name)
            if status.halted is None or status.halted.position != position:
                raise Failure(f"{name} is {_where(status)}: nothing was skipped")
            if status.halted.type is None:
                raise Failure(f"{name} has met no event that could be skipped: use `repair`")
            event_id = product.ledger.new_id()
            caller = operator("SkipEvent")
            await skip_event(product.store, event_id, caller, name, position, reason.strip())
            store = PostgresProjectorStore(product.database, product.store)
            await store.go_on(name, position)

    run(work())
    click.echo(f"{name} goes on after position {position}")


@projections.command()
@_of_a_follower
@click.pass_context
def repair(context: click.Context, name: str) -> None:
    """Mend a projection that has folded events which the log no longer has.

    That happens when an older log is restored. What those events wrote is still shown, so its
    tables are made anew from the log that there is. The relay goes on at the end of the log.
    """
    settings = read_settings()

    async def work() -> ProjectionStatus:
        async with opened(settings) as product:
            return await _status(product, name)

    status = run(work())
    lost = status.halted is not None and status.halted.type is None
    if status.state is not State.AHEAD and not lost:
        raise Failure(f"{name} is not ahead of the log: there is nothing to repair")
    if name == RELAY.name:
        context.invoke(rewind, position=status.head)
        return
    context.invoke(rebuild, name=name, processes=None, json_wanted=False)


async def _status(product: Product, name: str) -> ProjectionStatus:
    status = await ProjectionQueries(product.database).one(name)
    if status is None:
        raise Failure(f"the database knows no projection {name}")
    return status


def _where(status: ProjectionStatus) -> str:
    return "not halted" if status.halted is None else f"halted at {status.halted.position}"
