"""Removes files that nobody will ask for: those of erased people, and of posts long deleted.

Erasing somebody removes their files itself; what a crash or an outage left of them goes here. Any
number of these may run at once: a file that is deleted already stays so.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from commands.file_removal import AT_ONCE, FileRemoval, erase_left_over, remove_unused
from workers.periodic import repeat

EVERY_SECONDS = 10.0


class FilesOfDeletedPosts:
    """Files that belonged to posts which are deleted; housekeeping forgets them in time."""

    def __init__(self, removal: FileRemoval, keep: timedelta) -> None:
        self._removal = removal
        self._keep = keep

    async def forget(self, now: datetime, most: int) -> int:
        """Remove no more than so many whose posts were all deleted long enough ago."""
        return await remove_unused(self._removal, now - self._keep, now, most)


async def run_file_remover(
    removal: FileRemoval,
    *,
    now: Callable[[], datetime],
    stop: asyncio.Event,
    every_seconds: float = EVERY_SECONDS,
) -> None:
    """Remove what is left of erased people, and again after each pause, until `stop` is set."""

    async def tick() -> None:
        while await erase_left_over(removal, now()) >= AT_ONCE and not stop.is_set():
            pass

    await repeat(tick, name="file remover", every_seconds=every_seconds, stop=stop)
