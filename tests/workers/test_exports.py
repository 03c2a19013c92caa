"""Exports: complete, as of one position, in one place, and gone when their time is over."""

import asyncio
import json
import os
import resource
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from commands.exports import file_name, forget_exports
from commands.handle import Caller
from commands.jobs import change_job
from commands.outcomes import Changed
from commands.posts import PostChange, Wish, change_post
from domain.job import JobStatus
from domain.job_decisions import Cancel, FailAttempt, Start
from domain.post_decisions import Edit
from domain.stream import Actor, Role
from infra.files.open import open_blob_store
from infra.serve import export_sources
from tests.support.accounts import AT
from tests.support.exporting import Archive, Place, a_place, caller
from tests.workers.test_jobs import QUICK, row, stands, tags, working
from workers.export_contents import Contents, Order
from workers.exports import expire_due, sweep
from workers.jobs import Work


@pytest.fixture
async def place(database_url: str, tmp_path: Path) -> AsyncIterator[Place]:
    """Open the product on an empty log and an empty folder."""
    async with a_place(database_url, tmp_path) as place:
        yield place


def kinds(place: Place) -> Mapping[str, Work]:
    """Give what makes exports."""
    return {"export": place.work}


async def exported(place: Place, owner_id: UUID) -> Archive:
    """Export somebody's data."""
    job_id = await place.request(owner_id)
    async with working(place.product, kinds(place)):
        assert await stands(place.product, job_id, JobStatus.COMPLETED)
    return await place.archive(job_id)


async def test_everything_of_a_person_is_in_it(place: Place) -> None:
    """Account, posts in all versions, files with their names, events; nothing of anybody else's."""
    owner, other = await place.person(), await place.person("Grace")
    post_id = await place.post(owner, "One <b>", "<script>alert(1)</script>")
    await place.post(other, "Not mine")
    data = os.urandom(600_000)
    file_id = await place.file(owner, data, "holiday.pdf")
    await place.file(other, b"not mine")
    archive = await exported(place, owner)

    assert archive.verified()
    assert sorted(archive.files) == sorted(
        [
            "account.json",
            "events/00001.ndjson",
            "files.json",
            "index.html",
            "manifest.json",
            f"media/{file_id}.pdf",
            "posts/00001.html",
            "posts/00001.json",
        ]
    )
    account = archive.json("account.json")
    assert (account["name"], account["email"]) == ("Ada <Lovelace>", f"{owner}@test.example")
    assert archive.files[f"media/{file_id}.pdf"] == data
    [file] = archive.json("files.json")
    assert (file["name"], file["path"]) == ("holiday.pdf", f"media/{file_id}.pdf")
    [post] = archive.json("posts/00001.json")
    assert post["id"] == str(post_id)
    assert [(each["version"], each["event"]) for each in post["versions"]] == [
        (1, "post.created.v1")
    ]
    assert post["versions"][0]["post"]["content"] == "<script>alert(1)</script>"
    events = [json.loads(line) for line in archive.files["events/00001.ndjson"].splitlines()]
    assert [each["type"] for each in events] == [
        "account.registered.v1",
        "file.uploaded.v1",
        "post.created.v1",
        "job.requested.v1",
        "job.started.v1",
    ]
    manifest = archive.json("manifest.json")
    assert manifest["position"] == max(each["position"] for each in events)
    assert manifest["omitted"] == []


async def test_its_pages_hold_nothing_that_runs(place: Place) -> None:
    """What a person wrote is text, whatever it looks like."""
    owner = await place.person("<img src=x onerror=alert(1)>")
    await place.post(owner, "</title><script>alert(1)</script>", "<svg onload=alert(1)>")
    await place.file(owner, b"data", '"><script>.pdf')
    archive = await exported(place, owner)

    for name, page in archive.files.items():
        if name.endswith(".html"):
            text = page.decode()
            assert "<script" not in text
            assert "<svg" not in text
            assert "<img" not in text
            assert "http:" not in text
            assert "https:" not in text
            assert "default-src 'none'" in text


async def test_many_posts_of_many_versions_are_all_there(place: Place) -> None:
    """Also when the pages of the log end in the middle of a post."""
    owner = await place.person()
    ids = [await place.post(owner, f"Post {number}", "x" * 30_000) for number in range(60)]
    archive = await exported(place, owner)

    posts = parts(archive)
    index = archive.files["index.html"].decode()

    assert archive.verified()
    assert len(posts) > 1
    shown = {post["id"]: (name, post["versions"]) for name, some in posts.items() for post in some}
    for number, post_id in enumerate(ids):
        name, [version] = shown[str(post_id)]
        assert version["post"]["title"] == f"Post {number}"
        page = name.replace(".json", ".html")
        assert f'id="{post_id}"' in archive.files[page].decode()
        assert f'href="{page}#{post_id}"' in index
    assert len(lines(archive)) == len({line["position"] for line in lines(archive)}) == 63


async def test_a_post_of_very_many_versions_goes_on_in_the_next_part(place: Place) -> None:
    """All of them are there, in order, and it is shown once, as it stands."""
    owner = await place.person()
    post_id = await place.post(owner, "Long", "x" * 150_000)
    actor = Actor(owner, frozenset({Role.AUTHOR}))
    for number in range(2, 22):
        outcome = await change_post(
            place.product.ledger,
            place.product.posts,
            place.product.file_queries,
            Caller(actor, AT, "Edit"),
            post_id,
            PostChange(Edit, retitled(number), lambda: None),
        )
        assert isinstance(outcome, Changed), outcome
    archive = await exported(place, owner)
    posts = parts(archive)

    assert archive.verified()
    assert len(posts) > 2
    versions = [each for some in posts.values() for post in some for each in post["versions"]]
    assert {post["id"] for some in posts.values() for post in some} == {str(post_id)}
    assert [each["version"] for each in versions] == list(range(1, 22))
    pages = b"".join(data for name, data in archive.files.items() if name.endswith(".html"))
    assert pages.count(f'id="{post_id}"'.encode()) == 1
    assert b"Long 21" in pages


def retitled(number: int) -> Wish:
    """Give a wish for another title."""

    async def wish(_: object) -> Edit:
        return Edit(title=f"Long {number}")

    return wish


def parts(archive: Archive) -> dict[str, Any]:
    """Read the posts, by the name of their part."""
    return {
        name: archive.json(name)
        for name in sorted(archive.files)
        if name.startswith("posts/") and name.endswith(".json")
    }


def lines(archive: Archive) -> list[Any]:
    """Read the events of all parts."""
    names = sorted(name for name in archive.files if name.startswith("events/"))
    return [json.loads(line) for name in names for line in archive.files[name].splitlines()]


async def test_progress_is_even_however_well_the_text_compresses(place: Place) -> None:
    """It never goes back, and is told between the beginning and the end as well."""
    owner = await place.person()
    for _ in range(150):
        await place.post(owner, content="a" * 20_000)
    percents: list[int] = []

    async def progress(percent: int) -> None:
        percents.append(percent)

    order = Order(uuid7(), owner, await place.product.log.head(), AT)
    contents = Contents(export_sources(place.product, place.settings), order, progress)
    async for _ in contents.members([]):
        pass

    assert percents == sorted(percents)
    assert [each for each in percents if 20 < each < 80]
    assert percents[-1] == 99


async def test_bytes_that_are_missing_fail_it(place: Place) -> None:
    """An export is complete or is none; the reason tells nothing of the inside."""
    owner = await place.person()
    await place.file(owner, b"data")
    store = open_blob_store(place.settings)
    async for digest in store.list():
        await store.remove(digest)
    job_id = await place.request(owner)
    async with working(place.product, kinds(place)):

        async def failed_once() -> bool:
            return "attempt-failed" in await tags(place.product, job_id)

        async with asyncio.timeout(30):
            while not await failed_once():  # noqa: ASYNC110 - there is no event
                await asyncio.sleep(0.01)

    assert (await row(place.product, job_id)).reason == "media_missing"
    assert place.left() == []


async def test_a_disk_that_is_full_fails_it(place: Place) -> None:
    """After its attempts, with a reason that tells nothing of the inside; and nothing is left."""
    owner = await place.person()
    await place.file(owner, os.urandom(900_000))
    await place.file(owner, os.urandom(900_000))
    job_id = await place.request(owner)
    for number in range(2):  # so that nobody waits for the times between attempts
        later = Caller(None, AT + timedelta(minutes=number), "Test")
        await change_job(place.product.jobs, later, job_id, Start())
        refused = FailAttempt("storage_full", again=True)
        await change_job(place.product.jobs, later, job_id, refused)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, before[1]))
    try:
        async with working(place.product, kinds(place)):
            assert await stands(place.product, job_id, JobStatus.FAILED)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    failed = await row(place.product, job_id)
    assert (failed.attempts, failed.reason) == (3, "storage_full")
    assert place.left() == []


async def test_what_attempts_have_left_is_removed(place: Place) -> None:
    """By the next attempt, and by the keeper; what is served stays."""
    owner = await place.person()
    kept = await place.request(owner)
    async with working(place.product, kinds(place)):
        assert await stands(place.product, kept, JobStatus.COMPLETED)
    [served] = place.left()
    job_id = await place.request(owner)
    await change_job(place.product.jobs, caller(), job_id, Start())
    for name in (
        file_name(job_id, 1) + ".part",
        file_name(job_id, 2) + ".part",  # of the attempt under way
        file_name(job_id, 9),
        file_name(kept, 9),
        file_name(uuid7(), 2),
        "something else",
    ):
        (place.folder / name).write_bytes(b"left")
    await sweep(place.exports.store, place.product.job_queries)

    assert place.left() == sorted([served, file_name(job_id, 2) + ".part", "something else"])


async def test_it_expires(place: Place) -> None:
    """When its time is over its file goes, and the log says so."""
    owner = await place.person()
    job_id = await place.request(owner)
    async with working(place.product, kinds(place)):
        assert await stands(place.product, job_id, JobStatus.COMPLETED)
    await expire_due(place.exports, place.product.job_queries, caller().at)
    assert len(place.left()) == 1
    await place.product.database.fetch("update jobs set expires_at = now() - interval '1 s'")
    await expire_due(place.exports, place.product.job_queries, caller().at)

    assert place.left() == []
    assert (await tags(place.product, job_id))[-1] == "expired"


async def test_how_long_it_is_kept_is_a_setting(database_url: str, tmp_path: Path) -> None:
    """In days, from its completion on."""
    async with a_place(database_url, tmp_path, EXPORT_DAYS="3") as place:
        job_id = await place.request(await place.person())
        async with working(place.product, kinds(place)):
            assert await stands(place.product, job_id, JobStatus.COMPLETED)
        found = await row(place.product, job_id)

    assert found.expires_at == found.updated_at + timedelta(days=3)


async def test_who_is_erased_has_no_exports(place: Place) -> None:
    """Those that are there go, and one that is being made leaves nothing."""
    owner = await place.person()
    first = await place.request(owner)
    async with working(place.product, kinds(place)):
        assert await stands(place.product, first, JobStatus.COMPLETED)
    await place.file(owner, os.urandom(1_000_000))
    second = await place.request(owner)
    await forget_exports(place.exports, caller(), owner)

    assert place.left() == []
    assert (await row(place.product, first)).status is JobStatus.EXPIRED
    assert (await row(place.product, second)).status is JobStatus.CANCELLED


async def test_one_that_is_cancelled_leaves_nothing(place: Place) -> None:
    """At whatever it was."""
    owner = await place.person()
    for _ in range(4):
        await place.file(owner, os.urandom(3_000_000))
    job_id = await place.request(owner)
    async with working(place.product, kinds(place), pace=QUICK):

        async def begun() -> bool:
            return bool(place.left())

        async with asyncio.timeout(30):
            while not await begun():  # noqa: ASYNC110 - there is no event
                await asyncio.sleep(0)
        await change_job(place.product.jobs, caller(), job_id, Cancel())

        async def gone() -> bool:
            return not place.left()

        async with asyncio.timeout(30):
            while not await gone():  # noqa: ASYNC110 - there is no event
                await asyncio.sleep(0.01)

    assert place.left() == []
    assert (await row(place.product, job_id)).status is JobStatus.CANCELLED
