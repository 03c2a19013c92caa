"""Makes the claims again from the events, in one transaction."""

from typing import TYPE_CHECKING

import msgspec

from domain.claim import Claim
from infra.postgres import Database
from infra.store.codec import Codec
from infra.store.replay import PAGE_SECONDS, QUERIES, Fault, replay

if TYPE_CHECKING:
    from uuid import UUID

    from infra.store.replay import Connection

_BATCH = 1_000
_LOCK_SECONDS = 30.0


class Rebuilt(msgspec.Struct, frozen=True):
    """How many claims there were, and how many there are."""

    before: int
    after: int


async def rebuild_claims(database: Database, codec: Codec) -> Rebuilt | Fault:
    """Replace every claim by those of the streams' states.

    Appends wait for it, and those that lose patience are refused as in an outage.

    A fault of the log, or one name that two streams hold, leaves all as it was: nobody could tell
    then who holds what. Raises `StoreUnavailableError` on an outage.
    """
    try:
        async with database.connection() as connection, connection.transaction():
            await connection.execute(QUERIES["lock_appends"], timeout=_LOCK_SECONDS)
            extent = await connection.fetch(QUERIES["extent"], timeout=PAGE_SECONDS)
            head, events = extent[0]
            if head != events:
                _refuse(Fault("positions", f"the last is {head}, but there are {events} events"))
            before = await connection.fetchval(QUERIES["forget_claims"], timeout=PAGE_SECONDS)
            return Rebuilt(before, await _take_all(connection, codec))
    except _RefusedError as refused:
        return refused.fault


class _RefusedError(Exception):
    """Rolls the transaction back."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.says)
        self.fault = fault


def _refuse(fault: Fault) -> None:
    raise _RefusedError(fault)


async def _take_all(connection: "Connection", codec: Codec) -> int:
    taken = 0
    batch: list[tuple[Claim, UUID]] = []
    async for histories in replay(connection, codec, _refuse):
        batch += [(claim, history.stream.id) for history in histories for claim in history.claims()]
        if len(batch) >= _BATCH:
            await _take(connection, batch)
            taken += len(batch)
            batch = []
    if batch:
        await _take(connection, batch)
    return taken + len(batch)


async def _take(connection: "Connection", batch: "list[tuple[Claim, UUID]]") -> None:
    rows = await connection.fetch(
        QUERIES["take_claims"],
        [claim.scope for claim, _ in batch],
        [claim.key for claim, _ in batch],
        [id_ for _, id_ in batch],
        timeout=PAGE_SECONDS,
    )
    if len(rows) == len(batch):
        return
    free = {tuple(row) for row in rows}
    for claim, id_ in batch:
        # Taken twice in one batch, the first of the two was free.
        if claim not in free:
            holder = await connection.fetchval(QUERIES["holder"], *claim, timeout=PAGE_SECONDS)
            says = f"{claim.scope} {claim.key} is also held by {holder}"
            raise _RefusedError(Fault("claims", says, stream=str(id_)))
        free.remove(claim)
