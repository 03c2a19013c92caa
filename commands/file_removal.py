"""Files that go without anybody's asking for them by name.

Those of somebody who is erased go with the person, also from posts that show them. Those of posts
that were deleted go some time later, so that a post which is restored before has them again. Each
step is an append of its own; what a crash leaves undone is found again.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec
from msgspec.structs import replace

from commands.file_store import StorageUnavailableError, UnusedBlobs
from commands.files import Files, remove_file
from commands.handle import Caller, Ledger, Settled
from commands.ports import StoreUnavailableError
from commands.posts import Posts, drop_files
from domain.file import WhyDeleted

AT_ONCE = 100


class RemovableFiles(Protocol):
    """Knows which files should go."""

    async def of_owner(self, owner_id: UUID, limit: int) -> Sequence[UUID]:
        """Name some of an account's files that are not deleted."""
        ...

    async def of_erased(self, limit: int) -> Sequence[UUID]:
        """Name files that are still there though their owner is erased."""
        ...

    async def unused(self, before: datetime, limit: int) -> Sequence[UUID]:
        """Name files that belonged to posts which were all deleted before a time."""
        ...

    async def posts_with(self, file_ids: Sequence[UUID]) -> Sequence[UUID]:
        """Name the posts that have any of these files, also deleted ones."""
        ...


class FileRemoval(msgspec.Struct, frozen=True):
    """What removing files works with."""

    ledger: Ledger
    posts: Posts
    files: Files
    queries: RemovableFiles
    blobs: UnusedBlobs


async def forget_files(removal: FileRemoval, caller: Caller, owner_id: UUID) -> None:
    """Remove the files of somebody who was erased just now, and their bytes.

    The account is gone already, so nothing here may fail it. A worker does what is left: after an
    outage, a crash, or where there are more than a request should wait for.
    """
    with suppress(StoreUnavailableError, StorageUnavailableError):
        ids = await removal.queries.of_owner(owner_id, AT_ONCE)
        # Not as the caller, who is nobody any more.
        erasing = replace(caller, actor=None, command="EraseFile", seen=())
        if await _erase(removal, erasing, ids):
            for blob in await removal.blobs.unused(AT_ONCE):
                await removal.blobs.settle(blob)


async def erase_left_over(removal: FileRemoval, now: datetime) -> int:
    """Remove some files whose owner is erased; tell how many. Fewer than AT_ONCE are the last."""
    ids = await removal.queries.of_erased(AT_ONCE)
    return await _erase(removal, Caller(None, now, "EraseFile"), ids)


async def remove_unused(removal: FileRemoval, before: datetime, now: datetime, most: int) -> int:
    """Remove some files of posts that were deleted before a time; tell how many."""
    ids = await removal.queries.unused(before, most)
    return await _remove(removal, Caller(None, now, "DeleteUnusedFile"), ids, WhyDeleted.UNUSED)


async def _erase(removal: FileRemoval, caller: Caller, ids: Sequence[UUID]) -> int:
    if not ids:
        return 0
    for post_id in await removal.queries.posts_with(ids):
        await drop_files(removal.ledger, removal.posts, caller, post_id, frozenset(ids))
    return await _remove(removal, caller, ids, WhyDeleted.ERASED)


async def _remove(
    removal: FileRemoval, caller: Caller, ids: Sequence[UUID], why: WhyDeleted
) -> int:
    """Remove files but for those that a post has come to show meanwhile."""
    outcomes = [await remove_file(removal.files, caller, file_id, why) for file_id in ids]
    return sum(isinstance(outcome, Settled) for outcome in outcomes)
