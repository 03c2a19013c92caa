"""The projector: brings the projections that are not inline up to the head of the log.

Several may run: of each projection one is the leader, see `workers/leader.py`.
"""

import asyncio
import time
from collections.abc import Iterable, Sequence
from uuid import UUID

from commands.ports import StoreUnavailableError
from projections.following import Lease, ProjectorStore, RowRefusedError
from projections.registry import Projection
from projections.write import Write
from workers.leader import Leader, Listen, follow
from workers.page_folder import Decode, PageFolder
from workers.watching import Watching

PAGE_ROWS = 500


async def run_projector(
    projections: Iterable[Projection],
    store: ProjectorStore,
    *,
    decode: Decode,
    leader: UUID,
    listen: Listen,
    stop: asyncio.Event,
    watching: Watching | None = None,
) -> None:
    """Keep projections up to date until `stop` is set; each goes on whatever befalls the others."""
    async with asyncio.TaskGroup() as tasks:
        for projection in projections:
            follower = Follower(projection, store, decode=decode, leader=leader, watching=watching)
            tasks.create_task(follow(follower, listen, stop))


class Follower(Leader):
    """One projection as one process sees it: leading it, or waiting to."""

    def __init__(
        self,
        projection: Projection,
        store: ProjectorStore,
        *,
        decode: Decode,
        leader: UUID,
        watching: Watching | None = None,
    ) -> None:
        super().__init__(projection, store, leader)
        self._watching = watching or Watching()
        self.projection = projection
        self._store = store
        self._decode = decode
        self._folder = self._new_folder(frozenset())
        self._careful_until = 0
        """Up to this position each event is a batch of its own: together they were too much, or one
        of them was refused."""

    async def _begin_anew(self) -> None:
        """Forget the states, and read which events operators want left out."""
        self._folder = self._new_folder(await self._store.skipped(self.projection))

    def _new_folder(self, skipped: frozenset[int]) -> PageFolder:
        return PageFolder(self.projection, self._store, decode=self._decode, skipped=skipped)

    async def _advance(self) -> bool:
        """Fold one page; tell whether there may be more to do at once."""
        lease = self._lease
        if lease is None:
            return False
        if lease.halted is not None and lease.halted.position > lease.position:
            return await self._beat(lease)
        careful = lease.position < self._careful_until
        begun = time.time_ns()
        page = await self._store.page(lease.position, 1 if careful else PAGE_ROWS)
        if not page:
            return await self._rest(lease)
        writes, position, poison = await self._folder.fold(page, lease.position)
        if position > lease.position:
            try:
                moved = await self._write(lease, writes, position)
            except StoreUnavailableError:
                # Perhaps it was too much for the time that a write may take.
                self._careful_until = page[-1].position
                raise
            except RowRefusedError as error:
                await self._begin_anew()
                if len(page) > 1:
                    self._careful_until = page[-1].position
                    return True
                return await self._halt(lease, page[0], error)
            if not moved:
                return False
            await self._watching.folded(self.projection, lease.position, position, begun)
        if poison is not None and self._lease is not None:
            return await self._halt(self._lease, *poison)
        return True

    async def _write(self, lease: Lease, writes: Sequence[Write], position: int) -> bool:
        moved = await self._store.write(self.projection, lease, writes, (lease.position, position))
        if moved:
            self._moved(lease, position)
        else:
            self._lost()
        return moved
