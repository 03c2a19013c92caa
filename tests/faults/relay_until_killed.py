"""A relay that is killed between the acknowledgement of messages and its checkpoint.

Run as `python -m tests.faults.relay_until_killed URL NATS_URL MOVES`: after so many moves of the
checkpoint it ends at once and without any goodbye.
"""

import asyncio
import os
import signal
import sys

from tests.support.log import open_log
from tests.support.relaying import relaying
from workers.relay import Relay


async def main(url: str, nats_url: str, moves: int) -> None:
    """Run until it is killed."""
    move = Relay._move  # noqa: SLF001 - the moment is inside, between two calls
    left = moves

    async def moved(relay: Relay, position: int) -> bool:
        nonlocal left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        return await move(relay, position)

    setattr(Relay, "_move", moved)  # noqa: B010 - mypy knows no other way to replace a method
    async with open_log(url) as log, relaying(log, nats_url):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
