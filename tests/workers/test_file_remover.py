"""Files that go by themselves: those of posts deleted long ago, and of erased people."""

from datetime import timedelta
from typing import Any

import pytest

from commands.file_removal import FileRemoval, erase_left_over
from domain.stream import Role
from infra.bootstrap import file_removal
from infra.files.removal import BlobRemoval
from infra.store.verify import verify
from tests.support.http import Client, problem
from tests.support.posts import Post, a_post, a_post_that_is, a_published_post, hold
from tests.support.product import Api
from tests.support.stored_files import StoredFile, a_file, some_bytes
from workers.file_remover import FilesOfDeletedPosts

KEEP = timedelta(days=30)


@pytest.fixture
def removal(api: Api) -> FileRemoval:
    """Give what removes files."""
    return file_removal(api.product, api.settings)


async def swept(api: Api, removal: FileRemoval) -> int:
    """Remove what belonged to posts deleted long enough ago."""
    return await FilesOfDeletedPosts(removal, KEEP).forget(api.clock.now(), 100)


async def files_of(api: Api, client: Client, count: int) -> list[StoredFile]:
    """Record files of somebody's."""
    return [await a_file(api, client, some_bytes(100, seed)) for seed in range(count)]


async def is_there(api: Api, file: StoredFile) -> bool:
    """Tell whether a file is still there."""
    return (await api.admin.get(file.path)).status_code == 200


async def test_a_deleted_posts_files_go_in_time(api: Api, removal: FileRemoval) -> None:
    """Not before, as the post may come back; the log says why."""
    cover, attached, loose = await files_of(api, api.author, 3)
    post = await a_post(api.author, coverImage=str(cover.id), attachments=[str(attached.id)])
    await post.delete()
    api.clock.advance(KEEP)
    assert await swept(api, removal) == 0
    api.clock.advance(timedelta(seconds=1))

    assert await swept(api, removal) == 2
    assert [await is_there(api, each) for each in (cover, attached, loose)] == [False, False, True]
    history = (await api.auditor.get(f"/streams/file/{cover.id}")).json()["items"]
    assert history[-1]["data"] == {"type": "file.deleted.v1", "why": "unused"}
    assert await swept(api, removal) == 0
    back = await post.do("restore")
    assert (back.body["coverImage"], back.body["attachments"]) == (None, [])


@pytest.mark.parametrize("state", ["draft", "published", "archived", "held"])
async def test_what_another_post_shows_stays(api: Api, removal: FileRemoval, state: str) -> None:
    """As long as that one is not deleted, whatever else it is."""
    (file,) = await files_of(api, api.author, 1)
    await (await a_post(api.author, coverImage=str(file.id))).delete()
    api.clock.advance(KEEP * 2)
    await a_post_that_is(state, api.author, api.admin, slug="other", attachments=[str(file.id)])

    assert await swept(api, removal) == 0
    assert await is_there(api, file)


async def test_the_last_deletion_counts(api: Api, removal: FileRemoval) -> None:
    """A post that was deleted yesterday can be restored with what it shared with an older one."""
    (file,) = await files_of(api, api.author, 1)
    posts = [await a_post(api.author, slug=f"p-{n}", coverImage=str(file.id)) for n in range(2)]
    await posts[0].delete()
    api.clock.advance(KEEP)
    await posts[1].delete()
    api.clock.advance(timedelta(days=1))

    assert await swept(api, removal) == 0
    assert (await posts[1].do("restore")).body["coverImage"] == str(file.id)


async def test_restored_while_it_is_swept(
    api: Api, removal: FileRemoval, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list was made before, and the append refuses: the post keeps its file."""
    (file,) = await files_of(api, api.author, 1)
    post = await a_post(api.author, coverImage=str(file.id))
    await post.delete()
    api.clock.advance(KEEP * 2)
    unused = type(api.product.file_queries).unused

    async def late(queries: Any, *arguments: Any) -> Any:  # noqa: ANN401 - as the query
        found = await unused(queries, *arguments)
        await post.do("restore")
        return found

    monkeypatch.setattr(type(api.product.file_queries), "unused", late)

    assert await swept(api, removal) == 0
    assert await is_there(api, file)
    assert (await api.author.get(post.path)).json()["coverImage"] == str(file.id)


async def an_author_with_files(api: Api) -> tuple[Client, list[StoredFile], list[Post]]:
    """Register somebody whose files are in posts of every kind, and in none."""
    ada = await api.account("ada", Role.AUTHOR)
    files = await files_of(api, ada, 6)
    ids = [str(each.id) for each in files]
    posts = [
        await a_published_post(ada, slug="public", coverImage=ids[0], attachments=ids[1:3]),
        await a_post(ada, slug="a-draft", attachments=[ids[1]]),
        await a_post_that_is("archived", ada, api.admin, slug="away", coverImage=ids[3]),
        await a_published_post(ada, slug="blocked", coverImage=ids[4]),
        await a_post(ada, slug="gone", coverImage=ids[4], attachments=[ids[0]]),
    ]
    await hold(api.admin, posts[3])
    await posts[4].delete()
    return ada, files, posts


async def assert_all_gone(api: Api, files: list[StoredFile], posts: list[Post]) -> None:
    """Require that nothing is left of the files but their ids."""
    for file in files:
        problem(await api.admin.get(file.path), 404, "file_not_found")
    for post in posts[:-1]:
        shown = (await api.admin.get(post.path)).json()
        assert (shown["coverImage"], shown["attachments"]) == (None, [])
    used = await api.product.database.fetch("select 1 from claims where scope like 'file.use/%'")
    assert used == []
    blobs = api.settings.data_dir / "files" / "sha256"
    assert [each for each in blobs.rglob("*") if each.is_file()] == []
    assert (await verify(api.product.database, api.product.codec, lambda *_: None)).sound


async def test_erasing_somebody_removes_their_files(api: Api) -> None:
    """At once, also from posts that are held, archived or deleted; the posts stay."""
    ada, files, posts = await an_author_with_files(api)
    assert (await ada.delete("/me")).status_code == 204

    await assert_all_gone(api, files, posts)
    history = (await api.auditor.get(f"/streams/file/{files[0].id}")).json()["items"]
    assert history[-1]["data"]["why"] == "erased"


async def test_the_same_bytes_of_somebody_else_stay(api: Api) -> None:
    """The blob is shared, and only the erased person's file goes."""
    ada = await api.account("ada", Role.AUTHOR)
    mine, others = await a_file(api, ada), await a_file(api, api.author)
    assert (await ada.delete("/me")).status_code == 204

    problem(await api.admin.get(mine.path), 404, "file_not_found")
    assert (await api.author.get(others.path)).content == others.content


@pytest.mark.parametrize("step", ["before", "half-way", "before the bytes"])
async def test_what_a_crash_left_is_finished(
    api: Api, removal: FileRemoval, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """The account is erased, and the process ended at some step: a worker does the rest."""
    ada, files, posts = await an_author_with_files(api)
    left = {"before": 0, "half-way": 3}.get(step)
    remove = removal.files.ledger.store.__class__.append

    class Ended(Exception):  # noqa: N818 - not an error of the product's
        """The process is no more."""

    async def append(store: Any, what: Any) -> Any:  # noqa: ANN401 - as the store
        nonlocal left
        if what.metadata.command == "EraseFile" and left is not None:
            if left == 0:
                raise Ended
            left -= 1
        return await remove(store, what)

    async def settle(*_: Any) -> bool:  # noqa: ANN401 - as above
        raise Ended

    with monkeypatch.context() as patch:
        patch.setattr(removal.files.ledger.store.__class__, "append", append)
        patch.setattr(BlobRemoval, "settle", settle)
        assert (await ada.delete("/me")).status_code == 500
    problem(await ada.get("/me"), 401, "invalid_token")
    before = sum([await is_there(api, file) for file in files])
    await erase_left_over(removal, api.clock.now())
    for blob in await removal.blobs.unused(100):
        await removal.blobs.settle(blob)

    assert (before > 0) == (step != "before the bytes")
    await assert_all_gone(api, files, posts)
    assert await erase_left_over(removal, api.clock.now()) == 0
