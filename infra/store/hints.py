"""Hints that the log has grown, so that a live tail looks at once instead of at its next poll.

A hint may be lost and may come twice: whoever waits looks at the log itself. Within a process they
pass directly; between processes through a plain NATS subject, where there is NATS.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SUBJECT = "ledgerpress.hints.appended"


class Listener:
    """Wakes one waiter."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def wake(self) -> None:
        """End the present wait, or the next one."""
        self._event.set()

    async def wait(self, seconds: float) -> None:
        """Wait for a hint, no longer than this."""
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            pass
        self._event.clear()


class Hints:
    """The listeners of this process, and the way to those of others."""

    def __init__(self) -> None:
        self._listeners: set[Listener] = set()
        self._publish: Callable[[], None] | None = None

    def to_others(self, publish: Callable[[], None]) -> None:
        """Say how a hint reaches other processes."""
        self._publish = publish

    @contextmanager
    def listen(self) -> Iterator[Listener]:
        """Listen for hints while inside."""
        listener = Listener()
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    def appended(self) -> None:
        """Hint that this process appended something."""
        self.wake_all()
        if self._publish is not None:
            self._publish()

    def wake_all(self) -> None:
        """Wake the listeners of this process, as another process appended something."""
        for listener in self._listeners:
            listener.wake()
