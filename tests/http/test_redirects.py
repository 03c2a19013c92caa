"""Specifies managed redirects: what operators may set, and what the old paths answer."""

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from tests.http.clicks import forget, record
from tests.support.http import fields, if_match, problem, tag_of
from tests.support.posts import a_published_post
from tests.support.product import Api, running_api

JSON = dict[str, Any]
OLD: JSON = {"path": "/blog-old/one", "target": "/posts/slug/one", "status": 301}


@pytest.fixture(autouse=True)
async def nothing_clicked(api: Api) -> None:
    """Begin without clicks of an earlier test."""
    await forget(api)


async def a_redirect(api: Api, **members: Any) -> JSON:  # noqa: ANN401 - of a JSON body
    """Make one, and give its body."""
    answer = await api.operator.post("/redirects", {**OLD, **members})
    assert answer.status_code == 201, answer.text
    made: JSON = answer.json()
    return made


async def test_a_redirect_is_made_read_changed_and_deleted(api: Api) -> None:
    """With tags, as everything that changes; what was deleted leads nowhere and is not found."""
    made = await api.operator.post("/redirects", OLD)
    path = made.headers["location"]
    read = await api.operator.get(path)
    unnamed = await api.operator.patch(path, {"status": 308})
    stale = await api.operator.patch(path, {"status": 308}, headers=if_match('"1.9"'))
    changed = await api.operator.patch(path, {"status": 308}, headers=if_match(tag_of(read)))
    same = await api.operator.patch(path, {"status": 308}, headers=if_match(tag_of(changed)))
    refused = await api.operator.send("DELETE", path, headers=if_match(tag_of(read)))
    followed = await api.anonymous.get(OLD["path"])
    deleted = await api.operator.delete(path)

    assert made.status_code == 201
    assert tag_of(made) == tag_of(read) == '"1.1"'
    assert (
        made.json()
        == read.json()
        == {
            "id": path.rpartition("/")[2],
            **OLD,
            "activeFrom": None,
            "activeUntil": None,
            "createdAt": "2026-03-01T09:00:00.123456Z",
            "updatedAt": "2026-03-01T09:00:00.123456Z",
            "version": 1,
        }
    )
    problem(unnamed, 428, "precondition_required")
    problem(stale, 412, "stale_version")
    problem(refused, 412, "stale_version")
    assert (changed.status_code, changed.json()["status"], tag_of(changed)) == (200, 308, '"1.2"')
    assert (same.status_code, tag_of(same)) == (200, '"1.2"')
    assert followed.status_code == 308
    assert deleted.status_code == 204
    problem(await api.operator.get(path), 404, "redirect_not_found")
    problem(await api.operator.delete(path), 404, "redirect_not_found")
    problem(await api.anonymous.get(OLD["path"]), 404, "route_not_found")
    assert (await api.operator.get("/redirects")).json() == {"items": [], "nextCursor": None}


@pytest.mark.parametrize(
    ("status", "keeping"),
    [
        (301, "public, max-age=3600"),
        (302, "no-store"),
        (303, "no-store"),
        (307, "no-store"),
        (308, "public, max-age=3600"),
    ],
)
async def test_the_old_path_leads_on(api: Api, status: int, keeping: str) -> None:
    """With the status that was asked for, for every method; kept for an hour if it is for good."""
    await a_redirect(api, status=status)
    answers = [
        await api.anonymous.send(method, OLD["path"])
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
    ]

    assert {answer.status_code for answer in answers} == {status}
    assert fields(answers[0]) == {"location": OLD["target"], "cache-control": keeping}
    problem(await api.anonymous.send("OPTIONS", OLD["path"]), 404, "route_not_found")


@pytest.mark.parametrize(
    ("target", "query", "location"),
    [
        ("/posts", "?limit=2", "/posts?limit=2"),
        ("/posts?limit=2", "?cursor=x", "/posts?limit=2&cursor=x"),
        ("/docs#part", "?a=1", "/docs?a=1#part"),
        ("/docs", "?a=%zz&b=%22", "/docs?a=%25zz&b=%22"),
        ("https://ok.example/a?b=c#d", "?e=f", "https://ok.example/a?b=c&e=f#d"),
        ("HTTPS://OK.example/a b", "", "https://ok.example/a%20b"),
    ],
)
async def test_the_query_is_kept(api: Api, target: str, query: str, location: str) -> None:
    """Before the fragment, and written so that it can stand in an address."""
    await a_redirect(api, target=target)
    async with api.raw() as connection:
        head = f"GET {OLD['path']}{query} HTTP/1.1\r\nHost: {api.host}\r\n\r\n"
        await connection.send(head.encode())
        answer = await connection.answer()

    assert (answer.status, answer.field("location")) == (301, location)


async def test_a_path_is_compared_in_its_normal_form(api: Api) -> None:
    """However it is escaped, but never by case, nor with a slash more at its end."""
    made = await a_redirect(api, path="/\u00fcber/%7euns%2a/a")
    found = [
        (await api.anonymous.get(path)).status_code
        for path in ("/%C3%BCber/~uns%2A/a", "/%c3%bcber/%7Euns%2a/%61", "/%C3%BCBER/~uns%2A/a")
    ]

    assert made["path"] == "/%C3%BCber/~uns%2A/a"
    assert found == [301, 301, 404]
    assert (await api.anonymous.get("/%C3%BCber/~uns%2A/a/")).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        *("", "a", "//a", "/a//b", "/a/./b", "/a/..", "/%2e%2e/a", "/a?b", "/a#b", "/a b", "/a\\b"),
        *("/a%2fb", "/a%5cb", "/a%00", "/a%0d%0a", "/a%", "/a%2", "/a%25", "/a%zz", "/<a>", "/a|b"),
        *("https://ok.example/", "/" + "a" * 1024, "/a\nb"),
    ],
)
async def test_a_path_is_plain(api: Api, path: str) -> None:
    """What two programs could read in different ways is refused."""
    answer = await api.operator.post("/redirects", {**OLD, "path": path})
    if path:
        problem(answer, 422, "path_not_plain")
    else:
        problem(answer, 400, "invalid_body")


@pytest.mark.parametrize(
    "target",
    [
        *("http://ok.example/", "https://evil.example/", "//evil.example/", "/\\evil.example"),
        *("https://ok.example@evil.example/", "https://ok.example:8443/", "https://ok.example./"),
        *("javascript:alert(1)", "posts", "?a", "#a", "/a//b", "/a/../b", "/a b", "/a?b c", "/a?%"),
        *("/a#b#c", "/a\r\nSet-Cookie:a=b", "/a?<b>", "https://127.0.0.1/", "https://localhost/a"),
        "///evil.example",
    ],
)
async def test_a_target_is_ours_or_allowed(api: Api, target: str) -> None:
    """A managed redirect leads no further than `/go` does."""
    answer = await api.operator.post("/redirects", {**OLD, "target": target})

    problem(answer, 422, "target_not_allowed")


@pytest.mark.parametrize("path", ["/posts", "/posts/slug/a", "/go", "/livez", "/api/v1/posts"])
async def test_no_route_is_shadowed(api: Api, path: str) -> None:
    """Where the product itself answers a redirect would never be reached."""
    answer = await api.operator.post("/redirects", {**OLD, "path": path})

    problem(answer, 409, "path_is_a_route")


async def test_loops_and_chains_are_refused(api: Api) -> None:
    """A path leads to where it ends at once, whichever redirect came first, also after a change."""
    first = await a_redirect(api, path="/a", target="/b?x#y")
    other = await a_redirect(api, path="/m", target="/posts")

    async def refused(path: str, target: str) -> str:
        answer = await api.operator.post("/redirects", {**OLD, "path": path, "target": target})
        assert answer.status_code == 409, answer.text
        error: str = answer.json()["error"]
        return error

    async def change_refused(made: JSON, **members: str) -> str:
        path = f"/redirects/{made['id']}"
        answer = await api.operator.patch(path, members, headers=if_match("*"))
        assert answer.status_code == 409, answer.text
        error: str = answer.json()["error"]
        return error

    assert await refused("/x", "/x") == "redirect_loop"
    assert await refused("/x", "/x?a") == "redirect_loop"
    assert await refused("/x", "/%78") == "redirect_loop"
    assert await refused("/b", "/a") == "redirect_loop"
    assert await refused("/c", "/a") == "redirect_chain"
    assert await refused("/b", "/posts") == "redirect_chain"
    assert await refused("/a", "/posts") == "redirect_already_exists"
    assert await change_refused(first, target="/a") == "redirect_loop"
    assert await change_refused(first, target="/m") == "redirect_chain"
    assert await change_refused(other, path="/b") == "redirect_chain"
    assert await change_refused(other, path="/a") == "redirect_already_exists"


async def test_what_was_made_at_the_same_moment_never_goes_round(
    api: Api, database_url: str
) -> None:
    """Two redirects that lead to each other lead nowhere; a chain is followed at once."""
    del database_url
    pairs = [("/a", "/b"), ("/b", "/a"), ("/c", "/d"), ("/d", "/posts")]
    await asyncio.gather(
        *(
            api.operator.post("/redirects", {"path": path, "target": target})
            for path, target in pairs
        )
    )
    listed = (await api.operator.get("/redirects")).json()["items"]
    ways = {each["path"]: each["target"] for each in listed}
    for path in ways:
        answer = await api.anonymous.get(path)
        leads = answer.headers.get("location")

        assert answer.status_code in {302, 404}
        assert leads is None or leads not in ways


async def test_times_bound_it(api: Api) -> None:
    """It leads from its beginning to its end, and is kept no longer than that."""
    now = api.clock.now()
    window = {
        "activeFrom": (now + timedelta(minutes=10)).isoformat(),
        "activeUntil": (now + timedelta(minutes=20)).isoformat(),
    }
    await a_redirect(api, **window)
    seen = []
    for _ in range(4):
        answer = await api.anonymous.get(OLD["path"])
        seen.append((answer.status_code, answer.headers["cache-control"]))
        api.clock.advance(timedelta(minutes=6))
    turned = await api.operator.post(
        "/redirects",
        {
            **OLD,
            "path": "/x",
            "activeFrom": window["activeUntil"],
            "activeUntil": window["activeFrom"],
        },
    )

    assert seen == [
        (404, "no-store"),
        (404, "no-store"),
        (301, "public, max-age=480"),
        (301, "public, max-age=120"),
    ]
    problem(turned, 422, "window_is_empty")


async def test_another_process_sees_a_change_at_once(
    api: Api,
    redis_url: str,
    shared_api: Any,  # noqa: ANN401 - for its database
) -> None:
    """No answer is older than the write before it."""
    url = shared_api[0].product.database._pool._connect_args[0]  # noqa: SLF001 - where it is
    async with running_api(url, redis_url=redis_url) as other:
        for number in range(5):
            made = await a_redirect(api, target=f"/docs?{number}")
            first = await other.anonymous.get(OLD["path"])
            await api.operator.delete(f"/redirects/{made['id']}")
            second = await other.anonymous.get(OLD["path"])

            assert first.headers["location"] == f"/docs?{number}"
            assert second.status_code == 404


async def test_a_host_that_is_allowed_no_more_is_led_to_no_more(api: Api) -> None:
    """The list of hosts is that of the moment."""
    await a_redirect(api, target="https://ok.example/")
    services = api.services
    rules = msgspec.structs.replace(services.redirects, allowed_hosts=frozenset())
    before = await api.anonymous.get(OLD["path"])
    msgspec.structs.force_setattr(services, "redirects", rules)
    try:
        after = await api.anonymous.get(OLD["path"])
    finally:
        whole = msgspec.structs.replace(rules, allowed_hosts=services.go_allowed_hosts)
        msgspec.structs.force_setattr(services, "redirects", whole)

    assert (before.status_code, after.status_code) == (301, 404)


async def test_hits_are_counted_like_clicks(api: Api) -> None:
    """By the redirect's path, also when it was deleted since; HEAD is no click."""
    made = await a_redirect(api)
    for method in ("GET", "GET", "HEAD", "POST"):
        await api.anonymous.send(method, OLD["path"])
    await api.operator.delete(f"/redirects/{made['id']}")
    await record(api)

    assert (await api.operator.get("/clicks")).json()["items"] == [
        {
            "day": "2026-03-01",
            "kind": "redirect",
            "id": made["id"],
            "address": OLD["path"],
            "clicks": 3,
        }
    ]


@pytest.mark.parametrize("status", [200, 300, 304, "301", None])
async def test_a_status_that_leads_nowhere_is_refused(api: Api, status: object) -> None:
    """400 names the member, and where it is a number those that there are."""
    answer = await api.operator.post("/redirects", {**OLD, "status": status})

    problem(answer, 400, "invalid_body")
    assert answer.json()["member"] == "status"
    if isinstance(status, int):
        assert "one of 301, 302, 303, 307, 308" in answer.json()["detail"]


async def test_the_list_has_pages(api: Api) -> None:
    """The newest first."""
    for number in range(5):
        await a_redirect(api, path=f"/old/{number}")
        api.clock.advance()
    first = await api.operator.get("/redirects?limit=3")
    cursor = first.json()["nextCursor"]
    second = await api.operator.get(f"/redirects?limit=3&cursor={cursor}")
    tag = {"If-None-Match": first.headers["etag"]}

    shown = [item["path"] for page in (first, second) for item in page.json()["items"]]
    assert shown == [f"/old/{number}" for number in (4, 3, 2, 1, 0)]
    assert second.json()["nextCursor"] is None
    assert (await api.operator.get("/redirects?limit=3", headers=tag)).status_code == 304


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/api/v1/posts/create", "/posts"),
        ("/api/v1/posts/create?a=b", "/posts?a=b"),
        ("/api/v1/posts", "/posts"),
        ("/api/v1/posts?limit=2", "/posts?limit=2"),
        ("/api/v1/posts/slug/a-title", "/posts/slug/a-title"),
        ("/api/v1/me", "/me"),
    ],
)
async def test_the_first_api_moved(api: Api, path: str, location: str) -> None:
    """308, so that method and body are kept, for an hour."""
    for method in ("GET", "POST"):
        answer = await api.anonymous.send(method, path)

        assert answer.status_code == 308
        assert fields(answer) == {"location": location, "cache-control": "public, max-age=3600"}


@pytest.mark.parametrize("path", ["/api/v1", "/api/v1/", "/api/v1/x", "/api/v1//evil.example/"])
async def test_what_never_stood_there_is_404(api: Api, path: str) -> None:
    """Only what has an address today moved."""
    problem(await api.anonymous.get(path), 404, "route_not_found")


async def test_a_post_is_found_by_its_old_path(api: Api) -> None:
    """The whole way, as a browser goes it."""
    await a_published_post(api.author, slug="one")
    await a_redirect(api)
    answer = await api.anonymous.get(OLD["path"])

    assert (await api.anonymous.get(answer.headers["location"])).status_code == 200
