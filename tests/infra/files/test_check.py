"""The check of the files' place: what it finds, what it leaves alone, what it removes."""

import asyncio
import hashlib
from pathlib import Path
from uuid import uuid4

import pytest
from msgspec.structs import replace

from commands.file_store import Busy, NoRoom
from infra.files.check import FileCheck, Report, Wrong
from tests.support.product import Api
from tests.support.stored_files import StoredFile, a_file, some_bytes

ROUNDS = 15


async def checked(api: Api, *, deep: bool = False, remove: bool = False) -> Report:
    """Run a check."""
    checking = FileCheck(
        api.product.database, api.stored.store, api.stored.removal, lambda *_: None
    )
    return await checking.run(deep=deep, remove=remove)


def digest_of(content: bytes) -> str:
    """Name the blob that bytes are."""
    return hashlib.sha256(content).hexdigest()


def place_of(api: Api, content: bytes) -> Path:
    """Find the blob in the folder."""
    digest = digest_of(content)
    return api.settings.data_dir / "files" / "sha256" / digest[:2] / digest


async def some_files(api: Api, count: int = 3) -> list[StoredFile]:
    """Record files of the author's."""
    return [await a_file(api, api.author, some_bytes(200, seed)) for seed in range(count)]


def an_orphan(api: Api, content: bytes = b"nobody's") -> str:
    """Leave bytes that nobody names."""
    place = place_of(api, content)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)
    return place.name


def sound(count: int) -> Report:
    """Make the report of a place where nothing is wrong."""
    return Report(
        sound=True,
        stored=count,
        named=count,
        orphans=[],
        left_behind=0,
        missing=[],
        damaged=None,
        removed=0,
    )


async def test_all_is_well(api: Api) -> None:
    """Every file is there, however deep one looks; an empty place is sound, too."""
    empty = await checked(api)
    await some_files(api)
    reports = [await checked(api), await checked(api, deep=True, remove=True)]

    assert empty == sound(0)
    assert reports == [sound(3), replace(sound(3), damaged=[])]


async def test_missing_and_damaged(api: Api) -> None:
    """They are named with the files that need them; damage shows only to who reads."""
    gone, bad, _ = await some_files(api)
    twin = await a_file(api, api.author, gone.content)
    place_of(api, gone.content).unlink()
    place = place_of(api, bad.content)
    place.chmod(0o600)
    place.write_bytes(bad.content[:-1] + b"!")
    shallow, deep = await checked(api), await checked(api, deep=True)
    missing = [Wrong(digest_of(gone.content), sorted([gone.id, twin.id]))]

    assert (shallow.sound, shallow.missing, shallow.damaged) == (False, missing, None)
    assert (deep.sound, deep.missing) == (False, missing)
    assert deep.damaged == [Wrong(digest_of(bad.content), [bad.id])]


async def test_cut_short_is_damaged(api: Api) -> None:
    """As much as altered is."""
    (file,) = await some_files(api, 1)
    place = place_of(api, file.content)
    place.chmod(0o600)
    place.write_bytes(b"")

    assert (await checked(api, deep=True)).damaged == [Wrong(digest_of(file.content), [file.id])]


async def test_what_nobody_names(api: Api) -> None:
    """It is counted, harms nobody, and goes only when that is asked."""
    (file,) = await some_files(api, 1)
    orphan = an_orphan(api)
    incoming = api.settings.data_dir / "files" / "incoming" / str(uuid4())
    incoming.parent.mkdir(parents=True, exist_ok=True)
    incoming.write_bytes(b"the beginning of an upload")
    found, removing, after = [
        await checked(api),
        await checked(api, remove=True),
        await checked(api),
    ]

    assert (found.sound, found.orphans, found.left_behind, found.removed) == (True, [orphan], 1, 0)
    assert (removing.orphans, removing.left_behind, removing.removed) == ([orphan], 1, 1)
    assert (after.orphans, after.left_behind, after.stored) == ([], 0, 1)
    assert not incoming.exists()
    assert (await api.author.get(file.path)).content == file.content


async def test_what_waits_to_be_removed_is_no_orphan(api: Api) -> None:
    """A file was deleted a moment ago: the sweeper knows of its bytes."""
    (file,) = await some_files(api, 1)
    assert (await api.author.delete(file.path)).status_code == 204

    assert (await checked(api)).orphans == []


async def test_an_upload_that_is_under_way_is_left_alone(api: Api) -> None:
    """From its first byte to the moment before it is recorded."""
    content = some_bytes(300)
    async with api.stored.uploads.begin(api.author.account_id) as upload:
        assert not isinstance(upload, NoRoom | Busy)
        await upload.write(content)
        early = await checked(api, remove=True)
        await upload.finish()
        assert await upload.keep() is None
        late = await checked(api, remove=True)

        assert place_of(api, content).exists()
    for report in (early, late):
        assert (report.sound, report.orphans, report.left_behind, report.removed) == (
            True,
            [],
            0,
            0,
        )


@pytest.mark.parametrize("deep", [False, True])
async def test_while_files_come_and_go(api: Api, *, deep: bool) -> None:
    """Nothing is reported that was right at every moment, and nothing in use is removed."""
    kept: list[StoredFile] = []

    async def writers() -> None:
        for number in range(ROUNDS):
            files = [
                await a_file(api, api.author, some_bytes(100, 1000 + number)) for _ in range(2)
            ]
            answer = await api.author.delete(files[0].path)
            assert answer.status_code == 204
            for blob in await api.stored.removal.unused(10):
                await api.stored.removal.settle(blob)
            kept.append(files[1])

    writing = asyncio.create_task(writers())
    reports = []
    while not writing.done():
        reports.append(await checked(api, deep=deep, remove=True))
    await writing

    assert reports
    assert all(report.sound and not report.removed for report in reports)
    for file in kept:
        assert (await api.author.get(file.path)).content == file.content
