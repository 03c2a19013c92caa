"""`ledgerpress projections rebuild|compare|undo`, started as an operator starts them."""

import asyncio
import json
import os
import signal
import subprocess
from pathlib import Path

from tests.infra.projections.rebuilding import Rebuilding
from tests.support.commands import forked
from tests.support.log import connected
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[3]

Result = subprocess.CompletedProcess[str]


def _environment(url: str, folder: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return kept | {"LEDGERPRESS_DATA_DIR": str(folder), "LEDGERPRESS_DATABASE_URL": url}


async def _run(short: Rebuilding, folder: Path, *arguments: str) -> Result:
    return await asyncio.to_thread(
        subprocess.run,
        [*forked(), "projections", *arguments],
        cwd=ROOT,
        env=_environment(short.url, folder),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


async def test_for_people(short: Rebuilding, tmp_path: Path) -> None:
    """Each command says in a table what came of it, and what is served."""
    rebuilt = await _run(short, tmp_path, "rebuild", "posts", "--processes", "1")
    undone = await _run(short, tmp_path, "undo", "posts")

    assert (rebuilt.returncode, rebuilt.stderr) == (0, "")
    assert "former_slugs  1            1                0" in rebuilt.stdout
    assert "\n0 rows differ, at position 10\nposts: generation 2 is served since" in rebuilt.stdout
    assert (undone.returncode, undone.stderr) == (0, "")
    assert undone.stdout.startswith("posts: the earlier generation is served since position 11;")


async def test_for_programs(short: Rebuilding, tmp_path: Path) -> None:
    """Each line is JSON: the steps, and what came of it at the end."""
    rebuilt = await _run(short, tmp_path, "rebuild", "accounts", "--json", "--processes", "1")
    lines = [json.loads(line) for line in rebuilt.stdout.splitlines()]

    assert (rebuilt.returncode, rebuilt.stderr) == (0, "")
    assert [line["step"] for line in lines[:-1]] == [
        *("begin", "load", "load", "index", "catch-up", "compare", "cut-over", "clean")
    ]
    assert (lines[2]["events"], lines[2]["of"]) == (3, 3)
    assert {name: lines[-1][name] for name in ("name", "done", "generation", "differing")} == {
        "name": "accounts",
        "done": "rebuilt",
        "generation": 2,
        "differing": 0,
    }


async def test_what_differs(short: Rebuilding, tmp_path: Path) -> None:
    """A comparison that finds something ends with 3, and names the rows."""
    await short.written.damage("update posts set slug = 'x' where id = '{self.second}'")
    compared = await _run(short, tmp_path, "compare", "posts", "--processes", "1")

    assert (compared.returncode, compared.stderr) == (3, "")
    assert f"posts  {short.written.second}  is wrong in slug" in compared.stdout
    assert "\n1 row differs, at position 10\n" in compared.stdout


async def test_what_cannot_be_done(short: Rebuilding, tmp_path: Path) -> None:
    """It ends with 1 and one line that says why; a name that is no projection's, with 2."""
    undone = await _run(short, tmp_path, "undo", "accounts")
    unknown = await _run(short, tmp_path, "rebuild", "poems")

    assert undone.returncode == 1
    assert "there is no earlier generation of accounts to go back to" in undone.stderr
    assert unknown.returncode == 2


async def test_interrupted(short: Rebuilding, tmp_path: Path) -> None:
    """Ctrl-C in the middle ends it with 130 and leaves nothing of it."""
    async with connected(short.url) as reader, reader.transaction():
        await reader.execute("lock table posts_g1 in access exclusive mode")
        child = await asyncio.create_subprocess_exec(
            *forked(),
            "projections",
            *("rebuild", "posts"),
            cwd=ROOT,
            env=_environment(short.url, tmp_path),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

        async def waits() -> bool:
            found: bool = await reader.fetchval(
                "select exists (select from pg_locks where relation = 'posts_g1'::regclass"
                " and not granted)"
            )
            return found

        assert await eventually(waits)
        child.send_signal(signal.SIGINT)
        said, errors = await child.communicate()

    assert (child.returncode, said, errors.strip()) == (130, b"", b"")
    assert "posts_g2" not in await short.tables()
    assert await short.sound()
