"""Specifies how posts are read: GET and HEAD, hiding, negotiation, caching (guide section 6)."""

from datetime import timedelta

import httpx
import pytest

from tests.support.http import fields, problem
from tests.support.posts import a_draft, a_post, a_post_that_is, a_published_post, hold
from tests.support.product import Api

PUBLIC = "public, max-age=60, stale-while-revalidate=300"
PRIVATE = "private, no-cache"
NOT_THERE = "01920000-0000-7000-8000-000000000000"


async def test_a_published_post_is_for_everybody(api: Api) -> None:
    """200 with all that caches need."""
    post = await a_post(api.author)
    api.clock.advance(timedelta(hours=1))
    published = await post.do("publish")
    answer = await api.anonymous.get(post.path)

    assert (answer.status_code, answer.json()) == (200, published.body)
    assert published.body == post.body | {
        "status": "published",
        "publishedAt": "2026-03-01T10:00:00.123456Z",
        "updatedAt": "2026-03-01T10:00:00.123456Z",
        "version": 2,
    }
    assert fields(answer) == {
        "content-type": "application/json",
        "etag": '"1.2"',
        "last-modified": "Sun, 01 Mar 2026 10:00:00 GMT",
        "cache-control": PUBLIC,
        "vary": "Accept",
    }


async def test_a_slug_shows_the_same(api: Api) -> None:
    """Both addresses show the same bytes under the same tag."""
    post = await a_published_post(api.author)
    by_id = await api.anonymous.get(post.path)
    by_slug = await api.anonymous.get(f"/posts/slug/{post.slug}")

    assert by_slug.content == by_id.content
    assert fields(by_slug) == fields(by_id)


async def test_the_tag_of_a_version_never_changes_and_those_of_two_differ(api: Api) -> None:
    """It is made of the schema's and the stream's version, never of a clock."""
    post = await a_published_post(api.author)
    first = [(await api.anonymous.get(post.path)).headers["etag"] for _ in range(3)]
    api.clock.advance(timedelta(days=1))
    later = await api.anonymous.get(post.path)
    edited = await post.edit(title="Edited")

    assert {*first, later.headers["etag"]} == {post.tag}
    assert edited.tag != post.tag


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/posts/{id}", 200),
        ("/posts/slug/a-title", 200),
        ("/posts?limit=3", 200),
        ("/posts/{id}/versions", 200),
        ("/posts/{id}/versions/1", 200),
        ("/posts/{id}?asOf=2026-03-01T09:00:01Z", 200),
        (f"/posts/{NOT_THERE}", 404),
        ("/posts/nonsense", 400),
        ("/posts/slug/nothing", 404),
        ("/posts?limit=0", 400),
        ("/livez", 200),
        ("/readyz", 200),
        ("/nothing", 404),
    ],
)
async def test_head_is_get_without_the_body(api: Api, path: str, status: int) -> None:
    """The same status and fields, Content-Length too, whatever Range says."""
    post = await a_published_post(api.author)
    path = path.format(id=post.id)
    got = await api.author.get(path)
    head = await api.author.head(path)
    ranged = await api.author.head(path, headers={"Range": "bytes=0-3"})

    assert (got.status_code, head.status_code, ranged.status_code) == (status,) * 3
    assert head.content == ranged.content == b""
    length = {"content-length": got.headers["content-length"]}
    assert fields(head) | length == fields(ranged) | length == fields(got) | length
    assert head.headers["content-length"] == ranged.headers["content-length"]
    if status == 200:
        assert head.headers["content-length"] == length["content-length"]


@pytest.mark.parametrize("value", ["bytes=0-3", "bytes=-5", "lines=1", "nonsense"])
async def test_a_post_has_no_ranges(api: Api, value: str) -> None:
    """A server may ignore Range (section 14.2): the whole post is sent."""
    post = await a_published_post(api.author)
    answer = await api.anonymous.get(post.path, headers={"Range": value})

    assert (answer.status_code, answer.json()) == (200, post.body)


@pytest.mark.parametrize("state", ["draft", "scheduled", "archived", "deleted"])
@pytest.mark.parametrize("at", ["id", "slug"])
async def test_a_hidden_post_looks_like_none(api: Api, state: str, at: str) -> None:
    """404 differs in `instance` and `requestId` alone, in bytes and in fields."""
    post = await a_post_that_is(state, api.author, api.admin)
    hidden_at, missing_at = (
        (post.path, f"/posts/{NOT_THERE}")
        if at == "id"
        else ("/posts/slug/a-title", "/posts/slug/b-title")
    )
    for client in (api.anonymous, api.second_author, api.operator):
        hidden, missing = await client.get(hidden_at), await client.get(missing_at)
        problem(hidden, 404, "post_not_found")
        assert _alike(hidden, hidden_at) == _alike(missing, missing_at)
        assert fields(hidden) == fields(missing)


def _alike(answer: httpx.Response, instance: str) -> bytes:
    text: str = answer.text.replace(instance, "X").replace(answer.headers["x-request-id"], "Y")
    return text.encode()


async def test_a_hidden_post_cannot_be_changed_either(api: Api) -> None:
    """Every method answers as for a post that does not exist."""
    post = await a_post(api.author)
    asked = [
        ("PATCH", "", {"title": "New"}),
        ("DELETE", "", None),
        ("POST", "/publish", None),
        ("POST", "/restore", None),
        ("POST", "/schedule", {"publishAt": "2026-03-02T00:00:00Z"}),
        ("GET", "/versions", None),
        ("GET", "/versions/1", None),
        ("GET", "?asOf=2026-03-01T09:00:01Z", None),
    ]
    for method, below, body in asked:
        headers = {"If-Match": "*"} if method == "PATCH" else {}
        hidden, missing = [
            await api.second_author.send(method, f"/posts/{id_}{below}", body, headers=headers)
            for id_ in (post.id, NOT_THERE)
        ]
        problem(hidden, 404, "post_not_found")
        assert _alike(hidden, f"/posts/{post.id}") == _alike(missing, f"/posts/{NOT_THERE}")


@pytest.mark.parametrize("accept", ["text/html", "application/json;q=0", "*/*;q=0", "image/*"])
async def test_there_is_nothing_but_json(api: Api, accept: str) -> None:
    """406 lists what there is; q=0 is honoured."""
    post = await a_published_post(api.author)
    for path in (post.path, f"/posts/slug/{post.slug}", "/posts", f"{post.path}/versions"):
        refused = problem(
            await api.author.get(path, headers={"Accept": accept}), 406, "not_acceptable"
        )
        assert refused["available"] == ["application/json"]
    before = await api.events()
    problem(
        await api.author.post("/posts", a_draft(slug="x"), headers={"Accept": accept}),
        *(406, "not_acceptable"),
    )
    problem(await api.author.delete(post.path, headers={"Accept": accept}), 406, "not_acceptable")
    assert await api.events() == before


@pytest.mark.parametrize(
    "accept",
    [
        "application/json",
        "text/html, */*;q=0.1",
        "application/*",
        "application/json;q=0.001, text/html",
        "APPLICATION/JSON ; charset=utf-8",
        "",
        "nonsense",
        "*/*;q=0, application/json",
    ],
)
async def test_json_is_sent_to_whoever_takes_it(api: Api, accept: str) -> None:
    """The most specific range counts; a field that says nothing is ignored (12.5.1)."""
    post = await a_published_post(api.author)
    answer = await api.anonymous.get(post.path, headers={"Accept": accept})

    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")


async def test_nobody_is_served_another_s_cached_answer(api: Api) -> None:
    """What is seen by right of a token is kept by no shared cache, and varies by the token."""
    draft = await a_post(api.author, slug="draft")
    published = await a_published_post(api.author, slug="published")
    held = await a_published_post(api.author, slug="held")
    await hold(api.admin, held)
    by_right = [
        (api.author, draft.path),
        (api.admin, draft.path),
        (api.auditor, "/posts/slug/draft"),
        (api.admin, held.path),
        (api.auditor, held.path),
        (api.author, f"{published.path}/versions"),
        (api.auditor, f"{published.path}/versions/1"),
        (api.author, f"{published.path}?asOf=2026-03-01T09:00:01Z"),
        (api.author, "/posts?status=draft"),
    ]
    for client, path in by_right:
        answer = await client.get(path)
        assert answer.status_code == 200, path
        assert fields(answer)["cache-control"] == PRIVATE, path
        assert "Authorization" in fields(answer)["vary"], path
    for client in (api.anonymous, api.author, api.admin):
        answer = await client.get(published.path)
        assert (fields(answer)["cache-control"], fields(answer)["vary"]) == (PUBLIC, "Accept")


async def test_what_stops_being_public_stops_being_cached(api: Api) -> None:
    """A cached 200 is revalidated into 404 or 451, never into 304."""
    post = await a_published_post(api.author)
    headers = {"If-None-Match": post.tag}
    assert (await api.anonymous.get(post.path, headers=headers)).status_code == 304
    await hold(api.admin, post)
    problem(await api.anonymous.get(post.path, headers=headers), 451, "legal_hold")
    await api.admin.delete(f"{post.path}/legal-hold")
    await api.author.post(f"{post.path}/unpublish")

    problem(await api.anonymous.get(post.path, headers=headers), 404, "post_not_found")
    problem(
        await api.anonymous.get(post.path, headers={"If-None-Match": "*"}), 404, "post_not_found"
    )


@pytest.mark.parametrize("query", ["x=1", "asof=2026-03-01T09:00:00Z", "%zz", "asOf=1&asOf=2"])
async def test_unknown_parameters_are_refused(api: Api, query: str) -> None:
    """A parameter that is misspelt is not ignored."""
    post = await a_published_post(api.author)

    problem(await api.author.get(f"{post.path}?{query}"), 400, "bad_parameter")
