"""A program that kills itself in the middle of a rebuild, or of going back, as `kill -9` would.

Run as `python -m tests.faults.rebuild_until_killed WHAT POINT PROCESSES`, with the URL of the
database on its input.
"""

import os
import signal
import sys
from datetime import UTC, datetime

import uvloop

from infra.projections import load
from infra.projections.rebuild import Ordered, Step, rebuild, undo
from projections.registry import PROJECTIONS


class Deadly:
    """Ends everything when the point is reached."""

    def __init__(self, point: str) -> None:
        self._point = point

    def step(self, step: Step) -> None:
        """Die at the beginning of a step."""
        self.reached(step)

    def loaded(self, read: int, total: int) -> None:  # noqa: ARG002 - as it is told
        """Die in the middle of loading."""
        self.reached("loaded")

    def now(self) -> datetime:
        """Die when all of the cut-over is done, and not committed."""
        self.reached("commit")
        return datetime.now(UTC)

    def reached(self, point: str) -> None:
        """Die if this is the point."""
        if point == self._point:
            os.kill(os.getpid(), signal.SIGKILL)


async def main(what: str, point: str, processes: int) -> None:
    """Do it with the posts; with several processes each part is a few events."""
    load.PART_EVENTS = 2
    deadly = Deadly(point)
    url = sys.stdin.readline().strip()
    order = Ordered(url, PROJECTIONS["posts"], deadly, deadly.now, processes)
    done = await rebuild(order) if what == "rebuild" else await undo(order)
    sys.stdout.write(f"{type(done).__name__}\n")


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
