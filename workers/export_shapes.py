"""The files of an export as JSON: their shapes, which whoever has exports reads for years.

A change to what is there already needs a new FORMAT; something more does not.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from commands.exports import Listed

FORMAT = "ledgerpress-export/1"


class AccountFile(msgspec.Struct, frozen=True, rename="camel"):
    """`account.json`."""

    id: UUID
    email: str | None
    name: str | None
    roles: list[str]
    disabled: bool
    second_factor: bool
    created_at: datetime
    version: int


class PostVersion(msgspec.Struct, frozen=True, rename="camel"):
    """A version of a post in `posts/<part>.json`."""

    version: int
    recorded_at: datetime
    event: str
    deleted: bool
    post: msgspec.Raw


class FileEntry(msgspec.Struct, frozen=True, rename="camel"):
    """A file in `files.json`."""

    id: UUID
    path: str | None
    """Where its bytes are in the export; null where they are not in it."""
    name: str | None
    mime: str
    size: int
    digest: str
    deleted: bool
    created_at: datetime


class Omitted(msgspec.Struct, frozen=True):
    """What should be in an export and is not."""

    path: str
    reason: str


class Manifest(msgspec.Struct, frozen=True, rename="camel"):
    """`manifest.json`."""

    format: str
    export_id: UUID
    account_id: UUID
    position: int
    """Of the log, up to which everything is in the export and after which nothing is."""
    made_at: datetime
    files: Sequence[Listed]
    omitted: Sequence[Omitted]
