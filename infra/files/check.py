"""Holds the place of the blobs against the tables that name them, while both are used.

What is found at one moment and explained at the next is not reported: an upload names its blob
before it is there, and a file lets go of its blobs before they are removed.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from uuid import UUID

import msgspec

from commands.file_store import BlobMissingError, BlobStore
from infra.files.removal import BlobRemoval
from infra.postgres import Database
from projections.database import load_queries

QUERIES = load_queries(Path(__file__).with_name("check.sql"))

_PAGE = 500
_PIECE_BYTES = 1024 * 1024

Progress = Callable[[str, int, int | None], None]
"""Told what is being done, how many blobs are done, and how many there are if that is known."""


class Wrong(msgspec.Struct, frozen=True, rename="camel"):
    """A blob that files name and that is not as it should be."""

    digest: str
    file_ids: list[UUID]


class Report(msgspec.Struct, frozen=True, rename="camel"):
    """What was found."""

    sound: bool
    """Whether every blob that a file names is there and, where that was asked, undamaged."""
    stored: int
    named: int
    orphans: list[str]
    """Blobs that nobody names."""
    left_behind: int
    """Uploads that are no more and have something at the temporary place."""
    missing: list[Wrong]
    damaged: list[Wrong] | None
    """Blobs whose bytes are not those that their name says; None where nobody read them."""
    removed: int
    """How many orphans were removed."""


class FileCheck:
    """One check. Memory holds a digest of 32 bytes for each blob."""

    def __init__(
        self, database: Database, store: BlobStore, removal: BlobRemoval, told: Progress
    ) -> None:
        self._database = database
        self._store = store
        self._removal = removal
        self._told = told
        self._stored: set[bytes] = set()

    async def run(self, *, deep: bool, remove: bool) -> Report:
        """Check all, and remove what nobody names if that is asked.

        Raises `StoreUnavailableError` or `StorageUnavailableError` on an outage.
        """
        orphans = [digest async for digest in self._orphans()]
        left_behind = await self._left_behind()
        missing, damaged, named = await self._named(deep=deep)
        removed = 0
        if remove:
            for digest in orphans:
                removed += await self._removal.remove_unwanted(digest)
            await self._removal.clear_incoming()
        return Report(
            sound=not missing and not damaged,
            stored=len(self._stored),
            named=named,
            orphans=orphans,
            left_behind=left_behind,
            missing=missing,
            damaged=damaged if deep else None,
            removed=removed,
        )

    async def _orphans(self) -> AsyncIterator[str]:
        page: list[str] = []
        async for digest in self._store.list():
            self._stored.add(bytes.fromhex(digest))
            page.append(digest)
            if len(page) == _PAGE:
                for orphan in await self._unnamed(page):
                    yield orphan
                page = []
        for orphan in await self._unnamed(page):
            yield orphan

    async def _unnamed(self, digests: Sequence[str]) -> Sequence[str]:
        self._told("listing", len(self._stored), None)
        if not digests:
            return []
        return [row[0] for row in await self._database.fetch(QUERIES["orphans"], digests)]

    async def _left_behind(self) -> int:
        left = await self._store.left_behind()
        return len(set(left) - await self._removal.held(left))

    async def _named(self, *, deep: bool) -> tuple[list[Wrong], list[Wrong], int]:
        total = (await self._database.fetch(QUERIES["named"]))[0][0]
        missing: list[Wrong] = []
        damaged: list[Wrong] = []
        after, done = "", 0
        while rows := await self._database.fetch(QUERIES["named_after"], after, _PAGE):
            for digest, _ in rows:
                if deep or bytes.fromhex(digest) not in self._stored:
                    await self._look(digest, missing, damaged, deep=deep)
                done += 1
                self._told("reading" if deep else "comparing", done, max(total, done))
            after = rows[-1][0]
        return missing, damaged, done

    async def _look(
        self, digest: str, missing: list[Wrong], damaged: list[Wrong], *, deep: bool
    ) -> None:
        try:
            wrong, of_kind = deep and await self._digest(digest) != digest, damaged
            if not deep:
                (await self._store.open(digest)).close()  # it came after the listing
        except BlobMissingError:
            wrong, of_kind = True, missing
        if wrong:
            # Unless its last file was deleted while we looked.
            rows = await self._database.fetch(QUERIES["files_of"], digest)
            if rows:
                of_kind.append(Wrong(digest, [row[0] for row in rows]))

    async def _digest(self, digest: str) -> str:
        blob = await self._store.open(digest)
        try:
            found, at = hashlib.sha256(), 0
            while at < blob.size:
                piece = await blob.read(at, _PIECE_BYTES)
                if not piece:
                    break
                await asyncio.to_thread(found.update, piece)
                at += len(piece)
            return found.hexdigest()
        finally:
            blob.close()
