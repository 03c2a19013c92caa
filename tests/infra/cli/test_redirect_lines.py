"""Specifies how files of redirects are read, and that they are taken over as they were meant."""

import asyncio
import json
import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from commands.redirects import NewRedirect
from infra.cli.redirect_lines import Told, read_csv, read_netlify
from tests.support.commands import forked
from tests.support.log import connected

ROOT = Path(__file__).parents[3]
NETLIFY = """\
# Old pages.
/old            /posts
/older   /docs  302   # for a while
   /oldest https://ok.example/a#b 308

/old            /posts  301
/news/*         /posts/:splat
/blog/:slug     /posts/slug/:slug  301
/store id=:id   /posts/:id  301
/forced         /posts  301!
/rewritten      /posts  200
/gone           /posts  404
/by-country     /posts  302  Country=de
https://other.example/a  /posts
/alone
/posts          /docs
/far            https://evil.example/
/chain          /old
"""
REFUSED = {
    7: "Splats",
    8: "Placeholders",
    9: "query parameters",
    10: "Forced",
    11: "The status must be",
    12: "The status must be",
    13: "country",
    14: "other hosts",
    15: "no target",
}
REFUSED_BY_RULES = {16: "itself answers", 17: "not followed", 18: "redirected itself"}


def test_lines_of_netlify() -> None:
    """Comments and blank lines are none; 301 is the status; what is not supported is refused."""
    told = list(read_netlify(NETLIFY))

    assert told[:4] == [
        Told(2, NewRedirect("/old", "/posts", 301)),
        Told(3, NewRedirect("/older", "/docs", 302)),
        Told(4, NewRedirect("/oldest", "https://ok.example/a#b", 308)),
        Told(6, NewRedirect("/old", "/posts", 301)),
    ]
    assert {line: reason for line, reason in told if isinstance(reason, str)}.keys() == set(REFUSED)
    for line, reason in told:
        assert isinstance(reason, NewRedirect) or REFUSED[line] in reason


def test_lines_of_csv() -> None:
    """Columns in any order, quoted where they must be; line numbers are those of the file."""
    told = list(
        read_csv(
            "target,path,status,activeUntil\n"
            "/posts,/old,307,2026-03-01T10:00:00+01:00\n"
            '"/posts?a=b,c",/older,,\n'
            "/posts,/a,301\n"
            "/posts,/b,200,\n"
            "/posts,/c,301,tomorrow\n"
            "/posts,/d,301,2026-03-01T10:00:00\n"
        )
    )

    assert told[:2] == [
        Told(2, NewRedirect("/old", "/posts", 307, None, datetime(2026, 3, 1, 9, tzinfo=UTC))),
        Told(3, NewRedirect("/older", "/posts?a=b,c", 301)),
    ]
    assert told[2:] == [
        Told(4, "There are 3 values for 4 columns."),
        Told(5, "The status must be one of 301, 302, 303, 307, 308."),
        Told(6, "activeUntil: It is no time such as 2026-11-23T03:09:49Z."),
        Told(7, "activeUntil: The time has no offset, such as Z."),
    ]


@pytest.mark.parametrize(
    "text", ["", "path\n/a\n", "path,target,colour\n/a,/b,red\n", "path,target,path\n", '"path,']
)
def test_what_is_no_such_csv_is_said_once(text: str) -> None:
    """Nothing of it is taken."""
    told = list(read_csv(text))

    assert [type(each.asked) for each in told] == [str]


@pytest.fixture
def environment(database_url: str, tmp_path: Path) -> dict[str, str]:
    """Give what the command needs to know."""
    known = {name: value for name, value in os.environ.items() if "LEDGERPRESS" not in name}
    return known | {
        "LEDGERPRESS_DATABASE_URL": database_url,
        "LEDGERPRESS_DATA_DIR": str(tmp_path / "data"),
        "LEDGERPRESS_GO_ALLOWED_HOSTS": "ok.example",
    }


async def _imported(
    file: Path, env: dict[str, str], *more: str
) -> subprocess.CompletedProcess[str]:
    return await asyncio.to_thread(
        subprocess.run,
        [*forked(), "redirects", "import", str(file), *more],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


async def test_a_file_is_taken_over(
    database_url: str, environment: dict[str, str], tmp_path: Path
) -> None:
    """What cannot be is told with its line; a second time nothing is new."""
    file = tmp_path / "_redirects"
    file.write_text(NETLIFY)
    first = await _imported(file, environment, "--json")
    second = await _imported(file, environment)
    lines = [json.loads(line) for line in first.stdout.splitlines()]
    async with connected(database_url) as owner:
        rows = await owner.fetch("select path, target, status from redirects order by path")

    assert first.returncode == second.returncode == 1, first.stderr
    assert [line["line"] for line in lines if line["result"] == "taken"] == [2, 3, 4]
    assert [line["line"] for line in lines if line["result"] == "known"] == [6]
    refused = {line["line"]: line["reason"] for line in lines if line["result"] == "refused"}
    expected = REFUSED | REFUSED_BY_RULES
    assert refused.keys() == expected.keys()
    assert all(expected[number] in reason for number, reason in refused.items()), refused
    assert "redirects: 0 taken, 4 known already, 12 refused" in second.stderr
    assert [tuple(row) for row in rows] == [
        ("/old", "/posts", 301),
        ("/older", "/docs", 302),
        ("/oldest", "https://ok.example/a#b", 308),
    ]
