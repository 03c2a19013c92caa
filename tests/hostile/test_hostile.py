"""Some twenty thousand generated requests, and raw bytes: no fault, no growth, no exit."""

import sys
from pathlib import Path

import pytest

from infra.embedded.services import Services
from tests.hostile.aftermath import MIB
from tests.hostile.campaign import Amounts, Campaign
from tests.hostile.target import running_target

SEED = 20_260_301
LEAST, LEAST_RAW = 10_000, 200
WARM_UP = Amounts(
    generated=9, fields=12, bodies=16, walks=8, steps=20, allowed=3, forbidden=2, edges=6
)
REST = Amounts(
    generated=18, fields=40, bodies=60, walks=30, steps=20, allowed=8, forbidden=5, edges=24
)


@pytest.mark.timeout(1800)
async def test_hostile(
    services: Services,
    database_url: str,
    redis_url: str,  # noqa: ARG001 - emptied
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Every operation by every kind of caller, spoilt in every way, and bytes that are no HTTP."""
    async with running_target(services, database_url, tmp_path) as target:
        campaign, pids = Campaign(target), target.pids
        warm = await campaign.run(SEED, WARM_UP)
        rest = await campaign.run(SEED + 1, REST)
        with capsys.disabled():
            before, after = (sum(each.memory) // MIB for each in (warm, rest))
            sys.stdout.write(
                f"\n{campaign.report()}\n"
                f"memory of all processes: {before} MiB when warm, and {after} MiB in the end\n"
            )

        assert campaign.faults() == []
        assert campaign.never_done() == []
        assert len(campaign.sequences) >= LEAST_RAW
        assert campaign.tally.requests >= LEAST
        assert (target.is_alive, target.pids) == (True, pids)
        assert warm.grown(rest) == []
