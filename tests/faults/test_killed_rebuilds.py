"""A rebuild that is killed at any point leaves what is served whole, and can be run again."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from infra.projections import load
from infra.projections.cut_over import CutOver
from infra.projections.rebuild import Rebuild, Refused, rebuild, undo
from tests.infra.projections.rebuilding import Quiet, Rebuilding, rebuilding
from tests.infra.store.verification.written import created


@pytest.fixture
async def short(database_url: str) -> AsyncIterator[Rebuilding]:
    """Give a product with a short history."""
    async with rebuilding(database_url) as made:
        yield made


async def killed(short: Rebuilding, what: str, point: str, processes: int) -> None:
    """Run a rebuild, or an undoing, that dies at a point."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.faults.rebuild_until_killed",
        what,
        point,
        str(processes),
        stdin=PIPE,
        stdout=PIPE,
    )
    said, _ = await child.communicate(f"{short.url}\n".encode())

    assert (child.returncode, said) == (-signal.SIGKILL, b"")


@pytest.mark.parametrize(
    ("point", "processes", "generation"),
    [
        ("begin", 1, 1),
        ("load", 1, 1),
        ("loaded", 2, 1),
        ("index", 1, 1),
        ("catch-up", 1, 1),
        ("compare", 1, 1),
        ("cut-over", 1, 1),
        ("commit", 1, 1),
        ("clean", 1, 2),
    ],
)
async def test_killed(short: Rebuilding, point: str, processes: int, generation: int) -> None:
    """One whole generation is served all the time; the next rebuild clears up and is done."""
    rows = await short.rows("posts"), await short.rows("former_slugs")
    await killed(short, "rebuild", point, processes)

    assert (await short.rows("posts"), await short.rows("former_slugs")) == rows
    assert await short.served("posts") == generation
    await created(short.written.product, short.written.people[0], "after")
    assert await short.sound()

    done = await rebuild(short.order("posts"))
    assert isinstance(done, Rebuild), done
    assert (done.generation, done.comparison.differing) == (generation + 1, 0)
    kept = [name for name in await short.tables() if name.startswith("posts")]
    assert kept == [f"posts_g{generation}", f"posts_g{generation + 1}"]
    assert await short.sound()


@pytest.mark.parametrize("point", ["cut-over", "commit"])
async def test_killed_on_the_way_back(short: Rebuilding, point: str) -> None:
    """What was served still is, and going back can be done again."""
    await rebuild(short.order("posts"))
    await created(short.written.product, short.written.people[0], "since")
    await killed(short, "undo", point, 1)

    assert await short.served("posts") == 2
    assert await short.sound()
    await created(short.written.product, short.written.people[0], "after")
    done = await undo(short.order("posts"))
    assert isinstance(done, CutOver), done
    assert await short.served("posts") == 1
    assert await short.sound()


async def test_a_part_of_it_killed(short: Rebuilding, monkeypatch: pytest.MonkeyPatch) -> None:
    """When one of its processes is killed the rebuild ends, says so, and leaves nothing."""
    monkeypatch.setattr(load, "PART_EVENTS", 2)

    class Killing(Quiet):
        def loaded(self, read: int, total: int) -> None:  # noqa: ARG002 - as it is told
            me = os.getpid()
            for pid in _children(me):
                if b"load_worker" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(pid, signal.SIGKILL)

    done = await rebuild(short.order("posts", Killing(), processes=2))

    assert done == Refused("a process of the rebuild has ended")
    assert [name for name in await short.tables() if name.startswith("posts")] == ["posts_g1"]
    assert await short.sound()


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += map(int, (task / "children").read_text(encoding="ascii").split())
    return found
