"""The table of rebuilds that are asked for, and doing one of them."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import msgspec

from domain import projection as history
from infra.postgres import Database
from infra.projections.generations import Busy
from infra.projections.rebuild import Ordered, Rebuild, Refused, Watch, rebuild
from projections.database import load_queries
from projections.rebuild_requests import (
    NotRebuilt,
    RebuildResult,
    RebuildState,
    RebuildStatus,
    TakenRebuild,
)
from projections.registry import PROJECTIONS

QUERIES = load_queries(Path(__file__).with_name("rebuild_requests.sql"))

SILENT_SECONDS = 10.0
"""A worker that says nothing for so long counts as dead."""
MOST_ATTEMPTS = 3
KEPT = timedelta(days=30)
"""How long what came of a rebuild can be read."""

_ASKED_AT_MOST = 5


class PostgresRebuildRequests:
    """See `projections.rebuild_requests`: both `RebuildRequests` and `RebuildQueue`."""

    def __init__(self, database: Database, silent_seconds: float = SILENT_SECONDS) -> None:
        self._database = database
        self._silent_seconds = silent_seconds

    async def ask(self, rebuild_id: UUID, name: str, account_id: UUID) -> UUID:
        """Queue a rebuild, and give its id; or that of the one that is under way already."""
        for _ in range(_ASKED_AT_MOST):
            if await self._database.fetch(QUERIES["ask"], rebuild_id, name, account_id):
                return rebuild_id
            rows = await self._database.fetch(QUERIES["under_way"], name)
            if rows:
                found: UUID = rows[0][0]
                return found
        raise RuntimeError(f"rebuilds of {name} begin and end all the time")

    async def one(self, rebuild_id: UUID) -> RebuildState | None:
        """Tell how a rebuild stands."""
        rows = await self._database.fetch(QUERIES["one"], rebuild_id)
        if not rows:
            return None
        id_, name, status, step, read, total, result, reason, by, at = rows[0]
        return RebuildState(
            id=id_,
            name=name,
            status=RebuildStatus(status),
            step=step,
            read=read,
            total=total,
            result=None if result is None else msgspec.json.decode(result, type=RebuildResult),
            reason=reason,
            requested_by=by,
            requested_at=at,
        )

    async def cancel(self, rebuild_id: UUID) -> bool:
        """Let a rebuild end without any effect; False where it is too late for that."""
        return bool(await self._database.fetch(QUERIES["cancel"], rebuild_id))

    async def take(self, worker: UUID) -> TakenRebuild | None:
        """Take the oldest that waits, or whose worker is silent; none where there is none."""
        rows = await self._database.fetch(
            QUERIES["take"], worker, self._silent_seconds, MOST_ATTEMPTS, list(PROJECTIONS)
        )
        return TakenRebuild(*rows[0]) if rows else None

    async def beat(self, taken: TakenRebuild, step: str | None, read: int, total: int) -> bool:
        """Say that the worker is alive, and how far it has come."""
        return await self._tell("beat", taken, step, read, total)

    async def complete(self, taken: TakenRebuild, result: RebuildResult) -> bool:
        """Say that it is done."""
        return await self._tell("complete", taken, msgspec.json.encode(result).decode())

    async def fail(self, taken: TakenRebuild, why: NotRebuilt) -> bool:
        """Say that it is not; it is tried again after a while where that is worth it."""
        return await self._tell("put_off" if why.again else "fail", taken, why.reason)

    async def give_back(self, taken: TakenRebuild) -> bool:
        """Let somebody else do it, from the beginning."""
        return await self._tell("give_back", taken)

    async def result(self, taken: TakenRebuild) -> RebuildResult | None:
        """Look in the log whether it is done already, by a worker that could not say so."""
        stream = history.stream(taken.name)
        rows = await self._database.fetch(QUERIES["rebuilt"], stream.id, str(taken.id))
        if not rows:
            return None
        done = msgspec.json.decode(rows[0][0], type=history.Rebuilt)
        return RebuildResult(done.generation, done.position, done.rows, done.differing, None)

    async def forget(self, now: datetime, most: int) -> int:
        """Delete no more than so many that are over for long; tell how many."""
        return len(await self._database.fetch(QUERIES["forget"], now - KEPT, most))

    async def _tell(self, query: str, taken: TakenRebuild, *news: object) -> bool:
        return bool(await self._database.fetch(QUERIES[query], taken.id, taken.worker, *news))


class Rebuilder:
    """Does what is asked for."""

    def __init__(
        self,
        url: str,
        requests: PostgresRebuildRequests,
        now: Callable[[], datetime],
        processes: int = 0,
    ) -> None:
        self._url = url
        self._requests = requests
        self._now = now
        self._processes = processes

    async def __call__(
        self, taken: TakenRebuild, watch: Watch, before_serving: Callable[[], Awaitable[None]]
    ) -> RebuildResult | NotRebuilt:
        """Rebuild, unless it is done already. Raises `StoreUnavailableError` on an outage."""
        earlier = await self._requests.result(taken)
        if earlier is not None:
            return earlier
        order = Ordered(
            self._url,
            PROJECTIONS[taken.name],
            watch,
            self._now,
            self._processes,
            before_serving=before_serving,
            asked_by=taken.requested_by,
            correlation=str(taken.id),
        )
        match await rebuild(order):
            case Rebuild(generation, compared, cut):
                return RebuildResult(
                    generation,
                    cut.position,
                    compared.rows,
                    compared.differing,
                    round(cut.held_seconds, 4),
                )
            case Busy():
                return NotRebuilt("Another rebuild of the projection is going on.", again=True)
            case Refused(reason):
                return NotRebuilt(reason)
