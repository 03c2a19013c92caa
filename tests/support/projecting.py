"""Projections in tests: folding the log by the book, and running the projector beside it."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol
from uuid import UUID

from uuid_utils.compat import uuid7

from commands.ports import EventLog, EventStore
from domain.post import Category, Created, Published
from domain.projection import Skipped
from domain.stream import Stream
from infra.postgres import Database
from infra.projections.projector_store import PostgresProjectorStore
from infra.store.codec import Codec
from infra.store.hints import Hints
from projections.following import ProjectorStore
from projections.registry import PROJECTIONS, Projection
from projections.status import ProjectionQueries, ProjectionStatus
from projections.write import Put, key_of
from tests.support.log import AUTHOR, a_stream, append
from tests.support.waiting import eventually
from workers.projector import Follower, run_projector

ACTIVITY, SEARCH = PROJECTIONS["activity"], PROJECTIONS["search"]
BY_PROJECTOR = [each for each in PROJECTIONS.values() if not each.inline]

Rows = Mapping[tuple[str, tuple[Any, ...]], tuple[Any, ...]]


class Parts(Protocol):
    """What a process has of the log."""

    @property
    def database(self) -> Database:
        """Its connections."""
        ...

    @property
    def store(self) -> EventStore:
        """Its way to append."""
        ...

    @property
    def log(self) -> EventLog:
        """Its way to read."""
        ...

    @property
    def hints(self) -> Hints:
        """Who wakes its projector."""
        ...


def projector_store(parts: Parts) -> PostgresProjectorStore:
    """Make the projector's way to the database."""
    return PostgresProjectorStore(parts.database, parts.store)


def follower(parts: Parts, projection: Projection, store: ProjectorStore | None = None) -> Follower:
    """Make what one process has of a projection."""
    store = store or projector_store(parts)
    return Follower(projection, store, decode=Codec().decode, leader=uuid7())


@asynccontextmanager
async def projecting(
    parts: Parts, projections: Sequence[Projection] = BY_PROJECTOR
) -> AsyncIterator[None]:
    """Run a projector while inside."""
    stop = asyncio.Event()
    running = asyncio.create_task(
        run_projector(
            projections,
            projector_store(parts),
            decode=Codec().decode,
            leader=uuid7(),
            listen=parts.hints.listen,
            stop=stop,
        )
    )
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(running, 10)


async def published(parts: Parts, title: str = "A title", *, category: str = "post") -> Stream:
    """Append a published post: two events."""
    stream = a_stream(category)
    created = Created(
        author_id=AUTHOR, title=title, slug=title, content="Text.", category=Category.TECH
    )
    await parts.store.append(append(stream, created, Published()))
    return stream


async def status_of(parts: Parts, projection: Projection) -> ProjectionStatus:
    """Tell how a projection stands."""
    status = await ProjectionQueries(parts.database).one(projection.name)
    assert status is not None
    return status


async def caught_up(parts: Parts, projections: Sequence[Projection] = BY_PROJECTOR) -> None:
    """Wait until projections have folded the whole log."""
    queries = ProjectionQueries(parts.database)
    names = {each.name for each in projections}

    async def done() -> bool:
        return all(status.lag_events == 0 for status in await queries.all() if status.name in names)

    assert await eventually(done), await queries.all()


async def rows_of(parts: Parts, projection: Projection) -> Rows:
    """Read a projection's rows, past its own queries."""
    rows: dict[tuple[str, tuple[Any, ...]], tuple[Any, ...]] = {}
    for table in projection.tables:
        query = f"select {', '.join(table.columns)} from {table.name}"  # noqa: S608 - our tables
        for row in await parts.database.fetch(query):
            rows[table.name, tuple(row[: table.key_columns])] = tuple(row)
    return rows


async def folded(parts: Parts, projection: Projection, upto: int | None = None) -> Rows:
    """Fold the log, up to a position or all, event by event; what was skipped is left out."""
    skipped: set[int] = set()
    async for page in parts.log.recorded():
        for recorded in page:
            if isinstance(recorded.event, Skipped) and recorded.event.name == projection.name:
                skipped.add(recorded.event.position)
    rows: dict[tuple[str, tuple[Any, ...]], tuple[Any, ...]] = {}
    states: dict[UUID, Any] = {}
    async for page in parts.log.recorded():
        for recorded in page:
            category, stream_id = recorded.stream
            if category != projection.category or recorded.position in skipped:
                continue
            if upto is not None and recorded.position > upto:
                return rows
            before = states.get(stream_id)
            after = states[stream_id] = projection.evolve(
                before, recorded.event, id=stream_id, version=recorded.version, at=recorded.at
            )
            for write in projection.fold(before, recorded.event, after):
                key = write.table.name, key_of(write)
                if isinstance(write, Put):
                    rows[key] = write.row
                else:
                    rows.pop(key, None)
    return rows


async def expire_lease(parts: Parts, projection: Projection) -> None:
    """Let the time of the leader's lease be over."""
    await parts.database.fetch(
        "update projections set lease_until = clock_timestamp() - interval '1 second'"
        " where name = $1",
        projection.name,
    )
