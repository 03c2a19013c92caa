"""Brings a generation that stands at one position to a later one."""

import asyncpg
import msgspec

from infra.projections.folding import Folder
from infra.projections.generations import QUERIES
from infra.projections.table_writes import write
from infra.store.codec import Codec
from projections.registry import Projection

WINDOW = 1_000
"""Positions at a time. Streams that have an event among them are folded from their beginning."""


class Target(msgspec.Struct, frozen=True):
    """The tables to write, and which events are left out of them."""

    projection: Projection
    generation: int
    skipped: list[int]


async def catch_up(connection: asyncpg.Connection, target: Target, after: int, upto: int) -> None:
    """Write what the events after a position up to another change. May be done twice.

    A stream's rows are those of its whole history, so nothing need be remembered of it. Raises
    `CannotFoldError`.
    """
    codec = Codec()
    category = target.projection.category
    for low in range(after, upto, WINDOW):
        high = min(low + WINDOW, upto)
        touched = await connection.fetch(QUERIES["touched_streams"], category, low, high)
        if not touched:
            continue
        ids = [row[0] for row in touched]
        folder = Folder(target.projection, codec, target.skipped)
        folder.add(await connection.fetch(QUERIES["histories_of"], category, ids, high))
        await write(connection, target.generation, folder.end())
