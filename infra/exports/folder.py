"""Exports in a folder of this machine's: for nobody else to read, never partly there."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from commands.exports import Listed, Member, Written
from commands.file_store import BlobMissingError
from infra.exports.zip_writing import write_zip
from infra.files.errors import storage_errors
from infra.files.folder import FileBlob, create_private, flush_folder, make_folders, open_blob

THREADS = 4
_PART = ".part"

T = TypeVar("T")


class ExportFolder:
    """See `commands.exports.ExportStore`. Several processes may use one folder."""

    def __init__(self, root: Path) -> None:
        """Keep exports in a folder, which is made when there is something to put there."""
        self._root = root
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="exports")

    async def write(
        self, name: str, members: Callable[[Sequence[Listed]], AsyncIterator[Member]]
    ) -> Written:
        """Write beside the place, flush, move, flush the folder."""
        part = self._root / f"{name}{_PART}"
        with storage_errors():
            descriptor = await self._run(lambda: create_private(part))
            try:
                with os.fdopen(descriptor, "wb", buffering=0) as file:
                    written = await write_zip(file, members)
                    await self._run(lambda: os.fsync(file.fileno()))
                await self._run(lambda: self._keep(part, name))
            except BaseException:
                with contextlib.suppress(OSError):
                    part.unlink(missing_ok=True)
                raise
        return written

    async def open(self, name: str) -> FileBlob:
        """Open an export; it stays readable when it is removed meanwhile."""
        path = self._root / name
        with storage_errors():
            descriptor = await self._run(lambda: open_blob(path))
        if descriptor is None:
            raise BlobMissingError(name)
        return FileBlob(descriptor, self._threads)

    async def remove(self, name: str) -> None:
        """Remove an export, and the part of it that there is."""
        with storage_errors():
            for path in (self._root / name, self._root / f"{name}{_PART}"):
                await self._run(lambda: path.unlink(missing_ok=True))  # noqa: B023 - awaited at once

    async def names(self) -> Sequence[str]:
        """List the folder."""
        with storage_errors():
            found = await self._run(self._list)
        return sorted({name.removesuffix(_PART) for name in found})

    def _list(self) -> list[str]:
        try:
            return [path.name for path in self._root.iterdir()]
        except FileNotFoundError:
            return []

    def _keep(self, part: Path, name: str) -> None:
        make_folders(self._root)
        part.replace(self._root / name)
        flush_folder(self._root)

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)
