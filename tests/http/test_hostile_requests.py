"""A bounded part of the hostile suite; `make hostile` runs all of it (`tests/hostile`)."""

from pathlib import Path

import pytest

from api.operations import OPERATIONS
from infra.embedded.services import Services
from tests.hostile.campaign import Amounts, Campaign
from tests.hostile.good_requests import GOOD, SLOW
from tests.hostile.target import running_target

SEED = 7
A_FEW = Amounts(
    generated=1,
    fields=1,
    bodies=2,
    walks=2,
    steps=10,
    allowed=0,
    forbidden=0,
    edges=1,
    slow=False,
)


def test_every_operation_has_a_good_request() -> None:
    """A new operation is attacked only where somebody says how it is done."""
    assert GOOD.keys() == OPERATIONS.keys()


@pytest.mark.timeout(300)  # a quarter of a minute, where nothing else runs
async def test_hostile_requests(
    services: Services,
    database_url: str,
    redis_url: str,  # noqa: ARG001 - emptied
    tmp_path: Path,
) -> None:
    """Requests made of our document, and raw bytes, are done or refused, and nothing else."""
    async with running_target(services, database_url, tmp_path) as target:
        campaign = Campaign(target)
        await campaign.run(SEED, A_FEW)

        assert campaign.faults() == [], campaign.report()
        assert set(campaign.never_done()) <= SLOW
        assert campaign.tally.requests > 1_500
        assert target.is_alive
