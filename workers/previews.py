"""Previews: finds images that have none, asks for a job for each, and does that job.

A file's job has the file's own id, so there is never a second one, whoever finds the file and
however often. The thumbnails are held like uploads until the file's event names them: a worker that
is killed leaves holds, and the sweeper removes what they hold.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec

from commands.file_store import (
    BlobMissingError,
    BlobStore,
    Busy,
    NoRoom,
    StorageFullError,
    StorageUnavailableError,
    Upload,
    Uploads,
)
from commands.files import Files, record_previews
from commands.handle import Caller
from commands.images import (
    MadePreviews,
    MadeThumbnail,
    PreviewFault,
    PreviewMaker,
    PreviewsNotMadeError,
)
from commands.jobs import Jobs, request_job
from commands.outcomes import Contended
from domain.file import Thumbnail
from domain.file_decisions import ShowPreviews
from domain.job_decisions import Request
from projections.files import FileRow
from workers.jobs import JobContext, Work, WorkDone, WorkFailed
from workers.periodic import repeat

KIND = "previews"
EVERY_SECONDS = 1.0
AT_ONCE = 100


class Images(Protocol):
    """Finds images; see `projections.file_queries.FileQueries`."""

    async def head(self, file_id: UUID) -> FileRow | None:
        """Find a file, also a deleted one."""
        ...

    async def without_previews(self, limit: int) -> Sequence[UUID]:
        """Name images that have no previews, and no job that makes or has failed to make them."""
        ...


class Previewing(msgspec.Struct, frozen=True):
    """What making previews works with."""

    files: Files
    images: Images
    store: BlobStore
    uploads: Uploads
    maker: PreviewMaker


async def run_preview_finder(
    jobs: Jobs,
    images: Images,
    *,
    now: Callable[[], datetime],
    stop: asyncio.Event,
    every_seconds: float = EVERY_SECONDS,
) -> None:
    """Ask for what is missing, and again after each pause, until `stop` is set."""

    async def tick() -> None:
        while await request_previews(jobs, images, now()) >= AT_ONCE and not stop.is_set():
            pass

    await repeat(tick, name="previews", every_seconds=every_seconds, stop=stop)


async def request_previews(jobs: Jobs, images: Images, now: datetime) -> int:
    """Ask for the previews of some images that have none; tell of how many."""
    found = await images.without_previews(AT_ONCE)
    caller = Caller(None, now, "RequestPreviews")
    for file_id in found:
        await request_job(jobs, caller, file_id, Request(KIND, subject=str(file_id)))
    return len(found)


def preview_work(previewing: Previewing, now: Callable[[], datetime]) -> Work:
    """Give what makes the previews of one image."""

    async def work(context: JobContext) -> WorkDone | WorkFailed:
        image = await previewing.images.head(UUID(context.job.subject))
        if image is None or image.digest is None or image.blur_hash is not None:
            return WorkDone({})  # nobody wants them any more, or they were made before a crash
        try:
            made = await _make(previewing, image.digest)
            if isinstance(made, PreviewFault):
                return WorkFailed(made.value, again=False)
            return await _record(previewing, image, made, Caller(None, now(), "ShowPreviews"))
        except PreviewsNotMadeError:
            return WorkFailed("previews_not_made")
        except BlobMissingError:
            return WorkFailed("file_missing")
        except StorageFullError:
            return WorkFailed("storage_full")
        except StorageUnavailableError:
            return WorkFailed("storage_unavailable")

    return work


async def _make(previewing: Previewing, digest: str) -> MadePreviews | PreviewFault:
    blob = await previewing.store.open(digest)
    try:
        return await previewing.maker.make(blob)
    finally:
        blob.close()


async def _record(
    previewing: Previewing, image: FileRow, made: MadePreviews, caller: Caller
) -> WorkDone | WorkFailed:
    async with AsyncExitStack() as stack:
        uploads: list[Upload] = []
        thumbnails: list[Thumbnail] = []
        for each in made.thumbnails:
            beginning = previewing.uploads.begin(image.owner_id, counted=False)
            upload = await stack.enter_async_context(beginning)
            assert not isinstance(upload, NoRoom | Busy)  # noqa: S101 - it is not counted
            thumbnails.append(await _keep(upload, each))
            uploads.append(upload)
        command = ShowPreviews(made.blur_hash, tuple(thumbnails))
        outcome = await record_previews(previewing.files, caller, image.id, command, uploads)
    # Anything but this one is an answer for good: it was deleted, or somebody was faster.
    if isinstance(outcome, Contended):
        return WorkFailed("contended")
    return WorkDone({"thumbnails": len(thumbnails)})


async def _keep(upload: Upload, made: MadeThumbnail) -> Thumbnail:
    await upload.write(made.content)
    received = await upload.finish()
    no_room = await upload.keep()
    assert no_room is None  # noqa: S101 - it is not counted
    return Thumbnail(made.width, made.height, received.digest, received.size)
