"""Refuses at once, and asks in the background, while something that is needed does not answer.

Only the decision and the asking live here; what is asked, and how, is its owner's.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from commands.ports import StoreUnavailableError

FAILURES = 5
"""So many in a row, with no success between, and everybody is refused."""
PROBE_SECONDS = 0.25
"""How long it waits between two questions; recovery is noticed about as soon."""

_log = structlog.stdlib.get_logger("ledgerpress.database")


class CircuitBreaker:
    """Closed while all is well; open after `FAILURES` in a row, until a probe succeeds.

    The probe is the half-open state. No caller ever is it: they would wait for what is down, and
    where nobody calls, nothing would be found well again.
    """

    def __init__(self, probe: Callable[[], Awaitable[object]]) -> None:
        """Make a closed one. `probe` raises `StoreUnavailableError` while there is no answer."""
        self._probe = probe
        self._failures = 0
        self._reason = ""
        self._probing: asyncio.Task[None] | None = None
        self.failures = 0
        """Since the beginning: how often there was no answer."""
        self.openings = 0
        """Since the beginning: how often everybody came to be refused."""

    @property
    def is_open(self) -> bool:
        """Whether everybody is refused."""
        return self._probing is not None

    def admit(self) -> None:
        """Let the caller go on, or raise `StoreUnavailableError` at once."""
        if self._probing is not None:
            raise StoreUnavailableError(f"refused until it answers again: {self._reason}")

    def succeeded(self) -> None:
        """Hear of an answer."""
        self._failures = 0

    def failed(self, error: StoreUnavailableError) -> None:
        """Hear that there was none."""
        self._failures += 1
        self.failures += 1
        if self._failures >= FAILURES and self._probing is None:
            self._reason = str(error)
            self.openings += 1
            _log.warning("circuit breaker open", reason=self._reason)
            self._probing = asyncio.get_running_loop().create_task(self._until_it_answers())

    async def close(self) -> None:
        """Ask no more."""
        if self._probing is not None:
            self._probing.cancel()
            await asyncio.gather(self._probing, return_exceptions=True)
            self._probing = None

    async def _until_it_answers(self) -> None:
        while True:
            try:
                await self._probe()
            except StoreUnavailableError as error:
                self._reason = str(error)
                await asyncio.sleep(PROBE_SECONDS)
            else:
                break
        self._failures = 0
        self._probing = None
        _log.info("circuit breaker closed")
