"""A product with a short history whose projections can be rebuilt, and what to look at then."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from commands.handle import Caller
from commands.posts import PostChange, change_post
from domain.post_decisions import PostCommand
from domain.stream import Actor, Role
from infra.projections.rebuild import Ordered, Step, Watch
from infra.store.codec import Codec
from infra.store.verify import verify
from projections.registry import PROJECTIONS
from tests.infra.store.verification.written import MINUTE, Written, history
from tests.support.accounts import AT
from tests.support.log import connected


class Quiet:
    """Remembers the steps."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.read: list[tuple[int, int]] = []

    def step(self, step: Step) -> None:
        """Remember it."""
        self.steps.append(step)

    async def reached(self, step: Step) -> bool:
        """Tell whether a step has begun."""
        return step in self.steps

    def loaded(self, read: int, total: int) -> None:
        """Remember it."""
        self.read.append((read, total))


class Rebuilding(msgspec.Struct, frozen=True):
    """A database with the history of `written.py`."""

    written: Written

    @property
    def url(self) -> str:
        """Of the database."""
        return self.written.url

    def order(self, name: str, watch: Watch | None = None, processes: int = 1) -> Ordered:
        """Order something for a projection."""
        return Ordered(
            self.url, PROJECTIONS[name], watch or Quiet(), lambda: datetime.now(UTC), processes
        )

    async def asked(self, post_id: UUID, command: PostCommand) -> None:
        """Ask for a change of a post as its author; any outcome will do."""
        product, author = self.written.product, self.written.people[0]

        async def wish(_: object) -> PostCommand:
            return command

        caller = Caller(Actor(author, frozenset({Role.AUTHOR})), AT + MINUTE, "Test")
        wanted = PostChange(type(command), wish, lambda: None)
        await change_post(
            product.ledger, product.posts, product.file_queries, caller, post_id, wanted
        )

    async def rows(self, table: str) -> set[tuple[Any, ...]]:
        """Read what is served."""
        found = await self.written.product.database.fetch(f"select * from {table}")  # noqa: S608 - of a test
        return {tuple(map(_hashable, row)) for row in found}

    async def tables(self) -> list[str]:
        """Name the tables of all generations."""
        async with connected(self.url) as owner:
            rows = await owner.fetch(
                r"select tablename::text from pg_tables where tablename ~ '_g\d+$' order by 1"
            )
        return [row[0] for row in rows]

    async def served(self, name: str) -> int:
        """Tell which generation of a projection is served."""
        rows = await self.written.product.database.fetch(
            "select generation from projections where name = $1", name
        )
        generation: int = rows[0][0]
        return generation

    async def sound(self) -> bool:
        """Tell whether what is served is what the log says."""
        return (await verify(self.written.product.database, Codec(), lambda *_: None)).sound


def _hashable(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


@asynccontextmanager
async def rebuilding(url: str) -> AsyncIterator[Rebuilding]:
    """Write the history into an empty database."""
    async with history(url) as written:
        yield Rebuilding(written)
