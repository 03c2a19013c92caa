"""A worker of exports for tests to lose: it dies, or falls asleep, at a point of its work.

Run as `python -m tests.faults.job_worker POINT CHANCE SEED`, with the database's URL and the folder
on standard input. The points, in order: started, writing, written, moved, completed; `any` is each
of them. `sleep` stops the process itself, once the export is in its place.
"""

import asyncio
import os
import random
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from commands.exports import Listed, Member, Written
from commands.jobs import TakenJob
from infra.bootstrap import open_product
from infra.exports.folder import ExportFolder
from infra.identity.passwords import CHEAP
from infra.jobs.leases import PostgresJobLeases
from infra.serve import export_sources
from tests.support.exporting import KEYS
from tests.support.services import settings_in
from workers.exports import export_work
from workers.jobs import JobContext, Pace, WorkDone, WorkFailed, run_jobs

LEASE_SECONDS = 1.0
PACE = Pace(look=0.1, rest=0.005, beat=0.2, grace=0.5)


class Fate:
    """Ends the process at a point, perhaps."""

    def __init__(self, point: str, chance: float, seed: int) -> None:
        self._point = point
        self._chance = chance
        self._random = random.Random(seed)  # noqa: S311 - repeatable

    def at(self, point: str) -> None:
        """Come by a point."""
        if self._point == "sleep" and point == "moved":
            self._point = "never"
            os.kill(os.getpid(), signal.SIGSTOP)
        elif self._point in {point, "any"} and self._random.random() < self._chance:
            os.kill(os.getpid(), signal.SIGKILL)


class DeadlyFolder(ExportFolder):
    """A place for exports with three points on the way to it."""

    def __init__(self, root: Path, fate: Fate) -> None:
        super().__init__(root)
        self._fate = fate

    async def write(
        self, name: str, members: Callable[[Sequence[Listed]], AsyncIterator[Member]]
    ) -> Written:
        """Write as always, past a point between members."""

        async def passing(listed: Sequence[Listed]) -> AsyncIterator[Member]:
            async for member in members(listed):
                if member.path == "index.html":
                    self._fate.at("writing")
                yield member

        return await super().write(name, passing)

    def _keep(self, part: Path, name: str) -> None:
        self._fate.at("written")
        super()._keep(part, name)
        self._fate.at("moved")


class DeadlyLeases(PostgresJobLeases):
    """Leases whose end is a point: by then the log has said how it ended."""

    fate: Fate

    async def give_up(self, taken: TakenJob) -> None:
        """Let go of it, if there is time."""
        self.fate.at("completed")
        await super().give_up(taken)


async def main(url: str, folder: Path, fate: Fate) -> None:
    """Work until SIGTERM."""
    settings = settings_in(folder)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with open_product(url, KEYS, hashing=CHEAP) as product:
        store = DeadlyFolder(folder / "files" / "exports", fate)
        leases = DeadlyLeases(product.database, LEASE_SECONDS)
        leases.fate = fate
        make = export_work(
            store, product.job_queries, product.log, export_sources(product, settings)
        )

        async def work(context: JobContext) -> WorkDone | WorkFailed:
            fate.at("started")
            return await make(context)

        sys.stdout.write("working\n")
        sys.stdout.flush()
        await run_jobs(
            product.jobs,
            leases,
            {"export": work},
            listen=product.hints.listen,
            stop=stop,
            pace=PACE,
        )


if __name__ == "__main__":
    asyncio.run(
        main(
            sys.stdin.readline().strip(),
            Path(sys.stdin.readline().strip()),
            Fate(sys.argv[1], float(sys.argv[2]), int(sys.argv[3])),
        )
    )
