"""The history that these tests begin with: written once, and as new for each test."""

from collections.abc import AsyncIterator

import pytest

from tests.infra.store.verification.written import Written, history
from tests.support.log import connected
from tests.support.rewind import Rewind
from tests.support.services import Databases


@pytest.fixture(scope="package")
async def shared(databases: Databases) -> AsyncIterator[tuple[Written, Rewind]]:
    """Write the history and remember it."""
    async with (
        databases.fresh() as url,
        history(url) as written,
        connected(url) as owner,
    ):
        yield written, await Rewind.remember(owner)


@pytest.fixture
async def written(shared: tuple[Written, Rewind]) -> AsyncIterator[Written]:
    """Give the history, and undo afterwards what the test did."""
    written, database = shared
    yield written
    await database.rewind()
