"""The race's judge can tell: the real SQL passes every schedule, each broken variant fails one."""

import pytest

from tests.infra.store.store_race.checks import violations
from tests.infra.store.store_race.mutants import MUTANTS, Mutant
from tests.infra.store.store_race.schedules import run_all
from tests.support.log import connected

# What a variant breaks may wait for itself: each append gives up in a second, as in the product.
pytestmark = pytest.mark.usefixtures("prompt")


async def test_the_real_sql_passes(database_url: str) -> None:
    """No schedule finds anything wrong."""
    history = await run_all(database_url)

    assert await violations(database_url, history) == []
    assert len(history.attempts) > 10


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=MUTANTS)
async def test_a_broken_variant_is_caught(database_url: str, mutant: Mutant) -> None:
    """Whatever is taken out of the SQL, some schedule shows what it was there for."""
    async with connected(database_url) as owner:
        await owner.execute(mutant.sql())

    history = await run_all(database_url)

    assert await violations(database_url, history)
