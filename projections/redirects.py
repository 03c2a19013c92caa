"""The managed redirects: shape, fold, schema version and queries.

Written in the transaction of the events. A redirect that was deleted keeps its row, so that the
clicks on it still have a name.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol
from uuid import UUID

import msgspec

from domain.redirect import Redirect, Status, active
from domain.web_path import path_of
from projections.coalesce import Coalescer
from projections.database import Database, load_queries
from projections.write import Put, Rendered, Table, last_of_each_key

SCHEMA_VERSION = 1

REDIRECTS = Table(
    "redirects",
    (
        "id",
        "version",
        "path",
        "target",
        "target_path",
        "status",
        "starts_at",
        "ends_at",
        "deleted",
        "created_at",
        "updated_at",
        "body",
    ),
    key_columns=1,
)
QUERIES = load_queries(Path(__file__).with_name("redirects.sql"))

_encode = msgspec.json.Encoder().encode


class RedirectBody(msgspec.Struct, frozen=True, rename="camel"):
    """A managed redirect as operators get it."""

    id: UUID
    path: str
    target: str
    status: Status
    active_from: datetime | None
    active_until: datetime | None
    """Exclusive."""
    created_at: datetime
    updated_at: datetime
    version: int


def body(state: Redirect) -> bytes:
    """Give the JSON that operators get."""
    return _encode(
        RedirectBody(
            id=state.id,
            path=state.path,
            target=state.target,
            status=state.status,
            active_from=state.active_from,
            active_until=state.active_until,
            created_at=state.created_at,
            updated_at=state.updated_at,
            version=state.version,
        )
    )


def shows(after: Redirect) -> Iterable[Put]:
    """Say what a state asks for: the redirect's row."""
    yield Put(
        REDIRECTS,
        (
            after.id,
            after.version,
            after.path,
            after.target,
            path_of(after.target),
            after.status,
            after.active_from,
            after.active_until,
            after.deleted,
            after.created_at,
            after.updated_at,
            body(after),
        ),
    )


def tag(version: int) -> str:
    """Give the opaque part of the entity tag of a version."""
    return f"{SCHEMA_VERSION}.{version}"


class Step(Protocol):
    """What the view needs of an event and the states around it."""

    @property
    def after(self) -> Redirect:
        """The state after the event."""
        ...


class RedirectView:
    """The read model of redirects as the command loop uses it."""

    def location(self, stream_id: UUID) -> str:
        """Give the redirect's path."""
        return f"/redirects/{stream_id}"

    def history(self, stream_id: UUID) -> str:
        """Give the path of the redirect's events."""
        return f"/streams/redirect/{stream_id}"

    def tag(self, version: int) -> str:
        """Give the opaque part of the entity tag of a version."""
        return tag(version)

    def render(self, state: Redirect, steps: Sequence[Step]) -> Rendered:
        """Show the redirect, and give the rows that its last steps ask for."""
        return Rendered(
            body(state), last_of_each_key(put for step in steps for put in shows(step.after))
        )


class RedirectRow(msgspec.Struct, frozen=True, gc=False):
    """A redirect as a read of itself needs it."""

    id: UUID
    version: int
    created_at: datetime
    updated_at: datetime
    body: bytes


class Way(msgspec.Struct, frozen=True, gc=False):
    """Where a path leads."""

    id: UUID
    path: str
    target: str
    target_path: str | None
    status: int
    active_from: datetime | None
    active_until: datetime | None

    def active(self, now: datetime) -> bool:
        """Tell whether it leads there at a time."""
        return active(self.active_from, self.active_until, now)


class RedirectQueries:
    """Reads redirects; those who ask for paths at the same moment share a query."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._ways: Coalescer[str, Way] = Coalescer(self._fetch)

    async def at(self, path: str) -> Way | None:
        """Find where a normalised path leads, whatever the time."""
        return await self._ways.get(path)

    async def leading_to(self, path: str) -> Sequence[Way]:
        """List the redirects whose target is a path of ours, the oldest first."""
        rows = await self._database.fetch(QUERIES["leading_to"], path)
        return [Way(*row) for row in rows]

    async def by_id(self, redirect_id: UUID) -> RedirectRow | None:
        """Find a redirect that was not deleted."""
        rows = await self._database.fetch(QUERIES["by_id"], redirect_id)
        return RedirectRow(*rows[0]) if rows else None

    async def page(
        self, limit: int, before: tuple[datetime, UUID] | None = None
    ) -> Sequence[RedirectRow]:
        """List redirects, the newest first, from after the one of this time and id."""
        at, redirect_id = before or (None, None)
        rows = await self._database.fetch(QUERIES["page"], at, redirect_id, limit)
        return [RedirectRow(*row) for row in rows]

    async def _fetch(self, paths: Sequence[str]) -> dict[str, Way]:
        rows = await self._database.fetch(QUERIES["at"], paths)
        return {row[1]: Way(*row) for row in rows}
