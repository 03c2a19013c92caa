"""The baseline of the benchmark of exports: a script as one writes it who only wants the bytes.

Run as `python -m tests.bench.plain_export` with a `Plain` as a line of JSON; it answers with a
`PlainDone`. It reads the text of a person's events with one query, 500 to a member, and the files
from their folder; stores all of it in a ZIP without compressing it, and has that on disk. It makes
no digests and no pages, folds and checks nothing, and holds all events in memory.
"""

import asyncio
import os
import sys
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import asyncpg
import msgspec

from infra.files.folder import blob_path

_EVENTS = """
    select e.data::text from posts p join events e on e.stream_id = p.id and e.category = 'post'
    where p.author_id = $1 order by e.stream_id, e.version
"""
_FILES = "select digest from files where owner_id = $1 and not deleted order by id"
_TOGETHER = 500
_PIECE = 1024 * 1024


class Plain(msgspec.Struct, frozen=True):
    """Whose data to write, from where, and to what file."""

    url: str
    owner_id: UUID
    files: str
    target: str


class PlainDone(msgspec.Struct, frozen=True):
    """How long it took once it was connected, and how much was written."""

    seconds: float
    size: int


async def main() -> None:
    """Do what is asked."""
    asked = msgspec.json.decode(sys.stdin.buffer.readline(), type=Plain)
    connection = await asyncpg.connect(asked.url)
    begun = time.perf_counter()
    events = [row[0] for row in await connection.fetch(_EVENTS, asked.owner_id)]
    digests = [row[0] for row in await connection.fetch(_FILES, asked.owner_id)]
    size = write(asked, events, digests)
    done = PlainDone(time.perf_counter() - begun, size)
    await connection.close()
    sys.stdout.buffer.write(msgspec.json.encode(done))


def write(asked: Plain, events: Sequence[str], digests: Sequence[str]) -> int:
    """Write the ZIP, and tell its size."""
    folder, path = Path(asked.files), Path(asked.target)
    with path.open("wb") as target:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
            for first in range(0, len(events), _TOGETHER):
                archive.writestr(f"{first}.ndjson", "\n".join(events[first : first + _TOGETHER]))
            for number, digest in enumerate(digests):
                with (
                    blob_path(folder, digest).open("rb", buffering=0) as source,
                    archive.open(f"files/{number}", "w") as member,
                ):
                    while piece := source.read(_PIECE):
                        member.write(piece)
        target.flush()
        os.fsync(target.fileno())
        return target.tell()


if __name__ == "__main__":
    asyncio.run(main())
