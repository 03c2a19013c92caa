"""Work that is done again and again until the process stops, whatever happens to one round."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from commands.ports import StoreUnavailableError

_log = structlog.stdlib.get_logger("ledgerpress.workers")


async def repeat(
    work: Callable[[], Awaitable[None]],
    *,
    name: str,
    every_seconds: float,
    stop: asyncio.Event,
    wake: asyncio.Event | None = None,
) -> None:
    """Do the work now and after each pause, until `stop` is set; `wake` ends a pause early.

    While the database is out of reach the work is left for the next round, and so is what a bug
    leaves undone; both are logged, an outage once.
    """
    reachable = True
    wakes = [stop] if wake is None else [stop, wake]
    while not stop.is_set():
        if wake is not None:
            wake.clear()  # before the work: what comes during it may need another round
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
        await _pause(every_seconds, wakes)


async def _pause(seconds: float, wakes: Sequence[asyncio.Event]) -> None:
    waiting = [asyncio.ensure_future(event.wait()) for event in wakes]
    try:
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waiting:
            one.cancel()
