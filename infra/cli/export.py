"""Writing the log to a file or a pipe: whole or not at all, in bounded memory, with progress."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import rich_click as click

from commands.log_entry import encode_entry
from commands.ports import EventLog, LogFilter
from infra.cli.common import Failure
from infra.cli.progress import progress

_PIPE = Path("-")
_CHUNK_BYTES = 256 * 1024


async def export_to(output: Path, log: EventLog, which: LogFilter, after: int) -> None:
    """Write the entries from after a position up to the present end of the log."""
    head = await log.head()
    total = max(head - after, 0)
    count = 0
    with _opened(output) as file, progress("exporting", "events") as tell:
        chunk = bytearray()
        async for entry in log.entries(which, after=after, before=head + 1):
            chunk += encode_entry(entry)
            chunk += b"\n"
            count += 1
            if len(chunk) >= _CHUNK_BYTES:
                file.write(chunk)
                chunk.clear()
                tell(entry.position - after, total, count)
        file.write(chunk)
        tell(total, total, count)
    click.echo(f"{count:,} events {tell.pace}", err=True)


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
