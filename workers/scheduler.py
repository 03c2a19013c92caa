"""The scheduler: publishes scheduled posts when their time has come.

Several may run at once. Each publication is decided from the post's stream and appended at an
expected version, so of two schedulers one publishes and the other finds it done.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

import structlog

from commands.handle import Ledger, Settled
from commands.ports import StoreUnavailableError
from commands.posts import Posts, publish_due
from workers.periodic import repeat

EVERY_SECONDS = 1.0
_BATCH = 100

_log = structlog.stdlib.get_logger("ledgerpress.scheduler")


class DuePosts(Protocol):
    """Knows which posts are due."""

    async def due(self, now: datetime, limit: int) -> Sequence[UUID]:
        """List scheduled posts whose time has come, the longest due first."""
        ...


async def run_scheduler(
    ledger: Ledger,
    posts: Posts,
    queries: DuePosts,
    *,
    now: Callable[[], datetime],
    stop: asyncio.Event,
    every_seconds: float = EVERY_SECONDS,
) -> None:
    """Publish what is due, and again after each pause, until `stop` is set."""

    async def tick() -> None:
        await publish_all_due(ledger, posts, queries, now())

    await repeat(tick, name="scheduler", every_seconds=every_seconds, stop=stop)


async def publish_all_due(ledger: Ledger, posts: Posts, queries: DuePosts, now: datetime) -> int:
    """Publish every post that is due at this moment; tell how many this call published."""
    published = 0
    while due := await queries.due(now, _BATCH):
        together = await asyncio.gather(
            *(_publish(ledger, posts, post_id, now) for post_id in due), return_exceptions=True
        )
        done = sum(result for result in together if isinstance(result, bool))
        for post_id, result in zip(due, together, strict=True):
            if isinstance(result, BaseException):
                # Posts read together can fail together: alone, only the one at fault does.
                done += await _publish_alone(ledger, posts, post_id, now)
        published += done
        if done == 0:
            # What is still due waits for the next round, so a stubborn post cannot spin.
            break
    return published


async def _publish_alone(ledger: Ledger, posts: Posts, post_id: UUID, now: datetime) -> bool:
    try:
        return await _publish(ledger, posts, post_id, now)
    except StoreUnavailableError:
        raise
    except Exception:  # noqa: BLE001 - a bug in one post must not hold up the others
        _log.exception("a due post cannot be published", post=str(post_id))
        return False


async def _publish(ledger: Ledger, posts: Posts, post_id: UUID, now: datetime) -> bool:
    """Publish one post, and tell whether this call did."""
    outcome = await publish_due(ledger, posts, post_id, now)
    if isinstance(outcome, Settled):
        return outcome.appended
    # It changed since it was listed: a hold, a deletion. Then it is no longer due.
    _log.info("a due post was not published", post=str(post_id), why=repr(outcome))
    return False
