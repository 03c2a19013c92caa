"""Specifies DELETE /files/{id}, also at the very moment at which a post comes to show the file."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from commands.ports import Append, AppendResult
from infra.store.event_store import PostgresEventStore
from infra.store.verify import verify
from tests.support.http import Client, if_match, problem
from tests.support.posts import Post, a_draft, a_post, a_post_that_is, a_published_post
from tests.support.product import Api, running_api
from tests.support.stored_files import StoredFile, a_file, some_bytes

ROUNDS = 12


async def assert_sound(api: Api) -> None:
    """Require that no live post shows a deleted file, and that the log says what the tables do."""
    broken = await api.product.database.fetch(
        "select p.id from posts p join files f on f.id = any(p.files)"
        " where f.deleted and not p.deleted"
    )
    assert broken == []
    assert (await verify(api.product.database, api.product.codec, lambda *_: None)).sound


async def test_a_file_that_no_post_shows_goes(api: Api) -> None:
    """204, and to its owner it is as missing as to anybody."""
    file = await a_file(api, api.author)
    answer = await api.author.delete(file.path)

    assert (answer.status_code, answer.content) == (204, b"")
    for client in (api.author, api.admin, api.anonymous):
        problem(await client.get(file.path), 404, "file_not_found")
        problem(await client.get(f"{file.path}/metadata"), 404, "file_not_found")
    problem(await api.author.delete(file.path), 404, "file_not_found")


@pytest.mark.parametrize("state", ["draft", "scheduled", "published", "archived", "held"])
async def test_a_file_that_a_live_post_shows_stays(api: Api, state: str) -> None:
    """409, which names the post; whoever asks."""
    file = await a_file(api, api.author)
    post = await a_post_that_is(state, api.author, api.admin, attachments=[str(file.id)])
    before = await api.events()
    for client in (api.author, api.admin):
        told = problem(await client.delete(file.path), 409, "file_in_use")

        assert told["collidesWith"] == post.path
    assert await api.events() == before


@pytest.mark.parametrize("way", ["edited", "deleted", "reverted"])
async def test_a_file_goes_once_no_post_shows_it(api: Api, way: str) -> None:
    """Of two posts both must have let go of it."""
    file = await a_file(api, api.author)
    bare = await a_post(api.author)
    post = await bare.edit(coverImage=str(file.id))
    other = await a_published_post(api.author, slug="other", attachments=[str(file.id)])
    if way == "edited":
        await post.edit(coverImage=None)
    elif way == "deleted":
        await post.delete()
    else:
        await post.do("revert", {"version": 1})
    told = problem(await api.author.delete(file.path), 409, "file_in_use")
    await other.delete()

    assert told["collidesWith"] == other.path
    assert (await api.author.delete(file.path)).status_code == 204
    await assert_sound(api)


async def test_who_may(api: Api) -> None:
    """Its owner and admins; others are told 403 where they see it, and else that there is none."""
    hidden, shown = [await a_file(api, api.author) for _ in range(2)]
    post = await a_published_post(api.author, coverImage=str(shown.id))
    others = {
        api.second_author: (404, 403),
        api.operator: (404, 403),
        api.auditor: (403, 403),
        api.anonymous: (401, 401),
    }
    for client, statuses in others.items():
        answers = [await client.delete(each.path) for each in (hidden, shown)]

        assert tuple(answer.status_code for answer in answers) == statuses
    await post.delete()
    assert (await api.author.delete(hidden.path)).status_code == 204
    assert (await api.admin.delete(shown.path)).status_code == 204


async def test_if_match_is_honoured(api: Api) -> None:
    """By the tag of the bytes; a stale one comes before the post that shows it."""
    file = await a_file(api, api.author)
    await a_published_post(api.author, coverImage=str(file.id))
    tag = (await api.author.get(file.path)).headers["etag"]

    stale = await api.author.delete(file.path, headers=if_match('"other"'))
    problem(stale, 412, "stale_version")
    problem(await api.author.delete(file.path, headers=if_match(tag)), 409, "file_in_use")


Append_ = Callable[[PostgresEventStore, Append], Awaitable[AppendResult]]


def before_the_next_append(
    patch: pytest.MonkeyPatch, category: str, happens: Callable[[], Awaitable[Any]]
) -> None:
    """Let something happen between a decision on streams of a category and its append."""
    append: Append_ = PostgresEventStore.append

    async def late(store: PostgresEventStore, what: Append) -> AppendResult:
        if what.stream.category == category:
            patch.setattr(PostgresEventStore, "append", append)
            await happens()
        return await append(store, what)

    patch.setattr(PostgresEventStore, "append", late)


async def attach(client: Client, file: StoredFile, way: str, post: Post) -> Any:  # noqa: ANN401 - an answer
    """Have a post show the file, in one of the ways that there are."""
    match way:
        case "create":
            return await client.post("/posts", a_draft(slug="new", coverImage=str(file.id)))
        case "edit":
            patch = {"coverImage": str(file.id)}
            return await client.patch(post.path, patch, headers={"If-Match": "*"})
        case "restore":
            return await client.post(f"{post.path}/restore")
        case "revert":
            return await client.post(f"{post.path}/revert", {"version": 2})
        case _:
            raise ValueError(way)


async def ready_for(api: Api, file: StoredFile, way: str) -> Post:
    """Make the post that is to show the file again."""
    post = await a_post(api.author, coverImage=str(file.id))
    if way == "restore":
        await post.delete()
        return post
    return await post.edit(coverImage=None, title="Bare")


WAYS = ("create", "edit", "restore", "revert")


@pytest.mark.parametrize("way", WAYS)
async def test_deleted_while_a_post_comes_to_show_it(
    api: Api, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """The file was there when the post was decided upon: it is decided anew, without it."""
    file = await a_file(api, api.author)
    post = await ready_for(api, file, way)

    async def gone() -> None:
        assert (await api.author.delete(file.path)).status_code == 204

    before_the_next_append(monkeypatch, "post", gone)
    answer = await attach(api.author, file, way, post)

    if way in {"create", "edit"}:
        problem(answer, 422, "file_not_usable")
    else:
        assert (answer.status_code, answer.json()["coverImage"]) == (200, None)
    await assert_sound(api)


@pytest.mark.parametrize("way", WAYS)
async def test_shown_while_it_is_deleted(
    api: Api, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """Nobody showed the file when its deletion was decided upon: the append refuses it."""
    file = await a_file(api, api.author)
    post = await ready_for(api, file, way)
    answers = []

    async def shown() -> None:
        answers.append(await attach(api.author, file, way, post))

    before_the_next_append(monkeypatch, "file", shown)
    told = problem(await api.author.delete(file.path), 409, "file_in_use")

    assert answers[0].status_code in {200, 201}
    assert answers[0].json()["coverImage"] == str(file.id)
    assert told["collidesWith"] == f"/posts/{answers[0].json()['id']}"
    assert (await api.author.get(file.path)).status_code == 200
    await assert_sound(api)


async def test_shown_and_let_go_while_it_is_deleted(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the time that the answer is looked for nobody shows it: it is deleted after all."""
    file = await a_file(api, api.author)
    post = await a_post(api.author)
    shown_by = api.product.file_queries.shown_by

    async def let_go(file_id: Any) -> Any:  # noqa: ANN401 - as the query
        monkeypatch.undo()
        await Post(api.author, await api.author.get(post.path)).edit(coverImage=None)
        return await shown_by(file_id)

    async def shown() -> None:
        await post.edit(coverImage=str(file.id))

    before_the_next_append(monkeypatch, "file", shown)
    monkeypatch.setattr(type(api.product.file_queries), "shown_by", lambda _, id_: let_go(id_))
    answer = await api.author.delete(file.path)

    assert answer.status_code in {204, 409}
    await assert_sound(api)


async def test_at_once_in_two_processes(database_url: str) -> None:
    """Whoever comes first wins, the other is told so, and no live post shows a deleted file."""
    async with running_api(database_url) as one, running_api(database_url) as two:
        elsewhere = Client(two.anonymous.http, one.author.token, one.author.account_id)
        post = await a_post(one.author)
        outcomes = set()
        for number in range(ROUNDS):
            file = await a_file(one, one.author, some_bytes(50, number))
            patch = {"attachments": [str(file.id)]}
            edit, deletion = await asyncio.gather(
                one.author.patch(post.path, patch, headers={"If-Match": "*"}),
                elsewhere.delete(file.path),
            )
            outcomes.add((edit.status_code, deletion.status_code))

        assert outcomes <= {(200, 409), (422, 204)}
        await assert_sound(one)


async def test_a_slug_taken_by_another_names_the_slug(api: Api) -> None:
    """Also where the post takes uses of files beside it."""
    file = await a_file(api, api.author)
    await a_post(api.author, slug="taken")
    answer = await api.author.post("/posts", a_draft(slug="taken", coverImage=str(file.id)))

    assert problem(answer, 409, "slug_already_exists")["collidesWith"] == "taken"


async def test_the_same_bytes_in_two_files(api: Api) -> None:
    """Deleting one of them leaves the other readable."""
    first, second = [await a_file(api, api.author) for _ in range(2)]
    assert (await api.author.delete(first.path)).status_code == 204
    api.clock.advance(timedelta(days=1))
    for blob in await api.stored.removal.unused(10):
        await api.stored.removal.settle(blob)
    answer = await api.author.get(second.path)

    assert (answer.status_code, answer.content) == (200, second.content)
    problem(await api.author.get(f"/files/{uuid7()}"), 404, "file_not_found")
