"""Hints between processes over NATS. They may be lost, so nothing here ever fails or waits.

The connection is made and kept in the background; while there is none, hints stay in the process
and the live tails of others find new events at their next poll.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import nats.errors
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg

from infra.store.hints import SUBJECT, Hints

INTERVAL_SECONDS = 0.02
"""At most one hint in this time: those in between say nothing new."""

_CONNECT_SECONDS = 2
_CLOSE_SECONDS = 1.0

_TROUBLE = (nats.errors.Error, OSError, TimeoutError)

_log = structlog.stdlib.get_logger("ledgerpress.hints")


@asynccontextmanager
async def shared_hints(url: str, hints: Hints) -> AsyncIterator[None]:
    """Share a process's hints with the others while inside."""
    client = Client()
    publisher = _Publisher(client)
    connecting = asyncio.create_task(_connect(client, url, hints))
    hints.to_others(publisher.hint)
    try:
        yield
    finally:
        hints.to_others(_nobody)
        publisher.close()
        with contextlib.suppress(*_TROUBLE):
            if connecting.cancel():
                await asyncio.wait({connecting})
            else:
                # The library can only close what was once connected.
                await asyncio.wait_for(client.close(), _CLOSE_SECONDS)


async def _connect(client: Client, url: str, hints: Hints) -> None:
    async def heard(_: Msg) -> None:
        hints.wake_all()

    async def lost() -> None:
        if not client.is_closed:
            _log.info("the broker of hints is gone; live tails poll until it is back")

    # -1: it goes on for ever, also when the first attempt fails.
    await client.connect(
        url,
        name="ledgerpress",
        no_echo=True,
        connect_timeout=_CONNECT_SECONDS,
        max_reconnect_attempts=-1,
        error_cb=_note,
        disconnected_cb=lost,
    )
    await client.subscribe(SUBJECT, cb=heard)


class _Publisher:
    """Publishes the first hint at once, and one for all that come within the interval."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._loop = asyncio.get_running_loop()
        self._due: asyncio.TimerHandle | None = None
        self._next = 0.0
        self._sending: set[asyncio.Task[None]] = set()

    def hint(self) -> None:
        """Have a hint sent, soon. Costs next to nothing when one is due already."""
        if self._due is None:
            self._due = self._loop.call_at(max(self._next, self._loop.time()), self._send)

    def close(self) -> None:
        """Send nothing any more."""
        if self._due is not None:
            self._due.cancel()
        for task in self._sending:
            task.cancel()

    def _send(self) -> None:
        self._due = None
        self._next = self._loop.time() + INTERVAL_SECONDS
        # While it reconnects the client would keep what is published, and tell it late.
        if self._client.is_connected:
            task = self._loop.create_task(self._publish())
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _publish(self) -> None:
        with contextlib.suppress(*_TROUBLE):
            await self._client.publish(SUBJECT, b"")


def _nobody() -> None:
    """Take a hint that has nowhere to go."""


async def _note(error: Exception) -> None:
    _log.debug("the broker of hints has trouble", error=str(error))
