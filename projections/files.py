"""The files that clients read: one row a file, and one for each blob that a file consists of.

Shape, fold and schema version; the queries are in `projections/file_queries.py`. The rows are
written in the transaction of the events. A change to a column's meaning, or to the body that is
made of a row, needs a new SCHEMA_VERSION, which changes the metadata's entity tags.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec

from domain.file import File, FileEvent, Thumbnail
from domain.file_type import FileType
from projections.write import Drop, Put, Rendered, Table, Write, last_of_each_key

SCHEMA_VERSION = 1

FILES = Table(
    "files",
    (
        "id",
        "version",
        "owner_id",
        "digest",
        "size",
        "mime",
        "name_sealed",
        "width",
        "height",
        "blur_hash",
        "thumbnails",
        "deleted",
        "created_at",
        "updated_at",
    ),
    key_columns=1,
)
FILE_BLOBS = Table("file_blobs", ("file_id", "digest"), key_columns=2, owner="file_id")
"""Which blobs are in use: a file's own, and those of its thumbnails."""

_encode = msgspec.json.Encoder().encode
_decode_thumbnails = msgspec.json.Decoder(tuple[Thumbnail, ...]).decode


class ThumbnailBody(msgspec.Struct, frozen=True):
    """A smaller picture of an image, WebP, at `href`."""

    width: int
    height: int
    size: int
    href: str


class FileBody(msgspec.Struct, frozen=True, rename="camel"):
    """A file's metadata as clients get it. Sizes are bytes, width and height pixels.

    `digest` is the SHA-256 of the file in hexadecimal. `name` is null where its owner gave none,
    and for everybody but its owner, auditors and admins. `blurHash` and `thumbnails` are there as
    soon as an image's previews are made.
    """

    id: UUID
    name: str | None
    size: int
    mime: FileType
    digest: str
    width: int | None
    height: int | None
    blur_hash: str | None
    thumbnails: list[ThumbnailBody]
    created_at: datetime
    version: int


class FileRow(msgspec.Struct, frozen=True, gc=False):
    """A file's row, in the order of `FILES.columns`."""

    id: UUID
    version: int
    owner_id: UUID
    digest: str | None
    """None once it is deleted."""
    size: int
    mime: str
    name_sealed: str | None
    width: int | None
    height: int | None
    blur_hash: str | None
    thumbnails: bytes
    """JSON: what `thumbnails_in` reads."""
    deleted: bool
    created_at: datetime
    updated_at: datetime


def tag(version: int) -> str:
    """Give the opaque part of the entity tag of a version."""
    return f"{SCHEMA_VERSION}.{version}"


def metadata_tag(version: int, *, named: bool) -> str:
    """Give the metadata's entity tag for those who see the file's name, or for all others."""
    return f"{tag(version)}.named" if named else tag(version)


def content_tag(digest: str) -> str:
    """Give the opaque part of the entity tag of the bytes themselves."""
    return digest


def location(file_id: UUID) -> str:
    """Give the path of the bytes."""
    return f"/files/{file_id}"


def thumbnails_in(row: FileRow) -> tuple[Thumbnail, ...]:
    """Give the thumbnails of a row, the narrowest first."""
    return _decode_thumbnails(row.thumbnails)


def body(row: FileRow, name: str | None) -> bytes:
    """Give the JSON that clients get of a file that is not deleted."""
    assert row.digest is not None  # noqa: S101 - as is said
    return _encode(
        FileBody(
            id=row.id,
            name=name,
            size=row.size,
            mime=FileType(row.mime),
            digest=row.digest,
            width=row.width,
            height=row.height,
            blur_hash=row.blur_hash,
            thumbnails=[
                ThumbnailBody(
                    each.width,
                    each.height,
                    each.size,
                    f"{location(row.id)}/thumbnails/{each.width}",
                )
                for each in thumbnails_in(row)
            ],
            created_at=row.created_at,
            version=row.version,
        )
    )


def row_of(file: File) -> FileRow:
    """Lay a file out as its row. Nothing that tells what it was stays of a deleted one."""
    shown = not file.deleted
    return FileRow(
        id=file.id,
        version=file.version,
        owner_id=file.owner_id,
        digest=file.digest if shown else None,
        size=file.size,
        mime=file.mime.value,
        name_sealed=file.name_sealed if shown else None,
        width=file.width,
        height=file.height,
        blur_hash=file.blur_hash if shown else None,
        thumbnails=_encode(_by_width(file.thumbnails) if shown else ()),
        deleted=file.deleted,
        created_at=file.created_at,
        updated_at=file.updated_at,
    )


def shows(file: File) -> Iterable[Put]:
    """Give the file's row, and those of its blobs."""
    yield Put(FILES, msgspec.structs.astuple(row_of(file)))
    if not file.deleted:
        for digest in sorted(file.blobs):
            yield Put(FILE_BLOBS, (file.id, digest))


def leaves(before: File | None, _event: FileEvent, after: File) -> Iterable[Drop]:
    """Give the blobs that the file no longer consists of."""
    kept = frozenset[str]() if after.deleted else after.blobs
    if before is not None and not before.deleted:
        for digest in sorted(before.blobs - kept):
            yield Drop(FILE_BLOBS, (after.id, digest))


def fold(before: File | None, event: FileEvent, after: File) -> Iterable[Write]:
    """Say what an event writes."""
    yield from leaves(before, event, after)
    yield from shows(after)


def _by_width(thumbnails: Iterable[Thumbnail]) -> list[Thumbnail]:
    return sorted(thumbnails, key=lambda each: each.width)


class Step(Protocol):
    """What the view needs of an event and the states around it."""

    @property
    def after(self) -> File:
        """The state after the event."""
        ...


class FileView:
    """The files' read model as the command loop uses it."""

    def location(self, stream_id: UUID) -> str:
        """Give the file's path."""
        return location(stream_id)

    def history(self, stream_id: UUID) -> str:
        """Give the path of the file's events."""
        return f"/streams/file/{stream_id}"

    def tag(self, version: int) -> str:
        """Give the opaque part of the entity tag of a version."""
        return tag(version)

    def render(self, state: File, steps: Sequence[Step]) -> Rendered:
        """Show the file without its name, and give the rows that its last steps put.

        The rows that they drop go by themselves: `apply_files` (migration 0008) keeps of a file's
        blobs those alone that come with its row.
        """
        shown = b"" if state.deleted else body(row_of(state), None)
        return Rendered(shown, last_of_each_key(shows(state)) if steps else [])
