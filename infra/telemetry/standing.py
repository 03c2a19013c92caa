"""How things stand by the database's word: the same from every process, also of those that died."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from commands.ports import StoreUnavailableError
from infra.postgres import Database
from projections.database import load_queries
from projections.status import ProjectionQueries, ProjectionStatus

QUERIES = load_queries(Path(__file__).with_name("standing.sql"))

_DISK_SECONDS = 0.5


class OpenJobs(msgspec.Struct, frozen=True):
    """Jobs of a kind that are waiting, or being done."""

    kind: str
    state: str
    count: int
    oldest_seconds: float
    """How long ago the first of them was asked for."""


class DeadJobs(msgspec.Struct, frozen=True):
    """Jobs of a kind that failed for good."""

    kind: str
    count: int


class Webhooks(msgspec.Struct, frozen=True):
    """Webhooks, and what is sent to them."""

    by_status: Mapping[str, int]
    waiting: int
    """Deliveries that were tried and will be tried again."""
    dead: int
    """Deliveries that were given up within a day."""
    failing_seconds: float
    """For how long the active webhook that fails longest has got nothing."""


class Standing(msgspec.Struct, frozen=True):
    """What one look at the database tells."""

    log_position: int
    database_bytes: int
    mails: int
    mails_oldest_seconds: float
    open_jobs: Sequence[OpenJobs]
    dead_jobs: Sequence[DeadJobs]
    webhooks: Webhooks
    projections: Sequence[ProjectionStatus]


class Room(msgspec.Struct, frozen=True):
    """Of the disk where files are kept, or gather."""

    free_bytes: int
    whole_bytes: int


async def standing(database: Database) -> Standing | None:
    """Look; None while the database cannot be reached."""
    try:
        [overall] = await database.fetch(QUERIES["overall"])
        open_jobs: Sequence[Any] = await database.fetch(QUERIES["open_jobs"])
        dead_jobs: Sequence[Any] = await database.fetch(QUERIES["dead_jobs"])
        webhooks: Sequence[Any] = await database.fetch(QUERIES["webhooks"])
        [deliveries] = await database.fetch(QUERIES["deliveries"])
        projections = await ProjectionQueries(database).all()
    except StoreUnavailableError:
        return None
    position, size, mails, mails_oldest = overall
    return Standing(
        position,
        size,
        mails,
        mails_oldest,
        [OpenJobs(*row) for row in open_jobs],
        [DeadJobs(*row) for row in dead_jobs],
        Webhooks(dict(webhooks), *deliveries),
        projections,
    )


async def room(folder: Path) -> Room | None:
    """Ask how full a disk is; None where the folder is not there, or its disk does not answer."""
    try:
        async with asyncio.timeout(_DISK_SECONDS):
            found = await asyncio.to_thread(os.statvfs, folder)
    except (OSError, TimeoutError):
        return None
    return Room(found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize)
