"""The history that these tests begin with."""

from collections.abc import AsyncIterator

import pytest

from tests.infra.projections.rebuilding import Rebuilding, rebuilding


@pytest.fixture
async def short(database_url: str) -> AsyncIterator[Rebuilding]:
    """Give a product with a short history."""
    async with rebuilding(database_url) as made:
        yield made
