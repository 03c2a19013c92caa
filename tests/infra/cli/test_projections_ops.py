"""`ledgerpress projections list|skip|repair`, started as an operator starts them."""

import asyncio
import json
import os
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from projections.registry import PROJECTIONS
from projections.status import State
from tests.support.commands import forked
from tests.support.log import Log, connected, open_log
from tests.support.projecting import (
    BY_PROJECTOR,
    SEARCH,
    caught_up,
    expire_lease,
    folded,
    follower,
    projecting,
    published,
    rows_of,
    status_of,
)

ROOT = Path(__file__).parents[3]

Said = tuple[int, str, str]


class Machine:
    """A database, and the command line beside it."""

    def __init__(self, url: str, folder: Path, log: Log) -> None:
        self._url = url
        self._folder = folder
        self.log = log

    async def run(self, *arguments: str) -> Said:
        """Run a command to its end; give its exit code and what it said."""
        done = await asyncio.to_thread(
            subprocess.run,
            [*forked(), "projections", *arguments],
            cwd=ROOT,
            env={
                "PATH": os.environ["PATH"],
                "LEDGERPRESS_DATA_DIR": str(self._folder),
                "LEDGERPRESS_DATABASE_URL": self._url,
                "COLUMNS": "200",
            },
            input="",
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    async def listed(self) -> dict[str, dict[str, Any]]:
        """List the projections, by name."""
        code, said, _ = await self.run("list", "--json")
        assert code == 0
        return {each["name"]: each for each in map(json.loads, said.splitlines())}


@pytest.fixture
async def machine(database_url: str, tmp_path: Path) -> AsyncIterator[Machine]:
    """Open an empty log."""
    async with open_log(database_url) as log:
        yield Machine(database_url, tmp_path, log)


async def test_list(machine: Machine) -> None:
    """A table for people, a line of JSON each for programs; what stands still is told apart."""
    await published(machine.log, "One")
    relay = "update projections set position = 2, heartbeat_at = clock_timestamp()"
    async with projecting(machine.log):
        await caught_up(machine.log)
        await machine.log.database.fetch(f"{relay} where name = 'relay'")
        listed = await machine.listed()
        code, table, warnings = await machine.run("list")
    await published(machine.log, "Two")
    await machine.log.database.fetch(
        "update projections set heartbeat_at = heartbeat_at - interval '4 seconds'"
    )
    _, later, stopped = await machine.run("list")

    assert sorted(listed) == sorted([*PROJECTIONS, "relay"])
    assert (listed["search"]["state"], listed["search"]["position"]) == ("current", 2)
    assert (code, warnings) == (0, "")
    assert [line.split() for line in table.splitlines() if line.startswith("search")] == [
        ["search", "current", "2", "0", "0.0", "1", "1"]
    ]
    assert [line.split()[:4] for line in later.splitlines() if line.startswith("search")] == [
        ["search", "stopped", "2", "2"]
    ]
    assert stopped.splitlines() == [
        f"projection {name} is stopped: 2 events behind"
        for name in sorted([*(each.name for each in BY_PROJECTOR), "relay"])
    ]


async def test_skip(machine: Machine, database_url: str) -> None:
    """Only of the event at which it is halted; the reason is in the log, and the rest is shown."""
    log, stop = machine.log, asyncio.Event()
    await published(log, "One")
    await published(log, "Two")
    async with connected(database_url) as owner:
        await owner.execute("set session_replication_role = replica")
        await owner.execute('update events set data = \'{"type": "x.y.v9"}\' where position = 2')
    one = follower(log, SEARCH)
    await one.catch_up(stop)
    listed = await machine.listed()
    _, _, shown = await machine.run("list")
    another = await machine.run("skip", "search", "--position", "3", "--reason", "No.")
    blank = await machine.run("skip", "search", "--position", "2", "--reason", " ")
    inline = await machine.run("skip", "posts", "--position", "2", "--reason", "No.")
    done = await machine.run("skip", "search", "--position", "2", "--reason", "See case 7.")
    again = await machine.run("skip", "search", "--position", "2", "--reason", "See case 7.")
    await one.catch_up(stop)
    await one.catch_up(stop)
    events = [
        (entry.position, entry.type, json.loads(entry.data))
        async for entry in log.log.entries(after=4)
    ]

    assert (listed["search"]["state"], listed["search"]["halted"]["position"]) == ("halted", 2)
    assert "projection search is halted at position 2: UnknownEventError: cannot" in shown
    assert (another[0], blank[0], inline[0]) == (1, 2, 2)
    assert "search is halted at 2: nothing was skipped" in another[2]
    assert done == (0, "search goes on after position 2\n", "")
    assert again[0] == 1
    assert "search is not halted" in again[2]
    skipped = {"name": "search", "position": 2, "reason": "See case 7."}
    tag = "projection.event-skipped.v1"
    assert events == [(5, tag, {"type": tag, **skipped})]
    assert (await status_of(log, SEARCH)).position == 5
    assert [row[4] for row in (await rows_of(log, SEARCH)).values()] == ["Two"]


async def test_repair(machine: Machine, database_url: str) -> None:
    """What an older log does not have is shown no more, and the projector goes on."""
    log, stop = machine.log, asyncio.Event()
    for title in ("One", "Two"):
        await published(log, title)
    nothing = await machine.run("repair", "search")
    await follower(log, SEARCH).catch_up(stop)
    async with connected(database_url) as owner:  # a restored backup lacks what came last
        await owner.execute("set session_replication_role = replica")
        await owner.execute("delete from events where position > 2")
    await expire_lease(log, SEARCH)
    await follower(log, SEARCH).catch_up(stop)
    ahead = await status_of(log, SEARCH)
    no_event = await machine.run("skip", "search", "--position", "5", "--reason", "No.")
    await published(log, "Three")
    done = await machine.run("repair", "search")
    await expire_lease(log, SEARCH)
    async with projecting(log):
        await caught_up(log)

    assert nothing[0] == 1
    assert "there is nothing to repair" in nothing[2]
    assert (ahead.state, ahead.position) == (State.AHEAD, 4)
    assert no_event[0] == 1
    assert "use `repair`" in no_event[2]
    assert done[0] == 0, done
    titles = sorted(row[4] for row in (await rows_of(log, SEARCH)).values())
    assert titles == ["One", "Three"]
    assert await rows_of(log, SEARCH) == await folded(log, SEARCH)
    assert (await status_of(log, SEARCH)).state is State.CURRENT
