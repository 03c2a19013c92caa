"""Specifies lists of posts: who sees what, pages, cursors, validation (HTTP contract, 12)."""

import re
from typing import Any

import httpx
import pytest

from tests.support.http import Client, fields, problem
from tests.support.posts import Post, a_post, a_published_post, hold
from tests.support.product import Api

LINK = re.compile(r'<([^>]+)>; rel="(\w+)"')


def links(answer: httpx.Response) -> dict[str, str]:
    """Give the addresses in the Link field by their relation."""
    return {relation: address for address, relation in LINK.findall(answer.headers["link"])}


async def walk(client: Client, path: str) -> list[dict[str, Any]]:
    """Follow the links to the last page."""
    items: list[dict[str, Any]] = []
    while True:
        answer = await client.get(path)
        assert answer.status_code == 200, answer.text
        items += answer.json()["items"]
        following = links(answer).get("next")
        if following is None:
            return items
        path = following


async def published(api: Api, count: int, first: int = 0) -> list[Post]:
    """Publish posts a second apart, the oldest first."""
    posts = []
    for number in range(first, first + count):
        posts.append(await a_published_post(api.author, title=f"Post {number}"))
        api.clock.advance()
    return posts


async def test_a_list_shows_whole_posts_newest_first(api: Api) -> None:
    """200 with the items, and all that caches need."""
    posts = await published(api, 3)
    answer = await api.anonymous.get("/posts")

    assert answer.status_code == 200
    assert answer.json() == {"items": [post.body for post in reversed(posts)], "nextCursor": None}
    assert links(answer) == {"first": "/posts?limit=50"}
    assert fields(answer) == {
        "content-type": "application/json",
        "cache-control": "public, max-age=60, stale-while-revalidate=300",
        "vary": "Accept, Authorization",
        "etag": answer.headers["etag"],
        "link": answer.headers["link"],
    }


async def test_an_empty_list_is_a_list(api: Api) -> None:
    """200 with no item."""
    answer = await api.anonymous.get("/posts")

    assert (answer.status_code, answer.json()) == (200, {"items": [], "nextCursor": None})


async def test_only_published_posts_are_listed(api: Api) -> None:
    """For everybody, admins and the author too: no draft, scheduled, archived, held, deleted."""
    await a_post(api.author, slug="draft")
    await a_post(api.author, slug="scheduled", publishAt="2026-03-02T00:00:00Z")
    await (await a_post(api.author, slug="archived")).do("archive")
    await hold(api.admin, await a_published_post(api.author, slug="held"))
    await (await a_published_post(api.author, slug="deleted")).delete()
    shown = await a_published_post(api.author, slug="shown")

    for client in (api.anonymous, api.author, api.second_author, api.admin, api.auditor):
        items = (await client.get("/posts")).json()["items"]
        assert [item["id"] for item in items] == [shown.id]


@pytest.mark.parametrize("status", ["draft", "scheduled", "published", "archived"])
async def test_authors_list_their_own_by_status(api: Api, status: str) -> None:
    """Each status has its own list; nobody's drafts are another's, not even an admin's."""
    posts = {
        "draft": await a_post(api.author, slug="draft"),
        "scheduled": await a_post(api.author, slug="later", publishAt="2026-03-02T00:00:00Z"),
        "published": await a_published_post(api.author, slug="published"),
        "archived": await (await a_post(api.author, slug="archived")).do("archive"),
    }
    await a_post(api.second_author, slug="not-mine")
    answer = await api.author.get(f"/posts?status={status}")

    assert [item["id"] for item in answer.json()["items"]] == [posts[status].id]
    assert fields(answer)["cache-control"] == "private, no-cache"
    assert links(answer)["first"] == f"/posts?limit=50&status={status}"
    for client in (api.admin, api.auditor, api.operator):
        assert (await client.get(f"/posts?status={status}")).json()["items"] == []


async def test_ones_own_list_needs_a_token(api: Api) -> None:
    """401 tells how."""
    answer = await api.anonymous.get("/posts?status=draft")

    problem(answer, 401, "unauthenticated")
    assert answer.headers["www-authenticate"] == 'Bearer realm="api"'


async def test_a_held_post_is_not_listed_for_its_author(api: Api) -> None:
    """What is 451 by itself is not handed out in a list."""
    post = await a_published_post(api.author)
    await hold(api.admin, post)

    assert (await api.author.get("/posts?status=published")).json()["items"] == []


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
async def test_a_walk_over_the_pages_shows_each_post_once(api: Api, limit: int) -> None:
    """Whatever the length of a page, and with posts of the same moment."""
    posts = await published(api, 4) + [
        await a_published_post(api.author, title=f"Twin {n}") for n in range(3)
    ]
    items = await walk(api.anonymous, f"/posts?limit={limit}")
    ids = [item["id"] for item in items]
    times = [(item["publishedAt"], item["id"]) for item in items]

    assert sorted(ids) == sorted(post.id for post in posts)
    assert times == sorted(times, reverse=True)


async def test_a_walk_is_not_disturbed_by_new_posts(api: Api) -> None:
    """What is published, edited or deleted on the way moves nothing that is still to come."""
    posts = await published(api, 9)
    seen: list[str] = []
    path = "/posts?limit=2"
    number = 100
    while True:
        answer = await api.anonymous.get(path)
        seen += [item["id"] for item in answer.json()["items"]]
        await published(api, 2, first=number)
        number += 2
        await posts[0].client.patch(
            posts[0].path, {"title": f"T{number}"}, headers={"If-Match": "*"}
        )
        if "next" not in links(answer):
            break
        path = links(answer)["next"]

    assert seen == [post.id for post in reversed(posts)]


async def test_a_walk_goes_on_after_its_last_post_is_gone(api: Api) -> None:
    """A cursor is a place in the order, not a post."""
    posts = await published(api, 4)
    first = await api.anonymous.get("/posts?limit=2")
    await posts[2].delete()
    rest = await walk(api.anonymous, links(first)["next"])

    assert [item["id"] for item in rest] == [posts[1].id, posts[0].id]


async def test_the_next_page_is_linked_and_named(api: Api) -> None:
    """Link and `nextCursor` say the same; the last page has none."""
    await published(api, 3)
    first = await api.anonymous.get("/posts?limit=2")
    cursor = first.json()["nextCursor"]
    last = await api.anonymous.get(links(first)["next"])

    assert links(first) == {
        "first": "/posts?limit=2",
        "next": f"/posts?limit=2&cursor={cursor}",
    }
    assert links(last) == {"first": "/posts?limit=2"}
    assert last.json()["nextCursor"] is None
    assert len(last.json()["items"]) == 1


async def test_a_full_last_page_ends_the_list(api: Api) -> None:
    """As many posts as the limit are one page."""
    await published(api, 2)
    answer = await api.anonymous.get("/posts?limit=2")

    assert (len(answer.json()["items"]), answer.json()["nextCursor"]) == (2, None)


async def test_a_page_is_validated_like_a_post(api: Api) -> None:
    """304 while nothing on it changes; another tag for another page, or when a post changes."""
    posts = await published(api, 3)
    first = await api.anonymous.get("/posts?limit=2")
    second = await api.anonymous.get(links(first)["next"])
    known = {"If-None-Match": f"W/{first.headers['etag']}"}
    same = await api.anonymous.get("/posts?limit=2", headers=known)
    await posts[2].edit(title="Edited")
    other = await api.anonymous.get("/posts?limit=2", headers=known)

    assert len({first.headers["etag"], second.headers["etag"], other.headers["etag"]}) == 3
    assert (same.status_code, same.content) == (304, b"")
    assert fields(same) == {name: fields(first)[name] for name in ("etag", "cache-control", "vary")}
    assert other.status_code == 200


async def test_a_deletion_changes_the_page(api: Api) -> None:
    """A post that leaves is a change, although nothing on the page is newer."""
    posts = await published(api, 2)
    before = (await api.anonymous.get("/posts")).headers["etag"]
    await posts[1].delete()
    after = await api.anonymous.get("/posts", headers={"If-None-Match": before})

    assert after.status_code == 200


@pytest.mark.parametrize(
    "limit", ["0", "101", "-1", "+5", "1.0", "1_0", "", "ten", "9" * 30, "%31%"]
)
async def test_a_limit_is_between_1_and_100(api: Api, limit: str) -> None:
    """Anything else is 400, and says which parameter."""
    for query in (f"limit={limit}", f"status=draft&limit={limit}"):
        refused = problem(await api.author.get(f"/posts?{query}"), 400, "bad_parameter")
        assert "limit" in refused["detail"]


async def test_a_cursor_belongs_to_its_list(api: Api) -> None:
    """One that was cut, changed, made up or taken from another list is 400."""
    await published(api, 3)
    cursor = (await api.anonymous.get("/posts?limit=1")).json()["nextCursor"]
    other = "A" if cursor[10] != "A" else "B"
    bad = [
        ("", cursor[:-1]),
        ("", cursor + "A"),
        ("", cursor[:10] + other + cursor[11:]),
        ("", "A" * 44),
        ("", ""),
        ("", "%00"),
        ("", "x" * 3000),
        ("status=draft&", cursor),
        ("status=published&", cursor),
    ]

    assert (await api.anonymous.get(f"/posts?cursor={cursor}")).status_code == 200
    for query, text in bad:
        answer = await api.author.get(f"/posts?{query}cursor={text}")
        assert (answer.status_code, answer.json()["error"]) in {
            (400, "bad_cursor"),
            (400, "bad_parameter"),
        }, text


@pytest.mark.parametrize(
    "query", ["status=deleted", "status=", "page=2", "limit=1&limit=2", "Limit=1", "a[]=1"]
)
async def test_unknown_parameters_are_refused(api: Api, query: str) -> None:
    """What would be ignored is refused."""
    problem(await api.author.get(f"/posts?{query}"), 400, "bad_parameter")


async def test_a_page_of_long_posts_ends_early(api: Api) -> None:
    """A page grows by bytes only so far; the walk is complete all the same."""
    long = "\N{SNOWMAN}" * 100_000
    posts = [await a_published_post(api.author, title=f"L{n}", content=long) for n in range(9)]
    first = await api.anonymous.get("/posts")
    ids = [item["id"] for item in await walk(api.anonymous, "/posts")]

    assert 1 < len(first.json()["items"]) < 9
    assert len(first.content) < 2 * 1024 * 1024
    assert sorted(ids) == sorted(post.id for post in posts)
