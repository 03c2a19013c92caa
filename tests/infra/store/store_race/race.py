"""A race of everybody against everybody, bounded in appends and in time, seeded in its choices."""

import asyncio
import random
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from urllib.parse import urlsplit

from commands.ports import ANY_VERSION, NO_STREAM, Append, Appended, StoreUnavailableError
from tests.infra.store.store_race.actors import attempt, read_on, slow_store
from tests.infra.store.store_race.checks import History, Row
from tests.support.log import (
    ARCHIVED,
    Log,
    a_stream,
    answer,
    append,
    connected,
    open_log,
    slug,
    until,
)

STORES = 3
CALLERS = 4
"""In each store, which has a pool of its own as a process would."""
APPENDS = 60
"""By each caller."""


class Race:
    """One race: few streams, slugs and keys, so that everybody meets everybody."""

    def __init__(self, url: str, seed: int) -> None:
        self.history = History()
        self._url = url
        self._seed = seed
        self._streams = [a_stream() for _ in range(5)]
        self._versions = dict.fromkeys(self._streams, 0)
        self._over = asyncio.Event()

    async def run(self) -> None:
        """Let all of them run until every caller is done, then let the readers reach the end."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(_long_transaction_elsewhere(self._url))
            logs = [await stack.enter_async_context(open_log(self._url)) for _ in range(STORES)]
            reading = await stack.enter_async_context(open_log(self._url))
            tails = [
                await stack.enter_async_context(_cancelled_at_the_end(self._tail(log, name)))
                for name, log in (("a tail", reading), ("a tail among writers", logs[0]))
            ]
            async with asyncio.TaskGroup() as around:
                around.create_task(self._poll(reading, "a poller"))
                around.create_task(self._poll(logs[0], "a poller among writers"))
                around.create_task(self._slow_transactions())
                around.create_task(self._terminate_backends())
                async with asyncio.TaskGroup() as callers:
                    for number, log in enumerate(logs):
                        for caller in range(CALLERS):
                            callers.create_task(
                                self._call(log, self._choices(f"{number} {caller}"))
                            )
                self._over.set()
            await until(lambda: self._all_at_the_end(reading))
            assert not any(tail.done() for tail in tails)

    def _choices(self, whose: str) -> random.Random:
        return random.Random(f"{self._seed} {whose}")  # noqa: S311 - nothing secret about a race

    async def _call(self, log: Log, choice: random.Random) -> None:
        for _ in range(APPENDS):
            one = self._any_append(choice)
            await attempt(log, one, self.history)
            outcome = self.history.attempts[-1].outcome
            if isinstance(outcome, Appended):
                self._versions[one.stream] = outcome.version

    def _any_append(self, choice: random.Random) -> Append:
        stream = choice.choice(self._streams)
        if choice.random() < 0.3:
            stream = a_stream()
            self._versions[stream] = NO_STREAM
        expected = choice.choice([self._versions[stream], self._versions[stream], ANY_VERSION])
        slugs = choice.sample("abcdef", k=2)
        return append(
            stream,
            *[ARCHIVED] * choice.randint(1, 3),
            expected=expected,
            takes=[slug(slugs[0])] if choice.random() < 0.3 else (),
            releases=[slug(slugs[1])] if choice.random() < 0.3 else (),
            first_answer=answer(f"key {choice.randint(1, 100)}") if choice.random() < 0.2 else None,
        )

    async def _slow_transactions(self) -> None:
        """Hold appends open for a while, then commit or roll back."""
        choice = self._choices("slow")
        while not self._over.is_set():
            # A new connection each time: the one before may have been terminated.
            with suppress(StoreUnavailableError):
                async with slow_store(self._url, self.history) as slow:
                    await slow.append(self._slow_append())
                    await asyncio.sleep(choice.uniform(0, 0.05))
                    await (slow.commit() if choice.random() < 0.7 else slow.roll_back())
            await asyncio.sleep(choice.uniform(0, 0.02))

    def _slow_append(self) -> Append:
        return append(self._streams[0], expected=ANY_VERSION)

    async def _terminate_backends(self) -> None:
        """Cut connections, of whoever it hits, at moments that the seed decides."""
        choice = self._choices("terminate")
        async with connected(self._url) as owner:
            while not self._over.is_set():
                await asyncio.sleep(choice.uniform(0.02, 0.15))
                pids = await owner.fetch(
                    "select pid from pg_stat_activity where datname = current_database()"
                    " and application_name = 'ledgerpress' order by backend_start"
                )
                if pids:
                    await owner.fetch("select pg_terminate_backend($1)", choice.choice(pids)[0])

    async def _poll(self, log: Log, name: str) -> None:
        while not self._over.is_set():
            with suppress(StoreUnavailableError):
                await read_on(log, name, self.history)
            await asyncio.sleep(0)

    async def _tail(self, log: Log, name: str) -> None:
        seen = self.history.readers.setdefault(name, [])
        while True:
            await asyncio.sleep(0)
            with suppress(StoreUnavailableError):
                async for entry in log.log.tail(after=seen[-1].position if seen else 0):
                    seen.append(Row(entry.position, entry.stream, entry.version, entry.event_id))

    async def _all_at_the_end(self, log: Log) -> bool:
        # A connection that was cut may only be noticed now.
        with suppress(StoreUnavailableError):
            head = await log.log.head()
            for name in ("a poller", "a poller among writers"):
                await read_on(log, name, self.history)
            return all(seen and seen[-1].position >= head for seen in self.history.readers.values())
        return False


@asynccontextmanager
async def _cancelled_at_the_end(
    work: Coroutine[None, None, None],
) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


@asynccontextmanager
async def _long_transaction_elsewhere(url: str) -> AsyncIterator[None]:
    """Keep a transaction that has written open in another database of the same server."""
    async with connected(url) as owner:
        name = "elsewhere_" + urlsplit(url).path[1:]
        await owner.execute(f'create database "{name}"')
        try:
            async with connected(urlsplit(url)._replace(path=f"/{name}").geturl()) as other:
                await other.execute("begin; create table t (x int); insert into t values (1)")
                yield
        finally:
            await owner.execute(f'drop database "{name}" with (force)')
