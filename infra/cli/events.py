"""`ledgerpress events`: the log itself, read from the database and never changed.

The verification is in `infra/cli/verify.py`.
"""

import json
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import rich_click as click

from commands.log_entry import encode_entry
from commands.ports import EventLog, LogEntry, LogFilter
from infra.cli.common import Failure, opened, read_settings, run
from infra.cli.export import export_to
from infra.cli.filters import filtered
from infra.cli.output import as_json, plain, print_bytes
from infra.cli.verify import verify

_SHOWN_AT_FIRST = 10
_MOST_AT_FIRST = 10_000
_NARROWEST = 20


@click.group()
def events() -> None:
    """Read the log: follow it, show one event, export it, verify it."""


events.add_command(verify)


@events.command()
@filtered
@click.option("--after", type=click.IntRange(min=0), help="Start after this position.")
@click.option(
    "-n",
    "--last",
    type=click.IntRange(0, _MOST_AT_FIRST),
    help=f"Start with the last N; {_SHOWN_AT_FIRST} without --after and --since.",
)
@click.option("--follow/--no-follow", default=True, help="Go on with new events as they come.")
@as_json
def tail(
    which: LogFilter, *, after: int | None, last: int | None, follow: bool, json_wanted: bool
) -> None:
    """Show the newest events, oldest first, and follow the log until Ctrl-C."""
    if after is not None and last is not None:
        raise click.UsageError("give --after or --last, not both")
    if after is None and last is None and which.since is None:
        last = _SHOWN_AT_FIRST
    settings = read_settings()

    async def work() -> None:
        async with opened(settings) as product:
            chosen = _entries(product.log, which, after=after or 0, last=last, follow=follow)
            async for entry in chosen:
                print_bytes(_line(entry, json_wanted=json_wanted))

    run(work())


@events.command()
@click.argument("position", type=click.IntRange(min=1))
@as_json
def show(position: int, *, json_wanted: bool) -> None:
    """Show the event at a position."""
    settings = read_settings()

    async def work() -> LogEntry:
        async with opened(settings) as product:
            around = product.log.entries(after=position - 1, before=position + 1)
            async for entry in around:
                return entry
            last = await product.log.head()
            raise Failure(f"there is no event at position {position}; the last one is {last}")

    entry = run(work())
    print_bytes(_line(entry, json_wanted=True) if json_wanted else _page(entry))


@events.command()
@click.argument("output", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
@filtered
@click.option("--after", type=click.IntRange(min=0), default=0, help="Start after this position.")
def export(output: Path, which: LogFilter, *, after: int) -> None:
    """Write events to OUTPUT, one JSON object a line (NDJSON); - is standard output.

    The file is there when it is complete, and not before.
    """
    settings = read_settings()

    async def work() -> None:
        async with opened(settings) as product:
            await export_to(output, product.log, which, after)

    run(work())


async def _entries(
    log: EventLog, which: LogFilter, *, after: int, last: int | None, follow: bool
) -> AsyncIterator[LogEntry]:
    head = await log.head()
    if last is None:
        shown = log.entries(which, after=after, before=head + 1)
    else:
        newest = [e async for e in log.entries(which, before=head + 1, backwards=True, limit=last)]
        shown = _each(newest[::-1]) if last else _each([])
    async for entry in shown:
        yield entry
    if follow:
        async for entry in log.tail(which, after=max(after, head)):
            yield entry


async def _each(entries: list[LogEntry]) -> AsyncIterator[LogEntry]:
    for entry in entries:
        yield entry


def _line(entry: LogEntry, *, json_wanted: bool) -> bytes:
    if json_wanted:
        return encode_entry(entry) + b"\n"
    at = entry.at.isoformat(sep=" ", timespec="milliseconds").removesuffix("+00:00")
    text = f"{entry.position:>8}  {at}  {entry.type:<26} {entry.stream}  {entry.data}"
    if sys.stdout.isatty():
        width = max(shutil.get_terminal_size().columns, _NARROWEST)
        text = text if len(text) <= width else f"{text[: width - 1]}…"
    return f"{plain(text)}\n".encode()


def _page(entry: LogEntry) -> bytes:
    facts = {
        "position": str(entry.position),
        "stream": str(entry.stream),
        "version": str(entry.version),
        "event id": str(entry.event_id),
        "type": entry.type,
        "recorded at": entry.at.isoformat().replace("+00:00", "Z"),
    }
    lines = [f"{name:<12} {value}" for name, value in facts.items()]
    for name, text in (("data", entry.data), ("metadata", entry.metadata)):
        lines.append(name)
        pretty = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
        lines.extend(f"  {line}" for line in pretty.splitlines())
    return (plain("\n".join(lines)) + "\n").encode()
