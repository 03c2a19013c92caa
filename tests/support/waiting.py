"""Waiting for something that happens soon: until a condition holds, never for a while."""

import asyncio
from collections.abc import Awaitable, Callable

_DEADLINE_SECONDS = 30.0
_POLL_SECONDS = 0.005


async def eventually(
    condition: Callable[[], Awaitable[bool]], *, within: float = _DEADLINE_SECONDS
) -> bool:
    """Tell whether the condition comes to hold in time."""
    try:
        async with asyncio.timeout(within):
            while not await condition():  # noqa: ASYNC110 - the condition has no event
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError:
        return False
    return True
