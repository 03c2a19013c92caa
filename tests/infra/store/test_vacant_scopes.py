"""Appends that are written only while nobody holds a claim in a scope, on a real PostgreSQL."""

import asyncio
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from commands.ports import Append, Appended, ClaimTaken, Conflict, SeenChanged
from domain.claim import Claim
from domain.stream import Stream
from tests.support.log import Log, a_stream, append, open_log, resting, together, vacating

ROUNDS = 40


def use(thing: Stream, version: int = 1) -> Append:
    """Begin a stream that uses a thing which it has seen at this version."""
    user = a_stream()
    claim = Claim(f"use/{thing.id}", str(user.id))
    return resting(append(user, takes=[claim]), (thing, version))


def removal(thing: Stream) -> Append:
    """End a thing, if nobody uses it."""
    return vacating(append(thing, expected=1), f"use/{thing.id}")


async def a_thing(log: Log) -> Stream:
    """Begin a stream that others can use."""
    thing = Stream("file", uuid7())
    await log.store.append(append(thing))
    return thing


async def test_a_scope_with_a_claim_is_not_vacant(log: Log) -> None:
    """Nothing is written while anybody holds a claim in it; afterwards it is."""
    thing, other = await a_thing(log), await a_thing(log)
    first, second = use(thing), use(thing)
    await together(log, first, second, use(other))

    assert await log.store.append(removal(thing)) == ClaimTaken()
    await log.store.append(append(first.stream, expected=1, releases=first.takes))
    assert await log.store.append(removal(thing)) == ClaimTaken()
    await log.store.append(append(second.stream, expected=1, releases=second.takes))
    assert isinstance(await log.store.append(removal(thing)), Appended)
    assert await log.store.append(removal(other)) == ClaimTaken()


async def test_a_stale_version_is_told_first(log: Log) -> None:
    """Whoever lost a race decides anew before anybody asks who uses it."""
    thing = await a_thing(log)
    await log.store.append(use(thing))
    await log.store.append(append(thing, expected=1))

    assert await log.store.append(removal(thing)) == Conflict(2)


@pytest.mark.parametrize("used_first", [True, False])
async def test_of_two_that_wait_together_the_first_wins(log: Log, used_first: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """They are not of one group, as the one touches what the other rests on."""
    thing = await a_thing(log)
    both = [use(thing), removal(thing)]
    results = await together(log, *(both if used_first else reversed(both)))

    assert isinstance(results[0], Appended)
    assert results[1] == (ClaimTaken() if used_first else SeenChanged())


async def test_a_release_before_it_counts(log: Log) -> None:
    """Whoever asks for a vacant scope after the last user asked to leave gets it."""
    thing = await a_thing(log)
    user = use(thing)
    await log.store.append(user)
    results = await together(
        log, append(user.stream, expected=1, releases=user.takes), removal(thing)
    )

    assert [type(result) for result in results] == [Appended, Appended]


async def test_nothing_is_both_used_and_removed(log: Log, database_url: str) -> None:
    """Two processes, one that uses and one that removes: in each round exactly one succeeds."""
    won: set[UUID] = set()
    async with open_log(database_url) as other:
        for _ in range(ROUNDS):
            thing = await a_thing(log)
            used, removed = await asyncio.gather(
                log.store.append(use(thing)), other.store.append(removal(thing))
            )

            assert isinstance(used, Appended) is not isinstance(removed, Appended)
            if isinstance(removed, Appended):
                won.add(thing.id)
    held = await log.database.fetch("select scope from claims")

    assert len(held) == ROUNDS - len(won)
    assert not {row[0].partition("/")[2] for row in held} & {str(each) for each in won}
