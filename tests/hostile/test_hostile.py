"""Ten thousand generated requests and a corpus of raw bytes: no fault, no growth, no exit."""

import sys
from pathlib import Path

import pytest

from infra.embedded.services import Services
from tests.hostile.attack import Attack
from tests.hostile.judging import Tally, faults_in_log
from tests.hostile.raw_bytes import corpus
from tests.hostile.target import running_target

SEED = 20_260_301
MIB = 1024 * 1024
LEAST, LEAST_RAW = 10_000, 200
WARM_UP, REST = 9, 18
"""Requests of each operation by each kind of caller."""
GROWTH = 48 * MIB
"""Of memory, after twice as many requests as the warm-up had; allocators keep what they had."""


@pytest.mark.timeout(1800)
async def test_hostile(
    services: Services, database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every operation by every kind of caller, spoilt in every way, and bytes that are no HTTP."""
    async with running_target(services, database_url, tmp_path) as target:
        tally, pid = Tally(), target.pid
        attack = Attack(target, tally)
        sequences = corpus(target.address.encode())
        await attack.raw(sequences)
        await attack.generated(SEED, each=WARM_UP)
        warm, opened = target.memory(), target.descriptors()
        await attack.raw(sequences)
        await attack.generated(SEED + 1, each=REST)
        grown = target.memory() - warm
        with capsys.disabled():
            sys.stdout.write(
                f"\n{tally.report()}\n"
                f"never accepted: {sorted(attack.refused_always)}\n"
                f"memory: {warm // MIB} MiB when warm, and {grown / MIB:.1f} MiB more in the end\n"
            )

        assert tally.faults == []
        assert len(sequences) >= LEAST_RAW
        assert tally.requests >= LEAST
        assert faults_in_log(target.log()) == []
        assert (target.is_alive, target.pid) == (True, pid)
        assert grown < GROWTH
        assert target.descriptors() <= opened + 8
