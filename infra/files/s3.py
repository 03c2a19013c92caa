"""Objects in a store that speaks the protocol of S3, reached by obstore, whatever they hold.

Credentials, region and endpoint come from the usual variables (`AWS_ACCESS_KEY_ID`,
`AWS_SECRET_ACCESS_KEY`, `AWS_REGION`, `AWS_ENDPOINT_URL`, ...). What is sent gathers in a file of
this machine's that has no name, so that it is gone with its process.
"""

import os
import tempfile
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO, cast

import obstore
from obstore.store import S3Store, from_url

from commands.file_store import BlobMissingError
from infra.files.errors import storage_errors

_PART_BYTES = 5 * 1024 * 1024
"""The smallest part that S3 takes."""
_PARTS_AT_ONCE = 2


class StoredObject:
    """See `commands.file_store.Blob`."""

    descriptor: int | None = None

    def __init__(self, store: S3Store, key: str, size: int) -> None:
        self.size = size
        self._store = store
        self._key = key

    async def read(self, offset: int, length: int) -> memoryview:
        """Ask for a range."""
        end = min(offset + length, self.size)
        if offset >= end:
            return memoryview(b"")
        with storage_errors():
            return memoryview(
                await obstore.get_range_async(self._store, self._key, start=offset, end=end)
            )

    def close(self) -> None:
        """Do nothing: no connection is kept."""


def open_bucket(url: str) -> S3Store:
    """Open an address such as `s3://bucket/prefix`."""
    store = from_url(
        url,
        client_options={
            "timeout": "30 seconds",
            "connect_timeout": "3 seconds",
            # Options given here replace those of the environment.
            "allow_http": os.environ.get("AWS_ALLOW_HTTP", "").lower() in {"1", "true"},
        },
        retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=10)},
    )
    assert isinstance(store, S3Store)  # noqa: S101 - the settings take no other scheme
    return store


async def send(store: S3Store, key: str, file: BinaryIO) -> None:
    """Send a file. The object appears when all of it is there, or stays as it was."""
    file.seek(0)
    with storage_errors():
        await obstore.put_async(
            store, key, file, chunk_size=_PART_BYTES, max_concurrency=_PARTS_AT_ONCE
        )


async def open_object(store: S3Store, key: str) -> StoredObject:
    """Open an object: only its size is asked for yet. Raises `BlobMissingError`."""
    with storage_errors():
        try:
            found = await obstore.head_async(store, key)
        except FileNotFoundError as error:
            raise BlobMissingError(key.rpartition("/")[2]) from error
    return StoredObject(store, key, found["size"])


async def remove_object(store: S3Store, key: str) -> None:
    """Remove an object; it need not be there."""
    with storage_errors():
        try:
            await obstore.delete_async(store, key)
        except FileNotFoundError:
            return


async def names_in(store: S3Store, folder: str) -> AsyncIterator[str]:
    """Go through the names of the objects of a folder, a page at a time."""
    with storage_errors():
        async for page in obstore.list(store, folder):
            for found in page:
                yield found["path"].rpartition("/")[2]


def nameless(folder: Path) -> BinaryIO:
    """Open a file that is gone when it is closed, or its process dies."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return cast(BinaryIO, tempfile.TemporaryFile(buffering=0, dir=folder))
