"""`ledgerpress users import`, started as an operator starts it."""

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import bcrypt
import pytest

from tests.support.commands import forked
from tests.support.log import connected
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[3]
HASH = bcrypt.hashpw(b"correct horse", bcrypt.gensalt(4)).decode()

Result = subprocess.CompletedProcess[str]


class Operator:
    """Whoever runs the command."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url = url
        self._folder = folder

    async def imports(
        self, *lines: str, arguments: tuple[str, ...] = (), pipe: bool = False
    ) -> Result:
        """Import lines from a file or a pipe."""
        text = "\n".join(lines)
        file = self._folder / "accounts.ndjson"
        file.write_text(text, newline="")
        return await asyncio.to_thread(
            subprocess.run,
            [*forked(), "users", "import", "-" if pipe else str(file), *arguments],
            cwd=ROOT,
            env=self.environment(),
            input=text if pipe else "",
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def begin(self) -> subprocess.Popen[str]:
        """Start an import of what is yet to be written to a pipe."""
        return subprocess.Popen(
            [*forked(), "users", "import", "-"],
            cwd=ROOT,
            env=self.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def environment(self) -> dict[str, str]:
        """Give the command's environment; whoever runs the tests plays no part."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return kept | {
            "LEDGERPRESS_DATA_DIR": str(self._folder / "data"),
            "LEDGERPRESS_DATABASE_URL": self._url,
        }


@pytest.fixture
def operator(database_url: str, tmp_path: Path) -> Operator:
    """Give somebody an empty database."""
    return Operator(database_url, tmp_path)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """Look into the database."""
    async with connected(database_url) as connection:
        yield connection


def line(email: str, **members: object) -> str:
    """Write a good line."""
    return json.dumps({"email": email, "passwordHash": HASH} | members)


async def test_taken(operator: Operator, database: asyncpg.Connection) -> None:
    """Every line is an account, with its roles and its hash, and shut if it says so."""
    result = await operator.imports(
        "\ufeff" + line("ada@example.org", name="Ada", roles=["admin", "author"]) + "\r",
        "",
        line("bob@example.org", disabled=True),
        line("用户@例え.jp"),
    )
    rows = await database.fetch(
        "select roles, disabled, hash from accounts join account_passwords on account_id = id "
        "order by created_at, roles"
    )
    commands = await database.fetch("select metadata ->> 'command' from events order by position")

    assert (result.returncode, result.stdout) == (0, "")
    assert result.stderr.startswith("accounts: 3 taken, 0 known already, 0 refused in ")
    assert sorted((row[0], row[1]) for row in rows) == [
        (["admin", "author"], False),
        (["author"], False),
        (["author"], True),
    ]
    assert {row[2] for row in rows} == {HASH}
    assert [row[0] for row in commands] == ["ImportAccount"] * 4


async def test_refused(operator: Operator, database: asyncpg.Connection) -> None:
    """Wrong lines are told by number and reason, without a hash, and the others are taken."""
    lines = (
        line("ada@example.org"),
        line("ADA@example.org "),
        "not JSON " + HASH,
        line("bob@example.org", passwordHash=HASH[:-1]),
        line("eve@example.org", name="x" * 1_000_000),
        line("new@example.org"),
    )
    people = await operator.imports(*lines)
    programs = await operator.imports(*lines, arguments=("--json",), pipe=True)
    told = [json.loads(text) for text in programs.stdout.splitlines()]

    assert (people.returncode, programs.returncode) == (1, 1)
    assert [row.split()[:2] for row in people.stdout.splitlines()] == [
        ["line", "result"],
        ["3", "refused"],
        ["4", "refused"],
        ["5", "refused"],
        ["2", "known"],
    ]
    assert people.stderr.startswith("accounts: 2 taken, 1 known already, 3 refused in ")
    assert [(each["line"], each["result"]) for each in told] == [
        (1, "known"),
        (2, "known"),
        (3, "refused"),
        (4, "refused"),
        (5, "refused"),
        (6, "known"),
    ]
    assert told[4]["reason"] == "is longer than 16,384 bytes"
    assert HASH[:20] not in people.stdout + people.stderr + programs.stdout + programs.stderr
    assert await database.fetchval("select count(*) from accounts") == 2


async def test_many(operator: Operator, database: asyncpg.Connection) -> None:
    """More lines than are told at once are counted, and the report keeps the file's order."""
    lines = [line(f"person-{number}@example.org") for number in range(300)]
    first = await operator.imports(*lines, pipe=True)
    again = await operator.imports(*lines, *["x"] * 1001)

    assert (first.returncode, again.returncode) == (0, 1)
    assert await database.fetchval("select count(*) from accounts") == 300
    numbers = [int(row.split()[0].replace(",", "")) for row in again.stdout.splitlines()[1:-1]]
    assert numbers == [*range(301, 1301), *range(1, 301)]
    assert again.stdout.endswith("\nand 1 more, which --json tells\n")
    assert again.stderr.startswith("accounts: 0 taken, 300 known already, 1,001 refused in ")


async def test_interrupted(operator: Operator, database: asyncpg.Connection) -> None:
    """Ctrl-C ends a wait for lines, and says what was done."""
    command = operator.begin()
    assert command.stdin is not None
    command.stdin.write("\n".join(line(f"person-{number}@example.org") for number in range(100)))
    command.stdin.write("\nx\n")
    command.stdin.flush()

    async def all_there() -> bool:
        return bool(await database.fetchval("select count(*) = 100 from accounts"))

    assert await eventually(all_there)
    command.send_signal(signal.SIGINT)
    output, errors = await asyncio.to_thread(command.communicate)

    assert command.returncode == 130, errors
    assert errors.startswith("accounts: 100 taken, 0 known already, 1 refused in ")
    assert "is no JSON object" in output


async def test_wrong_use(operator: Operator) -> None:
    """A file that is not there, and a folder, are one clear line."""
    for arguments in ((str(ROOT / "nowhere.ndjson"),), (str(ROOT),), ()):
        result = await asyncio.to_thread(
            subprocess.run,
            [*forked(), "users", "import", *arguments],
            cwd=ROOT,
            env=operator.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

        assert (result.returncode, result.stdout) == (2, "")
        assert "Traceback" not in result.stderr
