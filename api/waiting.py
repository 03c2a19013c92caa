"""Waiting for what takes long: Prefer's `respond-async` and `wait` (RFC 7240, section 4)."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from api.headers import Headers
from api.media_type import split_list

LONGEST_SECONDS = 20
"""The longest wait that is granted, so that no proxy gives up before."""
LOOK_SECONDS = 0.25

_WAIT = re.compile(r'wait[ \t]*=[ \t]*(?:"([0-9]{1,9})"|([0-9]{1,9}))[ \t]*(?:;|\Z)', re.IGNORECASE)
_ASYNC = re.compile(r"respond-async[ \t]*(?:;|=|\Z)", re.IGNORECASE)


class Patience(NamedTuple):
    """How long a client would like to wait for the result itself."""

    seconds: int
    """No longer than `LONGEST_SECONDS`."""
    applied: str | None
    """What of the preferences is honoured, for `Preference-Applied`."""


def patience(headers: Headers) -> Patience:
    """Read what the client prefers. Of several waits the first counts (section 2)."""
    prefer = headers.combined(b"prefer")
    if prefer is None:
        return Patience(0, None)
    applied: list[str] = []
    seconds: int | None = None
    for item in split_list(prefer):
        if _ASYNC.match(item) is not None and "respond-async" not in applied:
            applied.append("respond-async")
        found = _WAIT.match(item)
        if found is not None and seconds is None:
            seconds = min(int(found[1] or found[2]), LONGEST_SECONDS)
            applied.append(f"wait={seconds}")
    return Patience(seconds or 0, ", ".join(applied) or None)


async def wait_until(over: Callable[[], Awaitable[bool]], seconds: float) -> None:
    """Wait until something is over, no longer than this."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + seconds
    while loop.time() < ends and not await over():  # noqa: ASYNC110 - another process ends it
        await asyncio.sleep(min(LOOK_SECONDS, max(0.0, ends - loop.time())))
