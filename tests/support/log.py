"""Events to append and a store of one's own, for tests and benchmarks of the log."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import msgspec
from uuid_utils.compat import uuid7

from commands.ports import (
    NO_STREAM,
    Append,
    AppendResult,
    FirstAnswer,
    IdempotencyKey,
    Metadata,
    NewEvent,
    Recorded,
    Write,
)
from domain.claim import Claim
from domain.events import Event
from domain.post import Archived, Category, Created, Edited
from domain.stream import Stream
from infra.bootstrap import INLINE_TABLES
from infra.postgres import Database
from infra.store.codec import Codec
from infra.store.event_log import PostgresEventLog
from infra.store.event_store import PostgresEventStore
from infra.store.hints import Hints
from projections.accounts import ACCOUNTS
from projections.write import Put

AT = datetime(2026, 3, 1, 9, 0, 0, 123456, tzinfo=UTC)
AUTHOR = UUID("0190b8a5-7c1e-7d3a-9f10-5e2b6c7d8e9f")
APPEND_LOCK = 7205759403792793
"""The advisory lock under which `append_events` writes."""
METADATA = Metadata(command="Test", actor=AUTHOR, request_id="request-1")

CREATED = Created(
    author_id=AUTHOR, title="A title", slug="a-title", content="Text.", category=Category.TECH
)
ARCHIVED = Archived()


class Log(msgspec.Struct, frozen=True):
    """A store and a log on one pool, as one process of the product has them."""

    database: Database
    store: PostgresEventStore
    log: PostgresEventLog
    hints: Hints


@asynccontextmanager
async def open_log(
    url: str, *, connections: int = 8, codec: Codec | None = None
) -> AsyncIterator[Log]:
    """Connect as the product does, with its inline read models."""
    database = await Database.connect(url, connections=connections)
    try:
        codec, hints = codec or Codec(), Hints()
        tables = [table.name for table in INLINE_TABLES]
        yield Log(
            database=database,
            store=PostgresEventStore(database, codec, hints, tables),
            log=PostgresEventLog(database, codec, hints),
            hints=hints,
        )
    finally:
        await database.close()


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    """Connect as the owner of the database."""
    connection = await asyncpg.connect(url, timeout=30)
    try:
        yield connection
    finally:
        await connection.close(timeout=5)


def a_stream(category: str = "post") -> Stream:
    """Name a stream that does not exist."""
    return Stream(category, uuid7())


def append(
    stream: Stream,
    *events: Event,
    expected: int = NO_STREAM,
    takes: Iterable[Claim] = (),
    releases: Iterable[Claim] = (),
    first_answer: FirstAnswer | None = None,
    puts: Sequence[Write] = (),
    metadata: Metadata = METADATA,
    at: datetime = AT,
) -> Append:
    """Make an append, by default of one plain event to a new stream."""
    return Append(
        stream=stream,
        expected=expected,
        events=[NewEvent(uuid7(), event) for event in events or (ARCHIVED,)],
        metadata=metadata,
        at=at,
        takes=sorted(takes),
        releases=sorted(releases),
        first_answer=first_answer,
        puts=puts,
    )


def vacating(append: Append, *scopes: str) -> Append:
    """Make it depend on nobody's holding a claim in these scopes."""
    return msgspec.structs.replace(append, vacant=scopes)


def resting(append: Append, *seen: tuple[Stream, int]) -> Append:
    """Make it depend on other streams at the versions that were seen."""
    return msgspec.structs.replace(append, seen=seen)


def numbered(number: int, *, size: int = 0) -> Edited:
    """Make an event that can be told from others, with about `size` more bytes."""
    return Edited(title=f"number {number}", content="x" * size)


def slug(key: str) -> Claim:
    """Make the claim of a slug."""
    return Claim("post.slug", key)


def answer(key: str, *, account: UUID = AUTHOR, fingerprint: bytes = b"fingerprint") -> FirstAnswer:
    """Make what is stored under an idempotency key."""
    return FirstAnswer(IdempotencyKey(account, key, fingerprint), b"answer to " + key.encode())


def account_row(account_id: UUID, *, version: int = 1, email_hash: str | None = None) -> Put:
    """Put a row into a read model, the smallest there is."""
    return Put(
        ACCOUNTS,
        (
            account_id,
            version,
            email_hash or str(account_id),
            ["author"],
            False,
            AT,
            1,
            False,
            False,
        ),
    )


async def in_the_log(url: str) -> list[tuple[int, Stream, int, str]]:
    """Tell the position, stream, version and data of every event, past all of our own code."""
    async with connected(url) as owner:
        rows = await owner.fetch(
            "select position, category, stream_id, version, data from events order by position"
        )
    return [(row[0], Stream(row[1], row[2]), row[3], row[4]) for row in rows]


def positions(pages: Iterable[Sequence[Recorded]]) -> list[int]:
    """Tell the positions in pages of events."""
    return [recorded.position for page in pages for recorded in page]


async def together(log: Log, *appends: Append) -> list[AppendResult | BaseException]:
    """Append as one group, each in a task of its own, and give each one's result or error."""
    return list(await asyncio.gather(*map(log.store.append, appends), return_exceptions=True))


async def until(holds: Callable[[], Awaitable[bool]], seconds: float = 30) -> None:
    """Wait until a condition holds, and fail when it does not within this time."""
    async with asyncio.timeout(seconds):
        while not await holds():  # noqa: ASYNC110 - the condition is another process's
            await asyncio.sleep(0.005)


async def appends_wait(owner: asyncpg.Connection, many: int = 1) -> bool:
    """Tell whether so many statements wait for the append lock of this database."""
    waiting: int = await owner.fetchval(
        "select count(*) from pg_locks where locktype = 'advisory' and not granted and"
        " database = (select oid from pg_database where datname = current_database())"
    )
    return waiting >= many
