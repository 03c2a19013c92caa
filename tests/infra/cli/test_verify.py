"""`ledgerpress events verify`, started as an operator starts it: what it says and how it ends."""

import asyncio
import json
import os
import pty
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.infra.store.verification.written import Written, history
from tests.support.commands import forked

PROGRAM = [sys.executable, "-m", "infra.cli", "events", "verify"]
ROOT = Path(__file__).parents[3]

Result = subprocess.CompletedProcess[str]


class Operator:
    """Whoever runs the command on a damaged or sound database."""

    def __init__(self, written: Written, folder: Path) -> None:
        self.written = written
        self._folder = folder

    async def verify(self, *arguments: str, url: str | None = None) -> Result:
        """Run the command to its end."""
        return await asyncio.to_thread(
            subprocess.run,
            [*forked(), "events", "verify", *arguments],
            cwd=ROOT,
            env=self.environment(url or self.written.url),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def environment(self, url: str) -> dict[str, str]:
        """Give the command's environment; whoever runs the tests plays no part."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return kept | {
            "LEDGERPRESS_DATA_DIR": str(self._folder),
            "LEDGERPRESS_DATABASE_URL": url,
        }


@pytest.fixture
async def operator(database_url: str, tmp_path: Path) -> AsyncIterator[Operator]:
    """Give somebody a database with a short history."""
    async with history(database_url) as written:
        yield Operator(written, tmp_path / "data")


async def test_sound(operator: Operator) -> None:
    """A sound log ends with 0 and says what was checked, for people and for programs."""
    people, programs = await asyncio.gather(operator.verify(), operator.verify("--json"))
    report = json.loads(programs.stdout)

    assert (people.returncode, programs.returncode) == (0, 0), people.stderr + programs.stderr
    assert "ok  positions" in people.stdout
    assert people.stdout.endswith("\nsound: 10 events in 5 streams, up to position 10\n")
    assert (report["sound"], report["head"]) == (True, 10)
    assert {check["name"] for check in report["checks"]} >= {"versions", "claims", "posts"}
    assert (people.stderr, programs.stderr) == ("", "")


async def test_mismatch(operator: Operator) -> None:
    """What does not hold is named by position, stream and row, and the command ends with 3."""
    await operator.written.damage(
        "update events set type = 'post.eaten.v1' where position = 8",
        "delete from claims where key = 'uno'",
    )
    people, programs = await asyncio.gather(operator.verify(), operator.verify("--json"))
    checks = {check["name"]: check for check in json.loads(programs.stdout)["checks"]}
    first, third = operator.written.first, operator.written.third

    assert (people.returncode, programs.returncode) == (3, 3)
    assert f"position 8, post/{third}" in people.stdout
    assert f"claims post.slug uno, {first}" in people.stdout
    assert "\nnot sound: " in people.stdout
    assert checks["tags"]["faults"] == checks["claims"]["faults"] == 1
    assert checks["tags"]["samples"][0]["position"] == 8
    assert checks["claims"]["samples"][0] == {
        "check": "claims",
        "says": "is missing",
        "row": "claims post.slug uno",
        "stream": str(first),
    }


async def test_rebuilt(operator: Operator) -> None:
    """With the table's name typed the claims are rebuilt first, and then everything holds."""
    await operator.written.damage("truncate claims")
    refused = await asyncio.gather(
        operator.verify("--rebuild-claims"),
        operator.verify("--rebuild-claims", "--confirm", "claim"),
        operator.verify("--confirm", "claims"),
    )
    nothing = await operator.written.claims()
    rebuilt = await operator.verify("--rebuild-claims", "--confirm", "claims")

    assert [result.returncode for result in refused] == [2, 2, 2]
    assert "--confirm claims" in refused[0].stderr
    assert nothing == set()
    assert rebuilt.returncode == 0
    assert rebuilt.stderr == "claims rebuilt: 0 before, 4 now\n"
    assert "sound: 10 events" in rebuilt.stdout


async def test_typed(operator: Operator) -> None:
    """On a terminal the name is asked for."""
    await operator.written.damage("truncate claims")
    code = await asyncio.to_thread(_typing, operator.environment(operator.written.url), b"claims\n")

    assert code == 0
    assert len(await operator.written.claims()) == 4


def _typing(environment: dict[str, str], answer: bytes) -> int:
    terminal, of_command = pty.openpty()
    command = subprocess.Popen(
        [*PROGRAM, "--rebuild-claims"],
        cwd=ROOT,
        env=environment,
        stdin=of_command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(of_command)
    os.write(terminal, answer)
    try:
        return command.wait(30)
    finally:
        os.close(terminal)


async def test_not_rebuilt(operator: Operator) -> None:
    """From a log that is not sound the claims are not rebuilt, and the command ends with 3."""
    await operator.written.damage(
        "update events set type = 'post.eaten.v1' where position = 8",
    )
    before = await operator.written.claims()
    result = await operator.verify("--rebuild-claims", "--confirm", "claims")

    assert (result.returncode, result.stdout) == (3, "")
    assert f"position 8, post/{operator.written.third}: the type is " in result.stderr
    assert await operator.written.claims() == before


async def test_down(operator: Operator) -> None:
    """A database out of reach is one clear line and ends with 5."""
    result = await operator.verify(url="postgresql://127.0.0.1:1/x")

    assert (result.returncode, result.stdout) == (5, "")
    assert "PostgreSQL is out of reach" in result.stderr
