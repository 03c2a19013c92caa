"""Previews of images: asked for once, made by a job, and nothing left by whoever is killed."""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE
from uuid import UUID

import pytest

from commands.file_store import BlobMissingError, StorageFullError, StorageUnavailableError
from commands.files import remove_file
from commands.handle import Caller
from commands.images import MadePreviews, PreviewFault, PreviewsNotMadeError
from domain.file import WhyDeleted
from domain.file_type import FileType
from domain.job import JobStatus
from infra.images.previews import PillowPreviews
from infra.jobs.leases import PostgresJobLeases
from tests.support.previewing import (
    BLUR_HASH,
    Prepared,
    a_picture,
    make_previews,
    previewing,
)
from tests.support.product import START, Api, running_api
from tests.support.stored_files import StoredFile, a_file
from tests.support.uploading import kept, upload
from tests.support.waiting import eventually
from workers.blob_sweeper import sweep
from workers.jobs import Pace, WorkDone, WorkFailed, run_jobs
from workers.previews import KIND, preview_work, request_previews, run_preview_finder

QUICK = Pace(look=0.02, rest=0.001, beat=0.5, grace=0.5, progress=0.0)


async def an_image(api: Api) -> StoredFile:
    """Record an image."""
    content = a_picture(700, 350)
    answer = await upload(api.author, content)
    assert answer.status_code == 201, answer.text
    return StoredFile(UUID(answer.json()["id"]), content)


async def asked(api: Api) -> int:
    """Ask for whatever is missing."""
    return await request_previews(api.product.jobs, api.product.file_queries, START)


async def previewed(api: Api, file: StoredFile) -> int:
    """Count the events that say that a file has previews."""
    rows = await api.product.database.fetch(
        "select count(*) from events where type = 'file.previewed.v1' and stream_id = $1", file.id
    )
    count: int = rows[0][0]
    return count


async def test_from_upload_to_thumbnails(api: Api) -> None:
    """After an upload the finder and the worker of jobs make previews, and clients see them."""
    stop = asyncio.Event()
    product = api.product
    work = preview_work(previewing(product, api.stored, PillowPreviews()), api.clock.now)
    workers = [
        run_preview_finder(
            product.jobs, product.file_queries, now=api.clock.now, stop=stop, every_seconds=0.05
        ),
        run_jobs(
            product.jobs,
            PostgresJobLeases(product.database),
            {KIND: work},
            listen=product.hints.listen,
            stop=stop,
            pace=QUICK,
        ),
    ]
    async with asyncio.TaskGroup() as tasks:
        for each in workers:
            tasks.create_task(each)
        file = await an_image(api)

        async def shown() -> bool:
            row = await product.job_queries.by_id(file.id)
            return row is not None and row.status is JobStatus.COMPLETED

        assert await eventually(shown)
        stop.set()
    metadata = (await api.author.get(f"{file.path}/metadata")).json()

    assert len(metadata["blurHash"]) == 28
    assert [(each["width"], each["height"]) for each in metadata["thumbnails"]] == [
        (320, 160),
        (640, 320),
    ]
    for each in metadata["thumbnails"]:
        thumbnail = await api.author.get(each["href"])
        assert (thumbnail.status_code, len(thumbnail.content)) == (200, each["size"])


async def test_asked_for_once(api: Api) -> None:
    """Several who look at the same time, again and again, ask for one job of an image."""
    file = await an_image(api)
    await asyncio.gather(*(asked(api) for _ in range(5)))
    rows = await api.product.database.fetch(
        "select type from events where category = 'job' order by position"
    )

    assert [row[0] for row in rows] == ["job.requested.v1"]
    assert await asked(api) == 0
    job = await api.product.job_queries.by_id(file.id)
    assert job is not None
    assert (job.kind, job.subject, job.owner_id) == (KIND, str(file.id), None)


async def test_only_images_without_previews(api: Api) -> None:
    """Videos, deleted images and those that have previews are not asked for."""
    await a_file(api, api.author, type=FileType.MP4)
    deleted = await an_image(api)
    await api.author.delete(deleted.path)
    await make_previews(api.product, api.stored, await an_image(api), Prepared())

    assert await asked(api) == 0


async def test_recorded_once(api: Api) -> None:
    """However many do the job at once or again, a file has its previews once, and no stray blob."""
    file = await an_image(api)
    outcomes = await asyncio.gather(
        *(make_previews(api.product, api.stored, file, Prepared()) for _ in range(4))
    )
    again = Prepared()
    outcomes.append(await make_previews(api.product, api.stored, file, again))
    after = await kept(api)

    assert all(isinstance(each, WorkDone) for each in outcomes)
    assert await previewed(api, file) == 1
    assert again.asked == 0
    assert (after.holds, len(after.blobs), after.blob_rows, after.incoming) == (0, 3, 3, ())


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (PreviewFault.UNREADABLE, WorkFailed("image_unreadable", again=False)),
        (PreviewFault.TOO_COSTLY, WorkFailed("image_too_costly", again=False)),
        (PreviewsNotMadeError("why"), WorkFailed("previews_not_made")),
        (BlobMissingError("which"), WorkFailed("file_missing")),
        (StorageFullError("where"), WorkFailed("storage_full")),
        (StorageUnavailableError("where"), WorkFailed("storage_unavailable")),
    ],
)
async def test_failing(api: Api, made: PreviewFault | Exception, expected: WorkFailed) -> None:
    """A fault of the image is final; any other is tried again; the reason tells nothing else."""
    file = await an_image(api)
    outcome = await make_previews(api.product, api.stored, file, Prepared(made))

    assert outcome == expected
    assert await previewed(api, file) == 0
    assert len((await kept(api)).blobs) == 1


async def test_a_broken_image_does_no_harm(api: Api) -> None:
    """An image that breaks off after its header is shown as it is, without previews."""
    content = a_picture(700, 350)[:200]
    answer = await upload(api.author, content)
    file = StoredFile(UUID(answer.json()["id"]), content)
    outcome = await make_previews(api.product, api.stored, file, PillowPreviews())

    assert outcome == WorkFailed("image_unreadable", again=False)
    assert (await api.author.get(file.path)).content == content


async def test_deleted_meanwhile(api: Api) -> None:
    """Previews of a file that is deleted while they are made are not kept."""
    file = await an_image(api)

    class Slow(Prepared):
        async def make(self, image: object) -> MadePreviews | PreviewFault:
            caller = Caller(None, START, "Test")
            await remove_file(api.product.files, caller, file.id, WhyDeleted.OWNER)
            return await super().make(image)  # type: ignore[arg-type]  # as it was given

    outcome = await make_previews(api.product, api.stored, file, Slow())
    await sweep(api.stored.removal)
    after = await kept(api)

    assert isinstance(outcome, WorkDone)
    assert (after.files, after.blob_rows, after.holds, after.blobs) == (0, 0, 0, ())


async def test_previews_take_no_room(api: Api) -> None:
    """What is made of an image does not count as its owner's."""
    file = await an_image(api)
    await make_previews(api.product, api.stored, file, Prepared())
    rows = await api.product.database.fetch(
        "select bytes_of_account($1, $2)", api.author.account_id, file.id
    )

    assert rows[0][0] == len(file.content)


@pytest.mark.parametrize("point", ["made", "kept", "recorded"])
async def test_killed(database_url: str, point: str) -> None:
    """Whoever is killed on the way leaves nothing for good, and the next attempt does the job."""
    expected = {"made": (0, 1), "kept": (1, 2), "recorded": (0, 3)}
    async with running_api(database_url) as api:
        file = await an_image(api)
        killed = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "tests.workers.preview_until_killed"),
            *(str(file.id), str(api.settings.data_dir), point),
            stdin=PIPE,
        )
        await killed.communicate(database_url.encode())
        left = await kept(api)
        await api.product.database.fetch(
            "update blob_holds set expires_at = clock_timestamp() - interval '1 second'"
        )
        await sweep(api.stored.removal)
        swept = await kept(api)
        outcome = await make_previews(api.product, api.stored, file, Prepared())
        after = await kept(api)
        metadata = (await api.author.get(f"{file.path}/metadata")).json()

        assert killed.returncode == -signal.SIGKILL
        assert (left.holds, len(left.blobs)) == expected[point]
        assert (swept.holds, len(swept.blobs), swept.incoming) == (0, swept.blob_rows, ())
        assert isinstance(outcome, WorkDone)
        assert await previewed(api, file) == 1
        assert (after.holds, len(after.blobs), after.blob_rows) == (0, 3, 3)
        assert metadata["blurHash"] == BLUR_HASH
