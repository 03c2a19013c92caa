"""Specifies that processes share the database and nothing else: reads after writes, one winner."""

import asyncio
from datetime import timedelta

from tests.support.http import if_match, problem
from tests.support.posts import Post, a_draft, a_post, a_published_post
from tests.support.product import Api, running_api


async def test_what_one_process_answered_all_others_show(database_url: str) -> None:
    """After a 2xx the next GET sees it, whichever process is asked, in reads and in lists."""
    async with running_api(database_url) as one, running_api(database_url) as other:
        post = await a_published_post(one.author)
        for number in range(10):
            writer, reader = (one, other) if number % 2 else (other, one)
            post = Post(writer.author, await writer.author.get(post.path))
            post = await post.edit(title=f"Title {number}")
            read, listed = await asyncio.gather(
                reader.anonymous.get(post.path), reader.anonymous.get("/posts")
            )
            assert (read.json(), read.headers["etag"]) == (post.body, post.tag)
            assert listed.json()["items"] == [post.body]


async def test_of_patches_in_two_processes_one_wins(database_url: str) -> None:
    """The version is compared where the events are written."""
    async with running_api(database_url) as one, running_api(database_url) as other:
        post = await a_post(one.author)
        answers = await asyncio.gather(
            *(
                api.author.patch(post.path, {"title": f"T{n}"}, headers=if_match(post.tag))
                for n in range(10)
                for api in (one, other)
            )
        )

        assert sorted(answer.status_code for answer in answers) == [200] + [412] * 19


async def test_one_slug_is_given_once_by_two_processes(database_url: str) -> None:
    """The claim is taken where the events are written."""
    async with running_api(database_url) as one, running_api(database_url) as other:
        answers = await asyncio.gather(
            *(api.author.post("/posts", a_draft()) for api in (one, other) * 5)
        )

        assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9


async def test_everything_is_there_after_a_restart(database_url: str) -> None:
    """The same bytes under the same tags, and the next change is the next version."""
    async with running_api(database_url) as api:
        post = await (await a_published_post(api.author)).edit(slug="moved")
        before = await api.anonymous.get(post.path)
    async with running_api(database_url) as api:
        after = await api.anonymous.get(post.path)
        moved = await api.anonymous.get("/posts/slug/a-title")
        edited = await Post(api.author, after).edit(title="New")

        assert (after.content, after.headers["etag"]) == (before.content, before.headers["etag"])
        assert (moved.status_code, moved.headers["location"]) == (301, "/posts/slug/moved")
        assert edited.body["version"] == post.body["version"] + 1


async def test_a_clock_set_back_harms_nothing(api: Api) -> None:
    """Times of one post never go backwards, and its tag does not come from them."""
    post = await a_post(api.author)
    api.clock.advance(-timedelta(hours=1))
    edited = await post.edit(title="New")

    assert edited.body["updatedAt"] == post.body["updatedAt"]
    assert edited.tag != post.tag
    stale = await api.author.patch(post.path, {"title": "Old"}, headers=if_match(post.tag))
    problem(stale, 412, "stale_version")
