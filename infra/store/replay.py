"""Replays the log one history after the other, and says of each event what is wrong with it.

What replays everything lives on this: the verification, the rebuilding of claims. Memory holds one
page of events and the rows of one history, however long the log is. A new aggregate needs its row
in `KINDS`; the read models written with its events come from `projections/registry.py`.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import msgspec

from domain import account, clicks, file, job, post, projection, redirect, webhook
from domain.claim import Claim
from domain.stream import Stream
from infra.store.codec import Codec, UnknownEventError
from projections.database import load_queries
from projections.registry import PROJECTIONS
from projections.write import Put, Table, key_of

if TYPE_CHECKING:
    import asyncpg
    from asyncpg.pool import PoolConnectionProxy

    Connection = PoolConnectionProxy[asyncpg.Record]

QUERIES = load_queries(Path(__file__).with_name("verify.sql"))

PAGE_ROWS = 50
"""Few, as the largest events and bodies have a megabyte."""

PAGE_SECONDS = 300.0
"""The first page of a table without a fitting index comes when all of it was sorted."""

INLINE = {each.category: each for each in PROJECTIONS.values() if each.inline}
READ_MODELS: tuple[Table, ...] = tuple(table for each in INLINE.values() for table in each.tables)
"""The tables that equal a fold of the whole log at any moment."""


class Kind(msgspec.Struct, frozen=True):
    """What replaying needs to know of an aggregate."""

    evolve: Callable[..., Any]
    claims: Callable[[Any], frozenset[Claim]] = lambda _: frozenset()


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        post.STREAM_CATEGORY: Kind(post.evolve, post.claims),
        account.STREAM_CATEGORY: Kind(account.evolve, account.claims),
        file.STREAM_CATEGORY: Kind(file.evolve, file.claims),
        job.STREAM_CATEGORY: Kind(job.evolve, job.claims),
        clicks.STREAM_CATEGORY: Kind(clicks.evolve),
        redirect.STREAM_CATEGORY: Kind(redirect.evolve, redirect.claims),
        webhook.STREAM_CATEGORY: Kind(webhook.evolve, webhook.claims),
        projection.STREAM_CATEGORY: Kind(
            lambda state, event, *, version, **_: projection.evolve(state, event, version=version)
        ),
    }
)
"""By the category of its streams."""


class Fault(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that does not hold, and where."""

    check: str
    says: str
    position: int | None = None
    stream: str | None = None
    """The stream of an event; of a row, which names no category, the id alone."""
    row: str | None = None
    """The table and the key of a row."""


class History:
    """One stream as it is replayed, event by event."""

    def __init__(self, stream: Stream, codec: Codec) -> None:
        self.stream = stream
        self.state: Any = None
        self.rows: dict[tuple[str, tuple[Any, ...]], tuple[Any, ...]] = {}
        """What its events leave in the read models, by table and key."""
        self.broken = False
        """Whether an event could not be applied, so that nobody knows the state."""
        self._kind = KINDS.get(stream.category)
        self._codec = codec
        self.events = 0
        self._version = 0
        self._position = 0
        self._at: datetime | None = None

    def claims(self) -> frozenset[Claim]:
        """Give the names that the stream holds in the end."""
        return frozenset() if self._kind is None else self._kind.claims(self.state)

    def add(
        self, position: int, version: int, tag: str, data: str, at: datetime
    ) -> Iterable[Fault]:
        """Go on with the next event, and give what is wrong with it."""

        def fault(check: str, says: str) -> Fault:
            return Fault(check, says, position, str(self.stream))

        if version != self._version + 1:
            yield fault("versions", f"version {version} comes after version {self._version}")
        elif position <= self._position:
            yield fault("versions", f"version {version} stands before version {self._version}")
        if self._at is not None and at < self._at:
            yield fault("times", f"recorded at {at.isoformat()}, before {self._at.isoformat()}")
        self._version, self._position, self._at = version, position, at
        self.events += 1
        if tag.partition(".")[0] != self.stream.category:
            yield fault("tags", f"an event of type {tag} is in a stream of another category")
        try:
            event = self._codec.decode(tag, data)
            spelled = _SPELLED.decode(data).type
            if spelled != tag:
                yield fault("tags", f"the type is {tag}, but the event says {spelled}")
            self._apply(event, version, at)
        except (UnknownEventError, msgspec.MsgspecError, _MisplacedError, ValueError) as error:
            self.broken = True
            yield fault("events", str(error))

    def _apply(self, event: Any, version: int, at: datetime) -> None:  # noqa: ANN401 - any event
        category = type(event).__struct_config__.tag.partition(".")[0]
        if self._kind is None or category != self.stream.category:
            raise _MisplacedError(f"no {self.stream.category} can be folded from this event")
        if self.broken:
            return
        before = self.state
        self.state = self._kind.evolve(before, event, id=self.stream.id, version=version, at=at)
        shown = INLINE.get(category)
        for write in shown.fold(before, event, self.state) if shown else ():
            key = (write.table.name, key_of(write))
            if isinstance(write, Put):
                self.rows[key] = write.row
            else:
                self.rows.pop(key, None)


class _MisplacedError(Exception):
    """An event that is sound, in a stream where it cannot be."""


class _Spelled(msgspec.Struct):
    type: str


_SPELLED = msgspec.json.Decoder(_Spelled)


async def replay(
    connection: "Connection", codec: Codec, report: Callable[[Fault], None]
) -> AsyncIterator[Sequence[History]]:
    """Go through all histories, those of one id together, in the order of ids.

    Needs a transaction that sees the log at one moment. What is wrong goes to `report`.
    """
    histories: list[History] = []
    async for page in pages(connection, QUERIES["histories"], PAGE_ROWS):
        for position, category, id_, version, tag, data, at in page:
            if not histories or histories[-1].stream != (category, id_):
                if histories and histories[-1].stream.id != id_:
                    yield histories
                    histories = []
                histories.append(History(Stream(category, id_), codec))
            for fault in histories[-1].add(position, version, tag, data, at):
                report(fault)
    if histories:
        yield histories


async def pages(
    connection: "Connection", query: str, rows: int
) -> "AsyncIterator[list[asyncpg.Record]]":
    """Run a query and give its rows, so many at a time."""
    cursor = await connection.cursor(query, timeout=PAGE_SECONDS)
    while page := await cursor.fetch(rows, timeout=PAGE_SECONDS):
        yield page
