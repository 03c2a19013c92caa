"""Blobs in a folder of this machine's: private to whoever runs the product, durable, never partial.

Written with the operating system's own calls and not through obstore, whose local store neither
flushes to disk nor keeps files from others.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO, TypeVar
from uuid import UUID

from commands.file_store import BlobMissingError, Inspected, Received, Unfit
from commands.images import ImageFault
from infra.files.errors import storage_errors
from infra.files.gathering import Gathering

THREADS = 8
_PRIVATE_FOLDER, _PRIVATE_FILE = 0o700, 0o600
_INCOMING, _BLOBS = "incoming", "sha256"

T = TypeVar("T")


class FolderStore:
    """See `commands.file_store.BlobStore`. Several processes may use one folder."""

    def __init__(self, root: Path) -> None:
        """Keep blobs below a folder, which is made when there is something to put there."""
        self._root = root
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="files")

    async def incoming(self, upload_id: UUID) -> "IncomingFile":
        """Begin to take bytes, in a file that is named after the upload."""
        path = self._root / _INCOMING / str(upload_id)
        return IncomingFile(self._root, path, self._threads)

    async def open(self, digest: str) -> "FileBlob":
        """Open a blob; it stays readable when it is removed meanwhile."""
        path = blob_path(self._root, digest)
        descriptor = await self._run(lambda: open_blob(path))
        if descriptor is None:
            raise BlobMissingError(digest)
        return FileBlob(descriptor, self._threads)

    async def remove(self, digest: str) -> None:
        """Remove a blob; it need not be there."""
        await self._run(lambda: blob_path(self._root, digest).unlink(missing_ok=True))

    async def list(self) -> AsyncIterator[str]:
        """Go through the digests of all blobs, a sub-folder at a time."""
        for folder in await self._run(lambda: _names(self._root / _BLOBS)):
            for name in await self._run(lambda: _names(self._root / _BLOBS / folder)):  # noqa: B023 - awaited at once
                yield name

    async def left_behind(self) -> Sequence[UUID]:
        """Name the uploads that have a file."""
        return [UUID(name) for name in await self._run(lambda: _names(self._root / _INCOMING))]

    async def remove_incoming(self, upload_id: UUID) -> None:
        """Remove an upload's file, if it has one."""
        path = self._root / _INCOMING / str(upload_id)
        await self._run(lambda: path.unlink(missing_ok=True))

    async def _run(self, work: Callable[[], T]) -> T:
        with storage_errors():
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)


class IncomingFile:
    """See `commands.file_store.Incoming`."""

    def __init__(self, root: Path, path: Path, threads: Executor) -> None:
        self._root = root
        self._path = path
        self._gathering = Gathering(
            lambda: os.fdopen(create_private(path), "w+b", buffering=0), threads, durable=True
        )
        self._moved = False

    async def write(self, data: bytes | bytearray) -> None:
        """Add bytes."""
        await self._gathering.write(data)

    async def finish(self) -> Received:
        """Write what is left."""
        return await self._gathering.finish()

    def inspect(self) -> Inspected | Unfit | ImageFault:
        """Tell what the bytes are."""
        return self._gathering.inspect()

    async def keep(self, digest: str) -> None:
        """Flush the bytes to disk and give the file the blob's name, in the place of the same."""
        await self._gathering.flushed()
        file = self._gathering.file
        assert file is not None  # noqa: S101 - it is finished first
        await self._gathering.run(lambda: self._keep(file, digest))

    async def abort(self) -> None:
        """Close and remove the file."""
        await self._gathering.settled()
        file = self._gathering.file
        if file is not None:
            await self._gathering.run(lambda: self._discard(file))

    def _keep(self, file: BinaryIO, digest: str) -> None:
        place = blob_path(self._root, digest)
        make_folders(place.parent)
        # The same bytes may be there already, or a file that a failing disk cut short: in both
        # cases this one, which is whole, takes its place at one stroke.
        self._path.replace(place)
        self._moved = True
        flush_folder(place.parent)
        file.close()

    def _discard(self, file: BinaryIO) -> None:
        file.close()
        if not self._moved:
            self._path.unlink(missing_ok=True)


class FileBlob:
    """See `commands.file_store.Blob`."""

    def __init__(self, descriptor: int, threads: Executor) -> None:
        self.size = os.fstat(descriptor).st_size
        self.descriptor = descriptor
        self._threads = threads

    async def read(self, offset: int, length: int) -> bytes:
        """Read in a thread."""
        with storage_errors():
            return await asyncio.get_running_loop().run_in_executor(
                self._threads, os.pread, self.descriptor, length, offset
            )

    def close(self) -> None:
        """Close the file."""
        os.close(self.descriptor)


def blob_path(root: Path, digest: str) -> Path:
    """Give the path of a blob: in 256 sub-folders, as some file systems dislike large ones."""
    return root / _BLOBS / digest[:2] / digest


def open_blob(path: Path) -> int | None:
    """Open a file to be read; None where there is none."""
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None


def create_private(path: Path) -> int:
    """Create a file that nobody else can read, and open it."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        return os.open(path, flags, _PRIVATE_FILE)
    except FileNotFoundError:
        make_folders(path.parent)
        return os.open(path, flags, _PRIVATE_FILE)


def make_folders(path: Path) -> None:
    """Make a folder and those above it, so that none is lost when the machine fails."""
    if path.is_dir():
        return
    make_folders(path.parent)
    with contextlib.suppress(FileExistsError):
        path.mkdir(_PRIVATE_FOLDER)
    flush_folder(path.parent)


def flush_folder(path: Path) -> None:
    """Have the names in a folder on disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _names(folder: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in os.scandir(folder))
    except FileNotFoundError:
        return []
