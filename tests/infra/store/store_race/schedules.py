"""Schedules that leave nothing to luck: who goes when is forced by open transactions.

Each runs on an empty log and gives the history that `checks.violations` judges: no violation with
the real SQL, at least one with each broken variant.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg

from commands.ports import ANY_VERSION, Append
from domain.claim import Claim
from tests.infra.store.store_race.actors import SlowStore, attempt, read_on, slow_store
from tests.infra.store.store_race.checks import History
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
    vacating,
)

EDITS = (
    "update events set type = 'other' where position = 1",
    "delete from events where position = 1",
    "truncate events",
)


async def run_all(url: str) -> History:
    """Run every schedule, one after the other, on one log."""
    history = History()
    async with open_log(url) as log, slow_store(url, history) as slow, connected(url) as owner:
        stage = _Stage(log, slow, owner, history)
        await stage.refusals()
        await stage.rivals()
        await stage.rollback()
        await stage.edits()
        await read_on(log, "in the end", history)
    return history


class _Stage:
    def __init__(
        self, log: Log, slow: SlowStore, owner: asyncpg.Connection, history: History
    ) -> None:
        self._log = log
        self._slow = slow
        self._owner = owner
        self._history = history

    async def refusals(self) -> None:
        """Append one after the other: the first and the last are right, the others refused."""
        stream = a_stream()
        await self._attempt(
            append(stream, ARCHIVED, ARCHIVED, takes=[slug("a")], first_answer=answer("k"))
        )
        await self._attempt(append(stream))
        await self._attempt(append(stream, expected=1))
        await self._attempt(
            append(
                stream,
                expected=3,
                takes=[slug("free")],
                releases=[slug("a")],
                first_answer=answer("unused"),
            )
        )
        await self._attempt(append(a_stream(), takes=[slug("a")]))
        await self._attempt(append(a_stream(), first_answer=answer("k")))
        await self._attempt(append(a_stream(), releases=[slug("a")]))
        await self._attempt(vacating(append(a_stream()), "post.slug"))

    async def rivals(self) -> None:
        """One append is in flight when a second comes: the same stream, claim, key, or none."""
        stream, any_version = a_stream(), a_stream()
        rivals: Sequence[tuple[Append, Append]] = [
            (append(a_stream()), append(a_stream())),
            (append(stream), append(stream)),
            (
                append(any_version, expected=ANY_VERSION),
                append(any_version, expected=ANY_VERSION),
            ),
            (append(a_stream(), takes=[slug("b")]), append(a_stream(), takes=[slug("b")])),
            (
                append(a_stream(), takes=[Claim("used", "x")]),
                vacating(append(a_stream()), "used"),
            ),
            (
                append(a_stream(), first_answer=answer("l")),
                append(a_stream(), first_answer=answer("l")),
            ),
        ]
        for first, second in rivals:
            async with self._while_in_flight(first, second):
                await self._slow.commit()

    async def rollback(self) -> None:
        """Roll the append in flight back; the second may not mind."""
        for again in (True, False):
            first = append(a_stream(), takes=[slug("c" if again else "d")])
            second = append(a_stream(), takes=first.takes)
            async with self._while_in_flight(first, second):
                await self._slow.roll_back()

    async def edits(self) -> None:
        """Try, as the owner, what nobody may do; what works is undone and remembered."""
        for edit in EDITS:
            transaction = self._owner.transaction()
            await transaction.start()
            try:
                await self._owner.execute(edit)
                self._history.edits.append(edit)
            except asyncpg.InsufficientPrivilegeError:
                pass
            await transaction.rollback()

    @asynccontextmanager
    async def _while_in_flight(self, first: Append, second: Append) -> AsyncIterator[None]:
        """Start the second while the first is not committed; readers look in between."""
        await self._slow.append(first)
        task = asyncio.create_task(self._attempt(second))

        async def waits_or_is_done() -> bool:
            return task.done() or bool(
                await self._owner.fetchval(
                    "select exists (select from pg_stat_activity where"
                    " datname = current_database() and wait_event_type = 'Lock')"
                )
            )

        await until(waits_or_is_done)
        await read_on(self._log, "on its way", self._history)
        yield
        await task
        await read_on(self._log, "on its way", self._history)

    async def _attempt(self, one: Append) -> None:
        await attempt(self._log, one, self._history)
