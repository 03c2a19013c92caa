"""Look-ups that wait at the same moment share a query, and each sees all that came before it."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from projections.coalesce import Coalescer


class Source:
    """Answers when the test says so, with what is stored at the moment when it was asked."""

    def __init__(self) -> None:
        self.stored: dict[str, int] = {"a": 1, "b": 2, "c": 3}
        self.asked: list[list[str]] = []
        self.open = asyncio.Event()
        self.open.set()

    async def fetch(self, keys: Sequence[str]) -> Mapping[str, int]:
        """Look several keys up."""
        self.asked.append(list(keys))
        found = {key: self.stored[key] for key in keys if key in self.stored}
        await self.open.wait()
        if "poison" in keys:
            raise LookupError("poison")
        return found


async def turns(many: int = 5) -> None:
    """Let every other task go as far as it can."""
    for _ in range(many):
        await asyncio.sleep(0)


async def test_look_ups_of_one_moment_are_one_query() -> None:
    """Each gets its own value, one without a value gets None, and a key is asked for once."""
    source = Source()
    coalescer = Coalescer(source.fetch)

    values = await asyncio.gather(*map(coalescer.get, ["a", "b", "a", "missing", "c"]))

    assert values == [1, 2, 1, None, 3]
    assert source.asked == [["a", "b", "missing", "c"]]


async def test_a_look_up_never_joins_a_query_that_was_sent() -> None:
    """So it sees what was stored before it, also when an older query is still under way."""
    source = Source()
    coalescer = Coalescer(source.fetch)
    source.open.clear()
    before = asyncio.create_task(coalescer.get("a"))
    await turns()
    source.stored["a"] = 10
    after = asyncio.create_task(coalescer.get("a"))
    await turns()
    source.open.set()

    assert (await before, await after) == (1, 10)
    assert source.asked == [["a"], ["a"]]


async def test_queries_in_flight_are_bounded_and_the_next_group_gathers() -> None:
    """While all are under way those who come wait, and then go together."""
    source = Source()
    coalescer = Coalescer(source.fetch, in_flight=2)
    source.open.clear()
    tasks = []
    for key in ("a", "b", "c", "a", "b"):
        tasks.append(asyncio.create_task(coalescer.get(key)))
        await turns()
    asked_before = list(source.asked)
    source.open.set()

    assert await asyncio.gather(*tasks) == [1, 2, 3, 1, 2]
    assert asked_before == [["a"], ["b"]]
    assert source.asked[2:] == [["c", "a", "b"]]


async def test_a_group_is_bounded() -> None:
    """More keys than fit are asked for in several queries."""
    source = Source()
    coalescer = Coalescer(source.fetch, group=2)

    values = await asyncio.gather(*map(coalescer.get, "abcabc"))

    assert values == [1, 2, 3, 1, 2, 3]
    assert [len(keys) for keys in source.asked] == [2, 1]


async def test_a_failure_reaches_everybody_of_its_query_and_nobody_else() -> None:
    """Each who waited for it raises; the next query runs as if nothing had been."""
    source = Source()
    coalescer = Coalescer(source.fetch)

    failed = await asyncio.gather(*map(coalescer.get, ["a", "poison", "b"]), return_exceptions=True)

    assert [type(error) for error in failed] == [LookupError] * 3
    assert await coalescer.get("a") == 1


async def test_whoever_leaves_harms_nobody() -> None:
    """A look-up that is cancelled, before or after it was sent, leaves the others theirs."""
    source = Source()
    coalescer = Coalescer(source.fetch)
    source.open.clear()
    early, sent, staying = (asyncio.create_task(coalescer.get("a")) for _ in range(3))
    await asyncio.sleep(0)
    early.cancel()
    await turns()
    sent.cancel()
    await turns()
    source.open.set()

    assert await staying == 1
    assert early.cancelled()
    assert sent.cancelled()
    assert await coalescer.get("b") == 2


async def test_nobody_waits_for_ever_when_the_loop_closes() -> None:
    """If the query's own task is cancelled, those who wait for it are too."""
    source = Source()
    coalescer = Coalescer(source.fetch)
    source.open.clear()
    waiting = asyncio.create_task(coalescer.get("a"))
    await turns()
    [fetching] = coalescer._tasks  # noqa: SLF001 - what the loop cancels as it closes
    fetching.cancel()

    with pytest.raises(asyncio.CancelledError):
        await waiting
    source.open.set()
    assert await coalescer.get("b") == 2
