"""A bounded part of the hostile suite; `make hostile` runs all of it (`tests/hostile`)."""

from pathlib import Path

from infra.embedded.services import Services
from tests.hostile.attack import Attack
from tests.hostile.judging import Tally, faults_in_log
from tests.hostile.raw_bytes import corpus
from tests.hostile.target import running_target

SEED = 7


async def test_hostile_requests(services: Services, database_url: str, tmp_path: Path) -> None:
    """Requests from our own document and raw bytes are refused, with nothing stored or shown."""
    async with running_target(services, database_url, tmp_path) as target:
        tally = Tally()
        attack = Attack(target, tally)
        await attack.raw(corpus(target.address.encode()))
        await attack.generated(SEED, each=1)

        assert tally.faults == [], tally.report()
        assert tally.requests > 1_000
        assert faults_in_log(target.log()) == []
        assert target.is_alive
