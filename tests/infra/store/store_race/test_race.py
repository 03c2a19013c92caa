"""The race: many writers and readers, slow and killed transactions, and a long one elsewhere."""

import pytest

from commands.ports import Appended
from tests.infra.store.store_race.checks import violations
from tests.infra.store.store_race.race import APPENDS, CALLERS, STORES, Race

pytestmark = pytest.mark.usefixtures("prompt")


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_no_reader_skips_or_repeats(database_url: str, seed: int) -> None:
    """Positions are dense in commit order, every answer is true, all is there exactly once."""
    race = Race(database_url, seed)

    await race.run()

    assert await violations(database_url, race.history) == []
    kinds = {type(attempt.outcome).__name__ for attempt in race.history.attempts}
    assert kinds >= {"Appended", "Conflict", "ClaimTaken", "KeyUsed"}
    appended = [a for a in race.history.attempts if isinstance(a.outcome, Appended)]
    assert len(appended) > STORES * CALLERS * APPENDS / 4
