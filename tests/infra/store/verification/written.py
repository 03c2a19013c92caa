"""A short history to verify, and the hand that damages it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

import msgspec

from commands.accounts import change_account
from commands.handle import Caller
from commands.outcomes import Changed, Created, Outcome, Unchanged
from commands.posts import PostChange, change_post, create_post
from domain.account_decisions import Disable
from domain.post import Category
from domain.post_decisions import Create, Delete, Edit, PostCommand, Publish
from domain.stream import Actor, Role
from infra.bootstrap import Product, open_product
from infra.identity.passwords import CHEAP
from infra.store.codec import Codec
from infra.store.replay import Fault
from infra.store.verify import SAMPLES, Report, verify
from tests.support.accounts import AT, OPERATOR, random_keys, registered
from tests.support.log import connected

MINUTE = timedelta(minutes=1)


class Written(msgspec.Struct, frozen=True):
    """A product with a short history, of ten events in five streams.

    Positions 1 and 2 registered the people. `first` was created (3), edited and renamed at once
    (4, 5), published (6); `second` was created (7) with the slug that `first` left; `third` was
    created (8) and deleted (9). The last event (10) disabled the second person.
    """

    product: Product
    url: str
    people: list[UUID]
    first: UUID
    second: UUID
    third: UUID

    async def damage(self, *statements: str) -> None:
        """Do what the log's triggers are there to refuse."""
        async with connected(self.url) as superuser:
            await superuser.execute("set session_replication_role = replica")
            for statement in statements:
                await superuser.execute(statement.format(self=self))

    async def verify(self) -> Report:
        """Verify, and hold the report against itself."""
        report = await verify(self.product.database, Codec(), lambda *_: None)

        assert report.sound == (not any(check.faults for check in report.checks))
        assert all(len(c.samples) == min(c.faults, SAMPLES) for c in report.checks)
        return report

    async def claims(self) -> set[tuple[str, str, UUID]]:
        """Read the table."""
        rows = await self.product.database.fetch("select scope, key, owner_id from claims")
        return {tuple(row) for row in rows}


async def created(product: Product, author: UUID, slug: str) -> UUID:
    """Create a post."""
    post_id = product.ledger.new_id()
    command = Create(post_id, author, "A title", "Text.", Category.TECH, slug)
    outcome = await create_post(
        product.ledger, product.posts, product.file_queries, OPERATOR, command
    )
    assert isinstance(outcome, Created), outcome
    return post_id


async def changed(product: Product, author: UUID, post_id: UUID, command: PostCommand) -> Outcome:
    """Change a post as its author."""

    async def wish(_: object) -> PostCommand:
        return command

    caller = Caller(Actor(author, frozenset({Role.AUTHOR})), AT + MINUTE, "Test")
    wanted = PostChange(type(command), wish, lambda: None)
    outcome = await change_post(
        product.ledger, product.posts, product.file_queries, caller, post_id, wanted
    )
    assert not isinstance(outcome, Unchanged)
    return outcome


@asynccontextmanager
async def history(url: str) -> AsyncIterator[Written]:
    """Write the history into an empty database."""
    async with open_product(url, random_keys(), hashing=CHEAP) as product:
        people = [await registered(product), await registered(product, "grace@example.org")]
        first = await created(product, people[0], "one")
        await changed(product, people[0], first, Edit(content="More text.", slug="uno"))
        await changed(product, people[0], first, Publish())
        second = await created(product, people[0], "one")
        third = await created(product, people[0], "three")
        await changed(product, people[0], third, Delete())
        disabled = await change_account(product.accounts, OPERATOR, people[1], Disable())
        assert isinstance(disabled, Changed)
        yield Written(product, url, people, first, second, third)


def found(report: Report) -> dict[str, list[Fault]]:
    """Give the samples of the checks that do not hold."""
    return {check.name: check.samples for check in report.checks if check.faults}


def told(fault: Fault) -> str:
    """Put a fault into words."""
    position = None if fault.position is None else f"position {fault.position}"
    where = ", ".join(part for part in (position, fault.row, fault.stream) if part)
    return f"{where}: {fault.says}|{fault.row}: {fault.says}|{fault.stream}: {fault.says}"
