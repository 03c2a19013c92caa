"""Housekeeping: what is kept for a time goes after it, a few rows at a time, and nothing else."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from commands.identity import Pending
from commands.sessions import Renewed
from infra.bootstrap import Product, open_product
from infra.identity.email_tokens import PostgresPasswordResets
from infra.identity.passwords import CHEAP
from infra.identity.sessions import KEPT, PostgresSessions
from infra.serve import kept_for_a_time
from infra.store.answers import PostgresAnswers
from tests.support.accounts import AT, random_keys, registered
from tests.support.sessions import session_of
from tests.support.waiting import eventually
from workers.housekeeping import Forgetful, run_housekeeping

DAY = timedelta(hours=24)
SECOND = timedelta(seconds=1)


@pytest.fixture
async def product(database_url: str) -> AsyncIterator[Product]:
    """Open the product on an empty log."""
    async with open_product(database_url, random_keys(), hashing=CHEAP) as product:
        yield product


async def an_answer(product: Product, at: datetime) -> None:
    """Keep an answer to an idempotency key."""
    insert = "insert into idempotency_keys values ($1, 'key', '', '', $2)"
    await product.database.fetch(insert, uuid7(), at)


async def a_registration(product: Product, expires_at: datetime) -> None:
    """Let somebody wait for a message."""
    pending = Pending(
        account_id=uuid7(),
        email="ada@example.org",
        email_hash="hash",
        name=None,
        password_hash="not a hash",  # noqa: S106 - it opens nothing
        expires_at=expires_at,
    )
    await product.registrations.put(uuid7().bytes, pending)


async def a_reset(product: Product, expires_at: datetime) -> None:
    """Keep a token for a new password."""
    resets = PostgresPasswordResets(product.database)
    await resets.put(uuid7().bytes, uuid7(), expires_at)


async def a_session(product: Product, who: UUID, expires_at: datetime, tokens: int = 1) -> None:
    """Keep a session that was renewed so often."""
    session = session_of(who, started_at=expires_at - DAY, lasting=DAY)
    tokens_of_it = [uuid7().bytes for _ in range(tokens)]
    await product.sessions.store.start(session, tokens_of_it[0])
    for used, following in pairwise(tokens_of_it):
        renewed = await product.sessions.store.renew(used, following, session.started_at)
        assert isinstance(renewed, Renewed)


async def counted(product: Product) -> tuple[int, ...]:
    """Count the answers, registrations, resets, sessions and refresh tokens."""
    tables = ("idempotency_keys", "registrations", "password_resets", "sessions", "refresh_tokens")
    counts = ", ".join(f"(select count(*) from {table})" for table in tables)  # noqa: S608 - ours
    (row,) = await product.database.fetch(f"select {counts}")
    return tuple(row)


async def swept(
    product: Product, kept: Sequence[Forgetful], *, at_once: int, left: tuple[int, ...]
) -> bool:
    """Run the worker until no more than this is left, and tell whether it came to that."""
    stop = asyncio.Event()
    running = asyncio.create_task(
        run_housekeeping(kept, now=lambda: AT, stop=stop, at_once=at_once)
    )

    async def done() -> bool:
        return await counted(product) == left

    try:
        return await eventually(done)
    finally:
        stop.set()
        async with asyncio.timeout(30):
            await running


async def test_what_is_out_of_its_time_goes(product: Product) -> None:
    """Answers after a day, sessions a week after their end, what was mailed at its end."""
    who = await registered(product)
    for late in (timedelta(0), -SECOND):
        await an_answer(product, AT - DAY - late)
        await a_registration(product, AT - late)
        await a_reset(product, AT - late)
        await a_session(product, who, AT - KEPT - late, tokens=3)

    assert await counted(product) == (2, 2, 2, 2, 6)
    assert await swept(product, kept_for_a_time(product), at_once=100, left=(1, 1, 1, 1, 3))
    (row,) = await product.database.fetch("select expires_at from sessions")
    assert row[0] == AT - KEPT + SECOND


@pytest.mark.parametrize("at_once", [1, 2, 3, 4])
async def test_a_few_at_a_time(product: Product, at_once: int) -> None:
    """However small the steps, one round takes all; no statement deletes more than a step."""
    who = await registered(product)
    for _ in range(4):
        await an_answer(product, AT - DAY)
        await a_registration(product, AT)
        await a_reset(product, AT)
        await a_session(product, who, AT - KEPT, tokens=3)
    kept = [_Counted(each) for each in kept_for_a_time(product)]

    assert await swept(product, kept, at_once=at_once, left=(0, 0, 0, 0, 0))
    assert max(most for each in kept for most in each.deleted) == at_once


async def test_several_may_run(product: Product) -> None:
    """Two at once delete everything once."""
    for _ in range(50):
        await an_answer(product, AT - DAY)
        await a_registration(product, AT)
        await a_reset(product, AT)
    kept = [[_Counted(each) for each in kept_for_a_time(product)] for _ in range(2)]
    swept_by_both = await asyncio.gather(
        *(swept(product, each, at_once=2, left=(0, 0, 0, 0, 0)) for each in kept)
    )

    assert swept_by_both == [True, True]
    assert sum(sum(one.deleted) for each in kept for one in each) == 150


async def test_who_renews_at_that_moment_is_not_waited_for(product: Product) -> None:
    """A session that lives is looked at by no statement of the housekeeping."""
    who = await registered(product)
    await a_session(product, who, AT + DAY, tokens=2)
    sessions = PostgresSessions(product.database)

    assert await sessions.forget(AT, 10) == 0
    assert await PostgresAnswers(product.database).forget(AT, 10) == 0
    assert await counted(product) == (0, 0, 0, 1, 2)


class _Counted:
    """Notes how many rows each call deletes."""

    def __init__(self, kept: Forgetful) -> None:
        self._kept = kept
        self.deleted: list[int] = []

    async def forget(self, now: datetime, most: int) -> int:
        """Delete, and note how many."""
        deleted = await self._kept.forget(now, most)
        self.deleted.append(deleted)
        return deleted
