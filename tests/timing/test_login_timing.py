"""How long an attempt to sign in takes tells nobody whether there is an account (Guide 2, bug 2).

Run by `make timing` alone: it takes minutes, as every attempt computes what production computes.
How two kinds of attempt are compared, and when they count as the same, is in `comparison.py`.

What is compared is the whole answer, at the client, over loopback: nobody on a network sees more.
"""

import random
from collections.abc import AsyncIterator, Mapping

import httpx
import numpy as np
import pytest
from rich.console import Console
from rich.table import Table

from tests.timing.attempts import ARGON2ID, KINDS, UNKNOWN, Logins, logins, timed_blocks
from tests.timing.comparison import ERROR, MARGIN, Comparison, Verdict, compare_all

WARM_UP = 10
BLOCKS = 200
LOOKS = 3
"""On a quiet machine the first 200 blocks decide; on a noisy one it takes more."""

pytestmark = pytest.mark.timeout(1800)


@pytest.fixture
async def servers(database_url: str, redis_url: str) -> AsyncIterator[Logins]:
    """Serve the product and the faulty login."""
    async with logins(database_url, redis_url) as running:
        yield running


async def test_every_kind_of_attempt_takes_the_same_time(
    servers: Logins, capsys: pytest.CaptureFixture[str]
) -> None:
    """No kind of refused attempt is told from an unknown address by its time."""
    found = await compared(servers.product, dict.fromkeys(KINDS, 401), capsys)

    assert {kind: one.verdict for kind, one in found.items()} == dict.fromkeys(found, Verdict.SAME)


async def test_the_faulty_login_is_told(
    servers: Logins, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same comparison finds out that the guide's first login computes nothing for nobody."""
    found = await compared(servers.faulty, {UNKNOWN: 404, ARGON2ID: 401}, capsys)

    assert found[ARGON2ID].verdict is Verdict.DIFFERENT


async def compared(
    http: httpx.AsyncClient, kinds: Mapping[str, int], capsys: pytest.CaptureFixture[str]
) -> dict[str, Comparison]:
    """Make attempts until every kind is told from an unknown address or found the same."""
    chance = random.Random(1)  # noqa: S311 - an order, no secret
    await timed_blocks(http, kinds, WARM_UP, chance)
    times: dict[str, list[float]] = {kind: [] for kind in kinds}
    found: dict[str, Comparison] = {}
    for _ in range(LOOKS):
        for kind, more in (await timed_blocks(http, kinds, BLOCKS, chance)).items():
            times[kind] += more
        found = compare_all(times, UNKNOWN, looks=LOOKS)
        if all(one.verdict is not Verdict.UNDECIDED for one in found.values()):
            break
    with capsys.disabled():
        print_table(times, found)
    return found


def print_table(times: Mapping[str, list[float]], found: Mapping[str, Comparison]) -> None:
    """Show what was found."""
    blocks = len(times[UNKNOWN])
    table = Table(
        f"{blocks} attempts of each kind",
        "median",
        "to unknown",
        "interval",
        "Wilcoxon p",
        "verdict",
    )
    for kind, of_kind in times.items():
        median = f"{np.median(of_kind) * 1000:.2f} ms"
        if kind in found:
            one = found[kind]
            interval = f"{one.low:+.1%}..{one.high:+.1%}"
            figures = (f"{one.difference:+.1%}", interval, f"{one.p:.2g}", one.verdict.value)
        else:
            figures = ("", "", "", "")
        table.add_row(kind, median, *figures)
    console = Console(width=110)
    console.print()
    console.print(table)
    console.print(
        f"intervals: bootstrap of blocks, all of them right together with {1 - ERROR:.0%}; "
        f"same: within +-{MARGIN:.0%}, by Wilcoxon's test too"
    )
