"""Writing the log to a file or a pipe: whole or not at all, in bounded memory, with progress."""

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from commands.log_entry import encode_entry
from commands.ports import EventLog, LogFilter
from infra.cli.common import Failure

_PIPE = Path("-")
_CHUNK_BYTES = 256 * 1024
_LINE_EVERY_SECONDS = 5.0


async def export_to(output: Path, log: EventLog, which: LogFilter, after: int) -> None:
    """Write the entries from after a position up to the present end of the log."""
    head = await log.head()
    with _opened(output) as file, progress(after, head) as reached:
        chunk = bytearray()
        count = 0
        async for entry in log.entries(which, after=after, before=head + 1):
            chunk += encode_entry(entry)
            chunk += b"\n"
            count += 1
            if len(chunk) >= _CHUNK_BYTES:
                file.write(chunk)
                chunk.clear()
                reached(entry.position, count)
        file.write(chunk)
        reached(head, count)


class Reached:
    """Tells how far a run over the log has come."""

    def __init__(self, after: int, head: int, console: Console) -> None:
        self._after = after
        self._total = max(head - after, 0)
        self._console = console
        self._began = self._told = time.monotonic()
        self._bar = Progress(
            TextColumn("exporting"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %  {task.fields[events]:,} events"),
            TextColumn("{task.fields[rate]:,.0f}/s  ETA"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("export", total=self._total, events=0, rate=0.0)
        self._count = 0

    def __call__(self, position: int, count: int) -> None:
        """Tell that everything up to this position is done, and how many events that gave."""
        done, self._count = position - self._after, count
        now = time.monotonic()
        rate = count / max(now - self._began, 1e-9)
        self._bar.update(self._task, completed=done, events=count, rate=rate)
        if not self._console.is_terminal and now - self._told >= _LINE_EVERY_SECONDS:
            self._told = now
            left = (self._total - done) / max(done / (now - self._began), 1e-9)
            self._say(f"{count:,} events, {rate:,.0f}/s, about {left:.0f} s left")

    def start(self) -> None:
        """Begin to show."""
        self._bar.start()

    def stop(self, *, complete: bool) -> None:
        """Take the bar away and say what came of it."""
        self._bar.stop()
        if complete:
            seconds = max(time.monotonic() - self._began, 1e-9)
            rate = self._count / seconds
            self._say(f"{self._count:,} events in {seconds:.1f} s ({rate:,.0f}/s)")

    def _say(self, text: str) -> None:
        self._console.print(text, highlight=False, soft_wrap=True)


@contextmanager
def progress(after: int, head: int) -> Iterator[Reached]:
    """Show progress on standard error while inside: a bar on a terminal, lines elsewhere."""
    reached = Reached(after, head, Console(stderr=True))
    reached.start()
    complete = False
    try:
        yield reached
        complete = True
    finally:
        reached.stop(complete=complete)


@contextmanager
def _opened(output: Path) -> Iterator[BinaryIO]:
    if output == _PIPE:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        descriptor, draft = tempfile.mkstemp(prefix=f".{output.name}.", dir=output.parent)
    except OSError as error:
        raise Failure(f"{output} cannot be written: {error.strerror}") from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(draft).replace(output)
        _sync(output.parent)
    except OSError as error:
        raise Failure(f"{output} cannot be written: {error.strerror}") from error
    finally:
        Path(draft).unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    """Make sure that the new name is on disk too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
