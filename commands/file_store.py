"""What files need of the outside: a place for blobs, and uploads on their way into it.

A blob is named by the SHA-256 of its content in lowercase hexadecimal, its digest, and stored once
however many files have it. `infra/files/` implements these ports.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

import msgspec

from commands.ports import Write
from domain.file_type import FileType

if TYPE_CHECKING:  # commands/images.py reads blobs
    from commands.images import ImageFault


class StorageFullError(Exception):
    """The place where blobs are kept has no room left."""


class StorageUnavailableError(Exception):
    """The place where blobs are kept does not answer, or not as it should."""


class BlobMissingError(Exception):
    """There is no blob with this digest."""


class Received(msgspec.Struct, frozen=True):
    """What all the bytes of an upload come to."""

    digest: str
    size: int
    """In bytes."""


class Blob(Protocol):
    """A blob that is open for reading."""

    @property
    def size(self) -> int:
        """Its length in bytes."""
        ...

    @property
    def descriptor(self) -> int | None:
        """An open file with its bytes, if it is a file of this machine's."""
        ...

    async def read(self, offset: int, length: int) -> bytes | memoryview:
        """Give so many bytes from an offset; fewer only at the end.

        Raises `StorageUnavailableError`.
        """
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class OpenBlobs(Protocol):
    """Opens blobs for those who send them; several may share an open one."""

    async def take(self, digest: str) -> Blob:
        """Open a blob; whoever took it closes it. Raises as `BlobStore.open` does."""
        ...


class Incoming(Protocol):
    """Bytes on their way in, at a temporary place. One task at a time uses it."""

    async def write(self, data: bytes | bytearray) -> None:
        """Add bytes: they are hashed and written while the caller goes on.

        Raises `StorageFullError` or `StorageUnavailableError`, perhaps for bytes that were added
        earlier.
        """
        ...

    async def finish(self) -> Received:
        """Say that these were all, and wait until they are hashed."""
        ...

    def inspect(self) -> "Inspected | Unfit | ImageFault":
        """Tell from the bytes themselves what they are; once they are finished."""
        ...

    async def keep(self, digest: str) -> None:
        """Move them to where the blob belongs, durably; nothing happens if it is there already."""
        ...

    async def abort(self) -> None:
        """Remove what is left at the temporary place, whatever was done before."""
        ...


class BlobStore(Protocol):
    """Keeps blobs."""

    async def incoming(self, upload_id: UUID) -> Incoming:
        """Begin to take bytes. Raises `StorageFullError` or `StorageUnavailableError`."""
        ...

    async def open(self, digest: str) -> Blob:
        """Open a blob. Raises `BlobMissingError` or `StorageUnavailableError`."""
        ...

    async def remove(self, digest: str) -> None:
        """Remove a blob; it need not be there. For whoever holds its lock, see `UnusedBlobs`."""
        ...

    def list(self) -> AsyncIterator[str]:
        """Go through the digests of all blobs, in no order."""
        ...

    async def left_behind(self) -> Sequence[UUID]:
        """Name the uploads that have something at the temporary place."""
        ...

    async def remove_incoming(self, upload_id: UUID) -> None:
        """Remove what an upload that is no more has left at the temporary place."""
        ...


class Inspected(msgspec.Struct, frozen=True):
    """What bytes are: their type, and for images width and height in pixels."""

    type: FileType
    width: int | None = None
    height: int | None = None


class Unfit(msgspec.Struct, frozen=True):
    """The bytes are of no type that is taken."""


class NoRoom(msgspec.Struct, frozen=True):
    """The account's files take all that they may."""

    quota: int
    """In bytes."""


class Busy(msgspec.Struct, frozen=True):
    """This process has as many uploads under way as it takes on."""


class Upload(Protocol):
    """A blob that comes in and is held, so that nobody removes it before it is recorded."""

    @property
    def release(self) -> Write:
        """The row to write with the event that records the blob; the hold ends with it."""
        ...

    async def write(self, data: bytes | bytearray) -> None:
        """Add bytes; see `Incoming.write`."""
        ...

    async def finish(self) -> Received:
        """Say that these were all; see `Incoming.finish`."""
        ...

    def inspect(self) -> "Inspected | Unfit | ImageFault":
        """Tell from the bytes themselves what they are; once they are finished."""
        ...

    async def keep(self) -> NoRoom | None:
        """Hold the blob and move it into place, unless the owner has no room for it."""
        ...

    def recorded(self) -> None:
        """Hear that an append with `release` went through: there is nothing to clean up."""
        ...


class Uploads(Protocol):
    """Takes uploads. What is not recorded in the end leaves nothing behind."""

    def begin(
        self, owner_id: UUID, *, at_least: int = 0, counted: bool = True
    ) -> AbstractAsyncContextManager[Upload | NoRoom | Busy]:
        """Begin an upload of an account's; `at_least` so many bytes are to come.

        On leaving, whatever was not recorded by an append with the upload's `release` is removed.
        What is not `counted` takes no room of the owner's and waits for no other upload.
        """
        ...


class UnusedBlob(msgspec.Struct, frozen=True):
    """A blob that files have stopped using."""

    digest: str
    file_ids: tuple[UUID, ...]


class UnusedBlobs(Protocol):
    """Removes blobs that nobody uses and nobody is about to use."""

    async def unused(self, most: int) -> Sequence[UnusedBlob]:
        """List blobs that files have stopped using, the longest unused first."""
        ...

    async def settle(self, blob: UnusedBlob) -> bool:
        """Remove it unless somebody wants it; tell whether it was removed."""
        ...

    async def remove_unwanted(self, digest: str) -> bool:
        """Remove any blob unless somebody wants it; tell whether it was removed."""
        ...

    async def end_expired(self, most: int) -> int:
        """End uploads whose time is over, with what they left; tell how many."""
        ...

    async def clear_incoming(self) -> int:
        """Remove what is at the temporary place of uploads that are no more; tell how many."""
        ...
