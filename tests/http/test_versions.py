"""Specifies history: the versions of a post, one version, and a post as of a time."""

from datetime import timedelta

import pytest

from api.times import rfc3339
from tests.support.http import fields, problem
from tests.support.posts import a_post, a_published_post
from tests.support.product import START, Api

PRIVATE = "private, no-cache"
IMMUTABLE = "private, max-age=31536000, immutable"
MICROSECOND = timedelta(microseconds=1)


async def test_the_versions_tell_what_happened(api: Api) -> None:
    """Oldest first: what, when, who, by which command, and where it can be read."""
    post = await a_post(api.author)
    api.clock.advance(timedelta(minutes=1))
    answer = await api.admin.post(f"{post.path}/publish")
    assert answer.status_code == 200
    answer = await api.auditor.get(f"{post.path}/versions")
    first, second = answer.json()["items"]

    assert answer.status_code == 200
    assert first == {
        "version": 1,
        "type": "post.created.v1",
        "at": "2026-03-01T09:00:00.123456Z",
        "actor": str(api.author.account_id),
        "command": "CreatePost",
        "position": first["position"],
        "href": f"{post.path}/versions/1",
    }
    assert second == {
        "version": 2,
        "type": "post.published.v1",
        "at": "2026-03-01T09:01:00.123456Z",
        "actor": str(api.admin.account_id),
        "command": "PublishPost",
        "position": first["position"] + 1,
        "href": f"{post.path}/versions/2",
    }
    assert fields(answer)["cache-control"] == PRIVATE
    assert fields(answer)["vary"] == "Accept, Authorization"


async def test_the_versions_come_in_pages(api: Api) -> None:
    """`after` and `limit`, with links to the first and the next."""
    post = await a_post(api.author)
    for n in range(4):
        post = await post.edit(title=f"Title {n}")
    path = f"{post.path}/versions"
    first = await api.author.get(f"{path}?limit=2")
    last = await api.author.get(f"{path}?after=4&limit=2")

    assert [item["version"] for item in first.json()["items"]] == [1, 2]
    assert first.headers["link"] == (
        f'<{path}?limit=2>; rel="first", <{path}?after=2&limit=2>; rel="next"'
    )
    assert [item["version"] for item in last.json()["items"]] == [5]
    assert (first.json()["nextAfter"], last.json()["nextAfter"]) == (2, None)
    assert last.headers["link"] == f'<{path}?limit=2>; rel="first"'


async def test_a_page_of_versions_is_revalidated(api: Api) -> None:
    """304 for its tag until something happens; a full page keeps its tag; dates decide nothing."""
    post = await a_post(api.author)
    post = await post.edit(title="Second")
    path = f"{post.path}/versions"
    whole, full = await api.author.get(path), await api.author.get(f"{path}?limit=1")
    same = {"If-None-Match": whole.headers["etag"]}
    unchanged = await api.author.get(path, headers=same)
    dated = await api.author.get(path, headers={"If-Modified-Since": whole.headers["date"]})
    await post.edit(title="Third")
    changed = await api.author.get(path, headers=same)
    full_again = await api.author.get(f"{path}?limit=1")
    failed = await api.author.get(path, headers={"If-Match": whole.headers["etag"]})

    assert (unchanged.status_code, fields(unchanged)) == (
        304,
        {
            "etag": whole.headers["etag"],
            "cache-control": PRIVATE,
            "vary": "Accept, Authorization",
        },
    )
    assert (dated.status_code, changed.status_code) == (200, 200)
    assert (full_again.headers["etag"], full_again.content) == (full.headers["etag"], full.content)
    assert len({whole.headers["etag"], full.headers["etag"], changed.headers["etag"]}) == 3
    problem(failed, 412, "stale_version")


@pytest.mark.parametrize(
    "query", ["after=-1", "after=x", "limit=0", "before=3", "after=99999999999"]
)
async def test_a_bad_page_of_versions_is_refused(api: Api, query: str) -> None:
    """400 names the parameter."""
    post = await a_post(api.author)

    problem(await api.author.get(f"{post.path}/versions?{query}"), 400, "bad_parameter")


async def test_each_version_can_be_read(api: Api) -> None:
    """It shows the post as it stood then, under the tag that it had then."""
    first = await a_post(api.author)
    api.clock.advance()
    second = await first.edit(title="Second", slug="second")
    third = await second.do("publish")

    for n, post in ((1, first), (3, second), (4, third)):
        answer = await api.author.get(f"{post.path}/versions/{n}")
        assert (answer.status_code, answer.json()) == (200, post.body)
        assert answer.headers["etag"] == post.tag == f'"1.{n}"'
    half = (await api.author.get(f"{first.path}/versions/2")).json()
    assert (half["title"], half["slug"]) == ("Second", "a-title")


async def test_a_published_version_never_changes(api: Api) -> None:
    """It is immutable, a draft's is not; both are private, as they are seen by right."""
    post = await (await a_post(api.author)).do("publish")
    await post.do("unpublish")
    caching = [
        fields(await api.author.get(f"{post.path}/versions/{n}"))["cache-control"]
        for n in (1, 2, 3)
    ]

    assert caching == [PRIVATE, IMMUTABLE, PRIVATE]


async def test_a_version_is_validated_by_its_own_tag(api: Api) -> None:
    """304 for the version's tag, whatever the post's is by now; 412 likewise."""
    post = await (await a_post(api.author)).do("publish")
    path = f"{post.path}/versions/1"
    same = await api.author.get(path, headers={"If-None-Match": '"1.1"'})
    other = await api.author.get(path, headers={"If-None-Match": '"1.2"'})
    failed = await api.author.get(path, headers={"If-Match": '"1.2"'})

    assert (same.status_code, fields(same)) == (
        304,
        {"etag": '"1.1"', "cache-control": PRIVATE, "vary": "Accept, Authorization"},
    )
    assert other.status_code == 200
    problem(failed, 412, "stale_version")


@pytest.mark.parametrize(
    ("number", "status", "error"),
    [
        ("3", 404, "version_not_found"),
        ("2147483647", 404, "version_not_found"),
        ("2147483648", 400, "bad_parameter"),
        ("0", 400, "bad_parameter"),
        ("-1", 400, "bad_parameter"),
        ("01", 400, "bad_parameter"),
        ("1.0", 400, "bad_parameter"),
        ("1e1", 400, "bad_parameter"),
        ("1_0", 400, "bad_parameter"),
        ("%31", 200, ""),
        ("9" * 100, 400, "bad_parameter"),
        ("latest", 400, "bad_parameter"),
    ],
)
async def test_a_version_that_never_was(api: Api, number: str, status: int, error: str) -> None:
    """404 for a number, 400 for what is none."""
    post = await a_published_post(api.author)
    answer = await api.author.get(f"{post.path}/versions/{number}")

    assert answer.status_code == status
    if error:
        problem(answer, status, error)


async def test_a_post_as_of_a_time(api: Api) -> None:
    """At an event's very time it shows, a moment before it does not."""
    first = await a_post(api.author)
    at = api.clock.advance(timedelta(hours=1))
    second = await first.edit(title="Second")
    moments = [
        (START, first),
        (START + MICROSECOND, first),
        (at - MICROSECOND, first),
        (at, second),
        (at + timedelta(days=365), second),
    ]

    for moment, post in moments:
        answer = await api.author.get(f"{post.path}?asOf={rfc3339(moment)}")
        assert (answer.status_code, answer.json()) == (200, post.body)
        assert answer.headers["etag"] == post.tag
    before = await api.author.get(f"{first.path}?asOf={rfc3339(START - MICROSECOND)}")
    problem(before, 404, "version_not_found")


async def test_any_offset_names_the_moment(api: Api) -> None:
    """A plus sign is written %2B, as in every query string; a bare one is explained."""
    post = await a_post(api.author)
    good = await api.author.get(f"{post.path}?asOf=2026-03-01T12:00:00%2B02:00")
    bare = await api.author.get(f"{post.path}?asOf=2026-03-01T12:00:00+02:00")

    assert good.status_code == 200
    assert "%2B" in problem(bare, 400, "bad_parameter")["detail"]


@pytest.mark.parametrize(
    "moment",
    [
        "",
        "now",
        "1772442000",
        "2026-03-01",
        "2026-03-01T09:00:00",
        "2026-03-01T25:00:00Z",
        "2026-02-30T09:00:00Z",
        "0000-01-01T00:00:00Z",
        "9999-12-31T23:59:59-01:00",
        "2026-03-01T09:00:00Z%00",
    ],
)
async def test_a_moment_must_be_one(api: Api, moment: str) -> None:
    """400 names the parameter."""
    post = await a_post(api.author)
    refused = problem(await api.author.get(f"{post.path}?asOf={moment}"), 400, "bad_parameter")

    assert "asOf" in refused["detail"]


async def test_history_outlives_deletion(api: Api) -> None:
    """Versions before it can be read, the deletion itself shows no post."""
    post = await a_published_post(api.author)
    await post.delete()
    listed = (await api.author.get(f"{post.path}/versions")).json()["items"]

    assert [item["type"] for item in listed] == [
        "post.created.v1",
        "post.published.v1",
        "post.deleted.v1",
    ]
    assert [item["href"] is None for item in listed] == [False, False, True]
    assert (await api.author.get(f"{post.path}/versions/2")).json() == post.body
    problem(await api.author.get(f"{post.path}/versions/3"), 404, "version_not_found")


async def test_history_is_for_few(api: Api) -> None:
    """A reader of a published post is refused with 403, one without a token with 401."""
    post = await a_published_post(api.author)

    for below in ("/versions", "/versions/1", "?asOf=2026-03-01T09:00:01Z"):
        problem(await api.anonymous.get(post.path + below), 401, "unauthenticated")
        problem(await api.second_author.get(post.path + below), 403, "forbidden")
        problem(await api.operator.get(post.path + below), 403, "forbidden")
