"""`ledgerpress projections`: rebuilding the read models, comparing them, going back."""

import time
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

import msgspec
import rich_click as click

from infra.cli.common import MISMATCH, Failure, database_url, read_settings, require_database, run
from infra.cli.output import as_json, print_json, print_table
from infra.cli.progress import Progress, progress
from infra.clock import now
from infra.projections.compare import Comparison
from infra.projections.cut_over import CutOver
from infra.projections.generations import Busy
from infra.projections.rebuild import (
    Ordered,
    Refused,
    Step,
    compare_with_log,
)
from infra.projections.rebuild import rebuild as rebuild_projection
from infra.projections.rebuild import undo as undo_rebuild
from projections.registry import PROJECTIONS

_LINE_EVERY_SECONDS = 1.0

T = TypeVar("T")

_name = click.argument("name", type=click.Choice(list(PROJECTIONS)))
_processes = click.option(
    "--processes",
    type=click.IntRange(1, 64),
    help="How many processes read the log; as many as there are cores where it is not given.",
)


class Line(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """News of a run, for programs: a line of its own each."""

    step: Step
    events: int | None = None
    of: int | None = None
    per_second: float | None = None
    seconds_left: float | None = None


class Outcome(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What came of a run, for programs: the last line."""

    name: str
    done: str
    position: int
    generation: int | None = None
    rows: int | None = None
    differing: int | None = None
    comparison: Comparison | None = None
    appends_held_ms: float | None = None


class Told:
    """Passes on how far a run has come: to a bar, or as lines of JSON."""

    def __init__(self, bar: Progress | None) -> None:
        self._bar = bar
        self._began = self._last = time.monotonic()

    def step(self, step: Step) -> None:
        """Tell that a step begins."""
        self._began = self._last = time.monotonic()
        if self._bar is None:
            print_json(Line(step))
        else:
            self._bar.stage(step)

    def loaded(self, read: int, total: int) -> None:
        """Tell how many events are read."""
        if self._bar is not None:
            self._bar(read, total, count=read)
            return
        at = time.monotonic()
        if at - self._last < _LINE_EVERY_SECONDS and read < total:
            return
        self._last = at
        rate = read / max(at - self._began, 1e-9)
        left = (total - read) / rate if rate else 0.0
        print_json(Line("load", read, total, round(rate, 1), round(left, 1)))


@click.group()
def projections() -> None:
    """Look after the tables that are made from the log."""


@projections.command()
@_name
@_processes
@as_json
def rebuild(name: str, *, processes: int | None, json_wanted: bool) -> None:
    """Make a projection's tables anew beside those that are served, and change their places.

    Reads and writes go on. Old and new are compared before. The old tables are kept, so that `undo`
    can go back to them, until the next rebuild. Interrupted, it changes nothing.
    """
    done = _run(name, processes, rebuild_projection, json_wanted=json_wanted)
    compared = done.comparison
    if json_wanted:
        print_json(
            Outcome(
                name,
                "rebuilt",
                done.cut_over.position,
                done.generation,
                compared.rows,
                compared.differing,
                compared,
                _held(done.cut_over),
            )
        )
        return
    _print(compared)
    click.echo(
        f"{name}: generation {done.generation} is served since position {done.cut_over.position}; "
        f"appends waited {_held(done.cut_over):.0f} ms"
    )


@projections.command()
@_name
@_processes
@as_json
@click.pass_context
def compare(context: click.Context, name: str, *, processes: int | None, json_wanted: bool) -> None:
    """Compare a projection's tables with what the log says, and change nothing.

    Reads and writes go on. Exits with 3 when rows differ, and shows the first few.
    """
    compared = _run(name, processes, compare_with_log, json_wanted=json_wanted)
    if json_wanted:
        print_json(
            Outcome(
                name,
                "compared",
                compared.position,
                rows=compared.rows,
                differing=compared.differing,
                comparison=compared,
            )
        )
    else:
        _print(compared)
    if compared.differing:
        context.exit(MISMATCH)


@projections.command()
@_name
@as_json
def undo(name: str, *, json_wanted: bool) -> None:
    """Serve the tables again that the last rebuild replaced, brought up to date."""
    done = _run(name, 1, undo_rebuild, json_wanted=json_wanted)
    if json_wanted:
        print_json(Outcome(name, "undone", done.position, appends_held_ms=_held(done)))
    else:
        click.echo(
            f"{name}: the earlier generation is served since position {done.position}; "
            f"appends waited {_held(done):.0f} ms"
        )


def _run(
    name: str,
    processes: int | None,
    work: Callable[[Ordered], Coroutine[Any, Any, T | Busy | Refused]],
    *,
    json_wanted: bool,
) -> T:
    """Run to the end, telling how far it has come; what was refused becomes a failure."""
    settings = read_settings()
    url = database_url(settings)

    async def told(bar: Progress | None) -> T | Busy | Refused:
        await require_database(url, settings)
        return await work(Ordered(url, PROJECTIONS[name], Told(bar), now, processes or 0))

    bars: AbstractContextManager[Progress | None] = (
        nullcontext() if json_wanted else progress("begin", "events")
    )
    with bars as bar:
        done = run(told(bar))
    match done:
        case Busy():
            raise Failure(f"{name} is being rebuilt already")
        case Refused(reason):
            raise Failure(f"{reason}; nothing was changed")
        case _:
            return done


def _held(done: CutOver) -> float:
    return round(done.held_seconds * 1000, 1)


def _print(compared: Comparison) -> None:
    print_table(
        ("table", "rows served", "rows of the log", "differing"),
        [
            (table.table, f"{table.served_rows:,}", f"{table.made_rows:,}", f"{table.differing:,}")
            for table in compared.tables
        ],
    )
    samples = [
        (table.table, " ".join(sample.key), sample.says)
        for table in compared.tables
        for sample in table.samples
    ]
    if samples:
        click.echo()
        print_table(("table", "row", "what is wrong"), samples)
    differ = "1 row differs" if compared.differing == 1 else f"{compared.differing:,} rows differ"
    click.echo(f"\n{differ}, at position {compared.position}")
