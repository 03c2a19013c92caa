"""Specifies how long blobs stay open, and who shares them."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from commands.file_store import BlobMissingError, StorageUnavailableError
from infra.files.folder import FolderStore, blob_path
from infra.files.open_blobs import KeptBlobs
from tests.support.waiting import eventually

DIGESTS = [f"{number:064x}" for number in range(4)]


class Watched:
    """A folder that counts what is open of each blob."""

    def __init__(self, root: Path) -> None:
        self._store = FolderStore(root)
        self.opened: Counter[str] = Counter()
        self.open: Counter[str] = Counter()
        for digest in DIGESTS:
            place = blob_path(root, digest)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(digest.encode())

    async def open_blob(self, digest: str) -> Any:  # noqa: ANN401 - a blob, with its end watched
        """Open it."""
        blob = await self._store.open(digest)
        self.opened[digest] += 1
        self.open[digest] += 1
        close = blob.close

        def closed() -> None:
            self.open[digest] -= 1
            close()

        blob.close = closed  # type: ignore[method-assign]  # to be counted
        return blob

    def kept(self, *, most: int = 2, seconds: float = 60) -> KeptBlobs:
        """Keep its blobs open."""
        store: Any = self._store
        kept = KeptBlobs(store, most=most, seconds=seconds)
        kept._store = _Opens(self)  # type: ignore[assignment] # noqa: SLF001 - to be counted
        return kept


class _Opens:
    def __init__(self, watched: Watched) -> None:
        self.open = watched.open_blob


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    """Give a folder with some blobs."""
    return Watched(tmp_path)


async def test_readers_share_an_open_blob(watched: Watched) -> None:
    """It is opened once for all who want it at the same time, and for those who come after."""
    kept = watched.kept()
    taken = await asyncio.gather(*(kept.take(DIGESTS[0]) for _ in range(5)))
    for blob in taken:
        blob.close()
    again = await kept.take(DIGESTS[0])

    assert await again.read(60, 10) == DIGESTS[0][60:].encode()
    assert watched.opened == {DIGESTS[0]: 1}
    again.close()
    assert watched.open[DIGESTS[0]] == 1


async def test_only_so_many_stay_open(watched: Watched) -> None:
    """The one that was not taken for the longest time is closed, once nobody reads it."""
    kept = watched.kept(most=2)
    first = await kept.take(DIGESTS[0])
    for digest in DIGESTS[1:]:
        (await kept.take(digest)).close()

    assert [watched.open[digest] for digest in DIGESTS] == [1, 0, 1, 1]
    assert await first.read(0, 64) == DIGESTS[0].encode()
    first.close()
    assert [watched.open[digest] for digest in DIGESTS] == [0, 0, 1, 1]


async def test_none_stays_open_for_long(watched: Watched) -> None:
    """A removed blob gives its room back soon, also if it is read all the time."""
    kept = watched.kept(seconds=0.01)
    (await kept.take(DIGESTS[0])).close()

    async def closed() -> bool:
        return watched.open[DIGESTS[0]] == 0

    assert await eventually(closed)
    (await kept.take(DIGESTS[0])).close()
    assert watched.opened[DIGESTS[0]] == 2


async def test_a_missing_blob_is_asked_for_each_time(watched: Watched) -> None:
    """A failure is not kept."""
    kept = watched.kept()
    for _ in range(2):
        with pytest.raises((BlobMissingError, StorageUnavailableError)):
            await kept.take("f" * 64)
