"""Exporting the log: to the byte, and whole or not at all."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from commands.ports import EVERYTHING, LogEntry
from infra.bootstrap import Product, open_product
from infra.cli.common import Failure
from infra.cli.export import export_to
from infra.identity.passwords import CHEAP
from tests.support.accounts import random_keys, registered


@pytest.fixture
async def product(database_url: str) -> AsyncIterator[Product]:
    """Open the product with a few events in its log."""
    async with open_product(database_url, random_keys(), hashing=CHEAP) as product:
        for number in range(5):
            await registered(product, f"person-{number}@example.org")
        yield product


async def test_file(product: Product, tmp_path: Path) -> None:
    """The file holds each entry on its line, in order, and can be read by its owner alone."""
    output = tmp_path / "log.ndjson"
    await export_to(output, product.log, EVERYTHING, after=2)

    lines = [msgspec.json.decode(line) for line in output.read_bytes().splitlines()]
    assert [line["position"] for line in lines] == [3, 4, 5]
    assert output.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [output]  # noqa: ASYNC240 - a folder of one file


class _Breaking:
    """The log, which breaks off after an entry."""

    def __init__(self, product: Product) -> None:
        self._log = product.log

    async def head(self) -> int:
        return await self._log.head()

    async def entries(self, *_: object, **__: object) -> AsyncIterator[LogEntry]:
        async for entry in self._log.entries():
            yield entry
            raise ConnectionError


async def test_broken_off(product: Product, tmp_path: Path) -> None:
    """An export that breaks off leaves the file of before, and nothing beside it."""
    output = tmp_path / "log.ndjson"
    output.write_text("from before")

    with pytest.raises((ConnectionError, Failure)):
        await export_to(output, _Breaking(product), EVERYTHING, after=0)  # type: ignore[arg-type]  # only what is used

    assert output.read_text() == "from before"
    assert list(tmp_path.iterdir()) == [output]  # noqa: ASYNC240 - a folder of one file


async def test_nowhere(product: Product, tmp_path: Path) -> None:
    """A folder that is not there is one clear line."""
    with pytest.raises(Failure, match=r"log.ndjson cannot be written: No such file"):
        await export_to(tmp_path / "no" / "log.ndjson", product.log, EVERYTHING, after=0)
