"""Specifies what all lists with cursors have in common (HTTP contract, 12)."""

import pytest

from tests.http.test_lists import links
from tests.support.http import Client, fields, problem
from tests.support.posts import a_published_post
from tests.support.product import Api

LISTS = {
    "/posts": "anonymous",
    "/posts?status=draft": "author",
    "/posts?q=words": "anonymous",
    "/files": "author",
    "/exports": "author",
    "/users": "admin",
    "/redirects": "operator",
    "/webhooks": "operator",
    "/clicks": "operator",
    "/clicks?from=2026-01-01": "operator",
}
"""Each list, and somebody who may see it."""


def caller(api: Api, path: str) -> Client:
    """Give the client that may see a list."""
    client: Client = getattr(api, LISTS[path])
    return client


def with_query(path: str, query: str) -> str:
    """Add to the query of a list."""
    return f"{path}{'&' if '?' in path else '?'}{query}"


@pytest.mark.parametrize("path", LISTS)
async def test_a_page_has_a_tag_and_links(api: Api, path: str) -> None:
    """It is validated by its tag, and its first link leads to the same list."""
    client = caller(api, path)
    page = await client.get(path)
    again = await client.get(links(page)["first"])
    known = await client.get(path, headers={"If-None-Match": page.headers["etag"]})
    other = await client.get(path, headers={"If-Match": '"other"'})
    fewer = await client.get(with_query(path, "limit=1"))

    assert page.status_code == 200, page.text
    assert set(page.json()) == {"items", "nextCursor"}
    assert again.headers["etag"] == page.headers["etag"]
    assert (known.status_code, known.content) == (304, b"")
    for name in ("etag", "cache-control", "vary"):
        assert known.headers[name] == page.headers[name]
    assert problem(other, 412, "stale_version")["currentTag"] == page.headers["etag"]
    assert fewer.headers["etag"] != page.headers["etag"]
    assert "last-modified" not in fields(page)


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("limit=0", "bad_parameter"),
        ("limit=101", "bad_parameter"),
        ("limit=1&limit=1", "bad_parameter"),
        ("page=2", "bad_parameter"),
        ("cursor=", "bad_cursor"),
        ("cursor=x", "bad_cursor"),
    ],
)
async def test_a_page_that_is_none(api: Api, query: str, error: str) -> None:
    """400 names what is wrong with the query."""
    for path in LISTS:
        problem(await caller(api, path).get(with_query(path, query)), 400, error)


async def test_a_cursor_is_of_one_list(api: Api) -> None:
    """Elsewhere, and in the same list with other filters, it means nothing."""
    for number in range(2):
        await a_published_post(api.author, title=f"Post {number}")
    cursor = (await api.anonymous.get("/posts?limit=1")).json()["nextCursor"]

    assert (await api.anonymous.get(f"/posts?limit=2&cursor={cursor}")).status_code == 200
    for path in set(LISTS) - {"/posts"}:
        answer = await caller(api, path).get(with_query(path, f"cursor={cursor}"))
        problem(answer, 400, "bad_cursor")


async def test_a_malformed_condition_is_judged_with_the_others(api: Api) -> None:
    """400 names the field; what comes before conditions is told first."""
    malformed = {"If-None-Match": "1.7"}
    for path in LISTS:
        client = caller(api, path)
        answer = await client.get(path, headers=malformed)
        unacceptable = await client.get(path, headers={**malformed, "Accept": "text/plain"})

        assert problem(answer, 400, "malformed_header")["member"] == "If-None-Match"
        problem(unacceptable, 406, "not_acceptable")


async def test_a_malformed_condition_on_what_is_not_there(api: Api) -> None:
    """404 comes before it, whichever resource it is."""
    missing = "01a20000-0000-7000-8000-000000000000"
    asked = {
        f"/posts/{missing}": api.author,
        "/posts/slug/nothing": api.anonymous,
        f"/posts/{missing}/versions": api.author,
        f"/files/{missing}/metadata": api.author,
        f"/users/{missing}": api.admin,
        f"/redirects/{missing}": api.operator,
        "/events/999999": api.auditor,
    }
    for path, client in asked.items():
        answer = await client.get(path, headers={"If-None-Match": "1.7"})

        assert answer.status_code == 404, path
