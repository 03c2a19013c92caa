"""A file's history: its stream, its events, its state, and how the events make the state.

A file belongs to one account. Its bytes are a blob, named by the SHA-256 of its content, which
several files may share. To add an event: its class and its place in `FileEvent`, its row in
`evolve`, the decision in `domain/file_decisions.py` that emits it, and a golden file. The stored
names are a format (see `domain/stored_event.py`).
"""

from datetime import datetime
from enum import StrEnum
from typing import assert_never
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from domain import file_use
from domain.claim import Claim
from domain.file_type import FileType
from domain.stored_event import StoredEvent
from domain.stream import Stream

STREAM_CATEGORY = "file"


def stream(file_id: UUID) -> Stream:
    """Name the stream of one file."""
    return Stream(STREAM_CATEGORY, file_id)


class WhyDeleted(StrEnum):
    """What made a file go. The values are stored."""

    OWNER = "owner"
    """Its owner, or an admin, asked for it."""
    UNUSED = "unused"
    """It belonged to a post that was deleted long enough ago, and to no other."""
    ERASED = "erased"
    """Its owner was erased."""


class Thumbnail(Struct, frozen=True, gc=False):
    """A smaller picture of an image, always WebP; in events and in state."""

    width: int
    height: int
    digest: str
    """Of its bytes, as a file's."""
    size: int


class Uploaded(StoredEvent, frozen=True, tag="file.uploaded.v1"):
    """A file came to be; its bytes were in place before."""

    owner_id: UUID
    digest: str
    """SHA-256 of the bytes, in lowercase hexadecimal."""
    size: int
    """In bytes."""
    mime: FileType
    name: str | None
    """What its owner called it, sealed with the owner's key: names are personal data."""
    width: int | None
    """In pixels; of images alone."""
    height: int | None


class Previewed(StoredEvent, frozen=True, tag="file.previewed.v1"):
    """What shows an image before it is there: a blur hash, and smaller pictures."""

    blur_hash: str
    thumbnails: tuple[Thumbnail, ...]


class Deleted(StoredEvent, frozen=True, tag="file.deleted.v1"):
    """The file is gone for good, and its bytes with it unless another file has the same."""

    why: WhyDeleted


FileEvent = Uploaded | Previewed | Deleted


class File(Struct, frozen=True, gc=False):
    """A file as it stands at one version of its stream."""

    id: UUID
    owner_id: UUID
    digest: str
    size: int
    mime: FileType
    name_sealed: str | None
    width: int | None
    height: int | None
    blur_hash: str | None
    thumbnails: tuple[Thumbnail, ...]
    deleted: bool
    created_at: datetime
    updated_at: datetime
    """The time of the last event, of any kind."""
    version: int

    @property
    def blobs(self) -> frozenset[str]:
        """The digests of all that it consists of, also once it is deleted."""
        return frozenset((self.digest, *(each.digest for each in self.thumbnails)))


def evolve(
    state: File | None,
    event: FileEvent,
    *,
    id: UUID,  # noqa: A002 - spelled as in the state, and alike for every aggregate
    version: int,
    at: datetime,
) -> File:
    """Give the state after an event that was recorded at a version and a time.

    Never rejects what happened. The one requirement is the log's own, that a history begins with
    `Uploaded`; one that does not is damaged, hence a ValueError.
    """
    if isinstance(event, Uploaded):
        return _uploaded(event, id, version, at)
    if state is None:
        raise ValueError(f"the history of file {id} does not begin with its upload")
    file = replace(state, version=version, updated_at=at)
    match event:
        case Previewed():
            return replace(file, blur_hash=event.blur_hash, thumbnails=event.thumbnails)
        case Deleted():
            return replace(file, deleted=True)
        case _:
            assert_never(event)


def _uploaded(event: Uploaded, file_id: UUID, version: int, at: datetime) -> File:
    return File(
        id=file_id,
        owner_id=event.owner_id,
        digest=event.digest,
        size=event.size,
        mime=event.mime,
        name_sealed=event.name,
        width=event.width,
        height=event.height,
        blur_hash=None,
        thumbnails=(),
        deleted=False,
        created_at=at,
        updated_at=at,
        version=version,
    )


def claims(_: File | None) -> frozenset[Claim]:
    """Give the names that a file holds: none."""
    return frozenset()


def vacates(state: File) -> frozenset[str]:
    """Give the scopes in which nobody may hold a claim: those of the uses of a deleted file."""
    return frozenset((file_use.scope(state.id),)) if state.deleted else frozenset()
