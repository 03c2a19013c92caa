"""Puts the parts together that keep files, for the composition root."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

import msgspec
from uuid_utils.compat import uuid7

from commands.file_store import BlobStore
from commands.files import Files, files
from commands.handle import Ledger
from infra.files.folder import FolderStore
from infra.files.names import SealedNames
from infra.files.objects import ObjectStore
from infra.files.removal import UNUSED_BLOBS, BlobRemoval
from infra.files.uploads import HOLD_RELEASES, HeldUploads
from infra.identity.personal_data import PersonalData
from infra.postgres import Database
from infra.settings import Settings
from projections.file_queries import FileQueries
from projections.files import FILE_BLOBS, FILES, FileView, body, content_tag, row_of
from projections.write import Put

FILE_TABLES = (FILES, FILE_BLOBS, HOLD_RELEASES, UNUSED_BLOBS)
"""What is written in the transaction of the events."""


class StoredFiles(msgspec.Struct, frozen=True):
    """Where blobs are, and who brings and removes them."""

    store: BlobStore
    uploads: HeldUploads
    removal: BlobRemoval


def open_files(database: Database, settings: Settings) -> StoredFiles:
    """Keep files at STORAGE_URL."""
    store = open_blob_store(settings)
    removal = BlobRemoval(database, store)
    uploads = HeldUploads(database, store, removal, new_id=uuid7, quota=settings.file_quota_bytes)
    return StoredFiles(store, uploads, removal)


def open_blob_store(settings: Settings) -> BlobStore:
    """Give the store at STORAGE_URL, or the folder `files` in DATA_DIR."""
    url = settings.storage_url
    if url is None:
        return FolderStore(settings.data_dir / "files")
    if url.startswith("file:"):
        return FolderStore(Path(unquote(urlsplit(url).path)))
    return ObjectStore(url, settings.data_dir / "incoming")


def file_commands(
    ledger: Ledger, database: Database, personal_data: PersonalData, queries: FileQueries
) -> Files:
    """Give what the commands on files work with."""
    return Files(
        ledger=ledger,
        aggregate=files(FileView()),
        names=SealedNames(database, personal_data),
        show=lambda file, name: body(row_of(file), name),
        content_tag=content_tag,
        unused_row=lambda digest, file_id, since: Put(UNUSED_BLOBS, (digest, file_id, since)),
        shown_by=queries.shown_by,
    )
