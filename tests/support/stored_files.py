"""Files for those who test how they are read: recorded by the product, without a request."""

import random
from collections.abc import AsyncIterable
from datetime import datetime
from uuid import UUID

import msgspec

from api.services import Services
from commands.file_store import Busy, NoRoom
from commands.files import NewFile, upload_file
from commands.handle import Caller
from commands.outcomes import Created
from domain.file_type import FileType
from domain.stream import Actor, Role
from tests.support.http import Client
from tests.support.product import Api


class StoredFile(msgspec.Struct, frozen=True):
    """A file that is there."""

    id: UUID
    content: bytes

    @property
    def path(self) -> str:
        """Where its bytes are."""
        return f"/files/{self.id}"


def some_bytes(size: int, seed: int = 1) -> bytes:
    """Make bytes of which no part is like another, the same each time."""
    return random.Random(seed).randbytes(size)  # noqa: S311 - nothing secret


async def a_file(
    api: Api,
    client: Client,
    content: bytes = some_bytes(1000),
    *,
    type: FileType = FileType.PNG,  # noqa: A002 - the word for it
    name: str | None = None,
) -> StoredFile:
    """Record a file of an author's; its bytes are not looked at."""
    file_id = await record_file(
        api.services, client.account_id, _once(content), type=type, name=name, at=api.clock.now()
    )
    return StoredFile(file_id, content)


async def record_file(
    services: Services,
    owner_id: UUID,
    content: AsyncIterable[bytes],
    *,
    at: datetime,
    type: FileType = FileType.PNG,  # noqa: A002 - as above
    name: str | None = None,
) -> UUID:
    """Store bytes and record them as a file."""
    file_id = services.new_id()
    caller = Caller(Actor(owner_id, frozenset({Role.AUTHOR})), at, "UploadFile")
    async with services.uploads.begin(owner_id) as upload:
        assert not isinstance(upload, NoRoom | Busy), upload
        async for piece in content:
            await upload.write(piece)
        received = await upload.finish()
        assert await upload.keep() is None
        new = NewFile(file_id, received, type, name)
        outcome = await upload_file(services.files, caller, upload, new)
        assert isinstance(outcome, Created), outcome
    return file_id


async def _once(content: bytes) -> AsyncIterable[bytes]:
    yield content
