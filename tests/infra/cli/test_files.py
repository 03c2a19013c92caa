"""`ledgerpress files check`, started as an operator starts it."""

import asyncio
import json
import os
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.commands import forked
from tests.support.product import Api, running_api
from tests.support.stored_files import a_file, some_bytes

ROOT = Path(__file__).parents[3]


@pytest.fixture
async def served(database_url: str) -> AsyncIterator[tuple[Api, dict[str, str]]]:
    """Give a product, and the environment in which a command finds it."""
    async with running_api(database_url) as api:
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        yield (
            api,
            kept
            | {
                "LEDGERPRESS_DATA_DIR": str(api.settings.data_dir),
                "LEDGERPRESS_DATABASE_URL": database_url,
                "COLUMNS": "200",
            },
        )


async def check(environment: dict[str, str], *arguments: str) -> tuple[int, str, str]:
    """Run the command without a terminal; give its exit code and what it said."""
    done = await asyncio.to_thread(
        subprocess.run,
        [*forked(), "files", "check", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


async def test_for_people_and_for_programs(served: tuple[Api, dict[str, str]]) -> None:
    """0 while all is there, whatever lies about; 3 once a file is missing, which is named."""
    api, environment = served
    file = await a_file(api, api.author, some_bytes(500))
    (place,) = (api.settings.data_dir / "files" / "sha256").glob("*/*")
    orphan = place.parents[1] / "ab" / ("ab" * 32)
    orphan.parent.mkdir(exist_ok=True)
    orphan.write_bytes(b"nobody's")
    code, said, _ = await check(environment, "--remove", "--deep")
    digest = place.name
    place.unlink()
    missing, wrong, _ = await check(environment)
    as_json, printed, _ = await check(environment, "--json")

    assert code == 0
    assert "1 removed" in said
    assert "sound: 2 stored, 1 named by files" in said
    assert not orphan.exists()
    assert missing == as_json == 3
    assert "not sound: 0 stored, 1 named by files" in wrong
    assert digest in wrong
    assert json.loads(printed) == {
        "sound": False,
        "stored": 0,
        "named": 1,
        "orphans": [],
        "leftBehind": 0,
        "missing": [{"digest": digest, "fileIds": [str(file.id)]}],
        "damaged": None,
        "removed": 0,
    }


async def test_without_a_database(served: tuple[Api, dict[str, str]]) -> None:
    """One clear line, and 5: a dependency is down."""
    _, environment = served
    nowhere = "postgresql://nobody@127.0.0.1:1/none"
    code, said, told = await check({**environment, "LEDGERPRESS_DATABASE_URL": nowhere})

    assert (code, said) == (5, "")
    assert told.count("\n") <= 3
