"""Reads that wait for the database at the same moment, fetched in one query."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Coalescer(Generic[K, V]):
    """Groups single look-ups into one call of `fetch_many`, which may leave keys out.

    A look-up joins only a query that is not sent yet, so it always sees what was committed before
    it. While one query runs the next group gathers: the busier, the larger the groups.
    """

    def __init__(
        self,
        fetch_many: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]],
        *,
        in_flight: int = 1,
        group: int = 64,
    ) -> None:
        self._fetch_many = fetch_many
        self._free = in_flight
        self._group = group
        self._waiting: dict[K, list[asyncio.Future[V | None]]] = {}
        self._scheduled = False
        self._tasks: set[asyncio.Task[None]] = set()

    async def get(self, key: K) -> V | None:
        """Give the key's value, or None where there is none."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[V | None] = loop.create_future()
        self._waiting.setdefault(key, []).append(future)
        if self._free and not self._scheduled:
            self._scheduled = True
            loop.call_soon(self._send)
        return await future

    def _send(self) -> None:
        self._scheduled = False
        while self._waiting and self._free:
            keys = list(self._waiting)[: self._group]
            group = {key: self._waiting.pop(key) for key in keys}
            self._free -= 1
            task = asyncio.get_running_loop().create_task(self._fetch(group))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _fetch(self, group: dict[K, list[asyncio.Future[V | None]]]) -> None:
        try:
            values = await self._fetch_many(list(group))
        except Exception as error:  # noqa: BLE001 - each waiter raises it as its own
            # Those who gather behind a query that failed would only wait as long again.
            behind, self._waiting = self._waiting, {}
            for future in (*_pending(group), *_pending(behind)):
                future.set_exception(error)
        else:
            for key, futures in group.items():
                value = values.get(key)
                for future in futures:
                    if not future.done():
                        future.set_result(value)
        finally:
            # Cancelled (the loop is closing): nobody may be left waiting for ever.
            for future in _pending(group):
                future.cancel()
            self._free += 1
            self._send()


def _pending(group: dict[K, list[asyncio.Future[V | None]]]) -> list[asyncio.Future[V | None]]:
    return [future for futures in group.values() for future in futures if not future.done()]
