"""`ledgerpress users import`: accounts from elsewhere, with the hashes of their passwords."""

import asyncio
import os
import stat
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import BinaryIO

import rich_click as click

from commands.accounts import Registration, register
from commands.outcomes import Created
from commands.ports import StoreUnavailableError
from domain.refusal import RejectedByState
from infra.bootstrap import Product
from infra.cli.callers import operator, why
from infra.cli.common import FAILED, opened, read_settings, run
from infra.cli.import_lines import Line, Lines, Refused, read_line
from infra.cli.import_results import LineResult, Result, summary
from infra.cli.output import as_json, print_json, print_table
from infra.cli.progress import Progress, progress

_IN_FLIGHT = 128
"""As many as the log writes with one commit."""
_CHUNK_BYTES = 64 * 1024
_MOST_ROWS = 1000


class Report:
    """Counts the lines and tells of those that were not taken, in the order of the file."""

    def __init__(self, *, as_they_come: bool) -> None:
        self.counts = dict.fromkeys(Result, 0)
        self._as_they_come = as_they_come
        self._rows: dict[Result, list[LineResult]] = {Result.REFUSED: [], Result.KNOWN: []}

    @property
    def lines(self) -> int:
        """How many lines there were so far."""
        return sum(self.counts.values())

    def add(self, told: LineResult) -> None:
        """Note what became of a line."""
        self.counts[told.result] += 1
        if told.result is Result.TAKEN:
            return
        if self._as_they_come:
            print_json(told)
        elif len(self._rows[told.result]) < _MOST_ROWS:
            self._rows[told.result].append(told)

    def show(self) -> None:
        """Print the table, if there is anything to tell."""
        rows = [row for rows in self._rows.values() for row in rows]
        if rows:
            print_table(
                ("line", "result", "why"),
                [(f"{row.line:,}", row.result, row.reason) for row in rows],
            )
        unsaid = self.counts[Result.REFUSED] + self.counts[Result.KNOWN] - len(rows)
        if unsaid and not self._as_they_come:
            click.echo(f"and {unsaid:,} more, which --json tells")


@click.command("import")
@click.argument("file", type=click.File("rb"))
@as_json
@click.pass_context
def import_users(context: click.Context, file: BinaryIO, *, json_wanted: bool) -> None:
    """Open an account for each line of FILE, a JSON object (NDJSON); - is standard input.

    Members: email, passwordHash (bcrypt or argon2id), name, roles (author where there are none),
    disabled. A line that is wrong or whose address has an account is told and left out. It can be
    run again at any time. Exits with 1 when not all lines were taken.
    """
    settings = read_settings()
    report = Report(as_they_come=json_wanted)

    async def work() -> None:
        async with opened(settings) as product:
            try:
                with progress("importing", "lines") as tell:
                    await _import(product, file, report, tell)
            finally:
                report.show()
                click.echo(f"{summary('accounts', report.counts)} {tell.pace}", err=True)

    run(work())
    if report.counts[Result.TAKEN] < report.lines:
        context.exit(FAILED)


async def _import(product: Product, file: BinaryIO, report: Report, tell: Progress) -> None:
    """Take the lines in their order, several at once; what was begun is finished in any case."""
    size = _size(file)
    in_flight: deque[asyncio.Task[LineResult]] = deque()

    async def settle(most: int) -> None:
        while len(in_flight) > most:
            await asyncio.wait({in_flight[0]})
            report.add(in_flight.popleft().result())

    try:
        async for line, done in _lines(file):
            in_flight.append(asyncio.create_task(_take(product, line)))
            await settle(_IN_FLIGHT)
            tell(done, size, report.lines)
        await settle(0)
        tell(size or 0, size, report.lines)
    except BaseException:  # also Ctrl-C
        while in_flight:
            with suppress(StoreUnavailableError):
                await settle(0)
        raise


async def _take(product: Product, line: Line) -> LineResult:
    person = read_line(line.data)
    if isinstance(person, Refused):
        return LineResult(line.number, Result.REFUSED, person.reason)
    registration = Registration(
        account_id=product.ledger.new_id(),
        email=person.email,
        name=person.name,
        roles=person.roles,
        password_hash=person.password_hash,
        disabled=person.disabled,
    )
    outcome = await register(product.accounts, operator("ImportAccount"), registration)
    match outcome:
        case Created():
            return LineResult(line.number, Result.TAKEN)
        case RejectedByState(error="email_already_exists"):
            return LineResult(line.number, Result.KNOWN, "email has an account already")
        case _:
            return LineResult(line.number, Result.REFUSED, why(outcome))


async def _lines(file: BinaryIO) -> AsyncIterator[tuple[Line, int]]:
    """Give each line, with the number of bytes read so far."""
    lines = Lines()
    read = 0
    async for chunk in _chunks(file.fileno()):
        read += len(chunk)
        for line in lines.feed(chunk):
            yield line, read
    for line in lines.end():
        yield line, read


async def _chunks(descriptor: int) -> AsyncIterator[bytes]:
    """Read to the end; a wait for a pipe can be interrupted, and leaves the loop to others."""
    mode = os.fstat(descriptor).st_mode
    waits = stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(descriptor)
    while True:
        if waits:
            await _readable(descriptor)
        chunk = os.read(descriptor, _CHUNK_BYTES)
        if not chunk:
            return
        yield chunk


async def _readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(descriptor, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(descriptor)


def _size(file: BinaryIO) -> int | None:
    about = os.fstat(file.fileno())
    return about.st_size if stat.S_ISREG(about.st_mode) else None
