"""Work that is done again and again until the process stops, whatever happens to one round."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from commands.ports import StoreUnavailableError

_log = structlog.stdlib.get_logger("ledgerpress.workers")


async def repeat(
    work: Callable[[], Awaitable[None]],
    *,
    name: str,
    every_seconds: float,
    stop: asyncio.Event,
) -> None:
    """Do the work now and after each pause, until `stop` is set.

    While the database is out of reach the work is left for the next round, and so is what a bug
    leaves undone; both are logged, an outage once.
    """
    reachable = True
    while not stop.is_set():
        try:
            await work()
        except StoreUnavailableError as error:
            if reachable:
                _log.warning("the database is out of reach", worker=name, error=str(error))
            reachable = False
        except Exception:  # noqa: BLE001 - one bad round must not end the worker
            _log.exception("a round failed", worker=name)
        else:
            if not reachable:
                _log.info("the database is back", worker=name)
            reachable = True
        await _pause(every_seconds, stop)


async def _pause(seconds: float, stop: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        pass
