"""Specifies how posts are created (guide section 1; HTTP contract, Outcomes and 8)."""

import asyncio
import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from api.times import rfc3339
from tests.support.http import fields, problem
from tests.support.posts import a_draft, a_post
from tests.support.product import ROLES, START, Api

FORM = "application/x-www-form-urlencoded"
UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
TOMORROW = rfc3339(START + timedelta(days=1))


async def test_a_new_post_is_a_draft_of_its_author(api: Api) -> None:
    """201 says where it is, at which version, and shows it whole."""
    body = {"title": "Zażółć gęślą jaźń", "content": "Treść.", "category": "security"}
    answer = await api.author.post("/posts", body)
    shown = answer.json()

    assert answer.status_code == 201
    assert UUID7.fullmatch(shown["id"])
    assert shown == {
        "id": shown["id"],
        "slug": "zazolc-gesla-jazn",
        "title": "Zażółć gęślą jaźń",
        "content": "Treść.",
        "category": "security",
        "status": "draft",
        "publishAt": None,
        "publishedAt": None,
        "coverImage": None,
        "attachments": [],
        "authorId": str(api.author.account_id),
        "createdAt": "2026-03-01T09:00:00.123456Z",
        "updatedAt": "2026-03-01T09:00:00.123456Z",
        "version": 1,
    }
    assert fields(answer) == {
        "content-type": "application/json",
        "location": f"/posts/{shown['id']}",
        "etag": '"1.1"',
        "last-modified": "Sun, 01 Mar 2026 09:00:00 GMT",
        "cache-control": "private, no-cache",
    }


async def test_what_is_created_is_at_its_location(api: Api) -> None:
    """The next GET shows the same bytes under the same tag."""
    created = await api.author.post("/posts", a_draft())
    read = await api.author.get(created.headers["location"])

    assert (read.status_code, read.content) == (200, created.content)
    assert read.headers["etag"] == created.headers["etag"]
    assert read.headers["last-modified"] == created.headers["last-modified"]


async def test_a_time_makes_it_scheduled(api: Api) -> None:
    """A post with `publishAt` waits for its time, shown in UTC, and is no draft."""
    answer = await api.author.post("/posts", a_draft(publishAt="2026-03-02T10:30:00+02:00"))
    shown = answer.json()

    assert answer.status_code == 201
    assert answer.headers["etag"] == '"1.2"'
    assert (shown["status"], shown["publishAt"], shown["publishedAt"], shown["version"]) == (
        "scheduled",
        "2026-03-02T08:30:00Z",
        None,
        2,
    )


async def test_a_slug_of_ones_own_is_taken_as_it_is(api: Api) -> None:
    """`slug` goes before what the title would give."""
    post = await a_post(api.author, title="A title", slug="another-name")

    assert post.slug == "another-name"


async def test_null_is_as_good_as_absent(api: Api) -> None:
    """The optional members may be null."""
    post = await a_post(api.author, slug=None, publishAt=None)

    assert (post.slug, post.body["status"]) == ("a-title", "draft")


async def test_a_title_without_letters_gets_a_slug_of_its_id(api: Api) -> None:
    """Two posts called 東京 do not collide."""
    first, second = await a_post(api.author, title="東京"), await a_post(api.author, title="東京")

    assert first.slug == f"post-{first.id.replace('-', '')[-12:]}"
    assert first.slug != second.slug


@pytest.mark.parametrize(
    ("members", "shown"),
    [
        pytest.param({"title": "t" * 200}, "t" * 80, id="title"),
        pytest.param({"title": "\U0001d538" * 200, "slug": "s" * 80}, "s" * 80, id="astral"),
        pytest.param({"content": "c" * 200_000}, "a-title", id="content"),
        pytest.param({"content": "\N{SNOWMAN}" * 200_000}, "a-title", id="three bytes each"),
    ],
)
async def test_the_longest_members_are_taken(api: Api, members: dict[str, Any], shown: str) -> None:
    """Lengths are counted in characters, up to and with the limit."""
    post = await a_post(api.author, **members)
    read = await api.author.get(post.path)

    assert post.slug == shown
    assert read.json() == post.body
    assert read.json() | members == read.json()


REFUSED: list[Any] = [
    # Not well formed: 400, whatever else there is to say.
    pytest.param({"title": ""}, 400, "invalid_body", "title", id="title empty"),
    pytest.param({"title": "t" * 201}, 400, "invalid_body", "title", id="title too long"),
    pytest.param({"title": None}, 400, "invalid_body", "title", id="title null"),
    pytest.param({"title": 5}, 400, "invalid_body", "title", id="title a number"),
    pytest.param({"content": ""}, 400, "invalid_body", "content", id="content empty"),
    pytest.param({"content": "c" * 200_001}, 400, "invalid_body", "content", id="content too long"),
    pytest.param({"category": "sport"}, 400, "invalid_body", "category", id="category unknown"),
    pytest.param({"category": "Tech"}, 400, "invalid_body", "category", id="category in capitals"),
    pytest.param({"slug": "A b"}, 400, "invalid_body", "slug", id="slug no slug"),
    pytest.param({"slug": "s" * 81}, 400, "invalid_body", "slug", id="slug too long"),
    pytest.param({"slug": "slug\n"}, 400, "invalid_body", "slug", id="slug with a line break"),
    pytest.param({"publishAt": "soon"}, 400, "invalid_body", "publishAt", id="time no time"),
    pytest.param(
        {"publishAt": "2026-03-02T10:00:00"}, 400, "invalid_body", "publishAt", id="no offset"
    ),
    pytest.param({"publishAt": 1772442000}, 400, "invalid_body", "publishAt", id="time a number"),
    pytest.param({"author": "me"}, 400, "invalid_body", "author", id="member unknown"),
    pytest.param({"status": "published"}, 400, "invalid_body", "status", id="status not for us"),
    # Well formed and refused by a rule: 422.
    pytest.param({"title": " \t\u200b"}, 422, "title_blank", "title", id="title blank"),
    pytest.param(
        {"publishAt": rfc3339(START - timedelta(days=1))},
        *(422, "publish_at_in_past", "publishAt"),
        id="time passed",
    ),
    pytest.param(
        {"publishAt": rfc3339(START)}, 422, "publish_at_in_past", "publishAt", id="time is now"
    ),
]


@pytest.mark.parametrize(("members", "status", "error", "member"), REFUSED)
async def test_a_refusal_names_the_member_at_fault(
    api: Api, members: dict[str, Any], status: int, error: str, member: str
) -> None:
    """400 for what is not well formed, 422 for what a rule refuses; nothing is stored."""
    before = await api.events()
    refused = problem(await api.author.post("/posts", a_draft(**members)), status, error)

    assert refused["member"] == member
    assert member in refused["detail"]
    assert await api.events() == before


@pytest.mark.parametrize("missing", ["title", "content", "category"])
async def test_a_missing_member_is_named(api: Api, missing: str) -> None:
    """What every post has must be given."""
    body = a_draft()
    del body[missing]
    refused = problem(await api.author.post("/posts", body), 400, "invalid_body")

    assert refused["member"] == missing


@pytest.mark.parametrize("of", ["author", "second_author"])
async def test_a_taken_slug_is_a_collision(api: Api, of: str) -> None:
    """409 names the slug that it collides with, also where the title made it."""
    await a_post(getattr(api, of), title="The same title")
    before = await api.events()
    refused = problem(
        await api.author.post("/posts", a_draft(title="The  same, title!")),
        *(409, "slug_already_exists"),
    )

    assert refused["collidesWith"] == "the-same-title"
    assert await api.events() == before


async def test_a_form_is_answered_with_a_redirect(api: Api) -> None:
    """303 sends the browser to the new post, so that a reload posts nothing again."""
    form = urlencode({"title": "Wpis ó", "content": "a=b&c +%", "category": "tech", "slug": ""})
    answer = await api.author.send("POST", "/posts", form, content_type=FORM)
    events = await api.events()
    shown = await api.author.get(answer.headers["location"])
    again = await api.author.get(answer.headers["location"])

    assert (answer.status_code, answer.content) == (303, b"")
    assert fields(answer) == {"location": shown.request.url.path, "cache-control": "no-store"}
    assert shown.json() | {"title": "Wpis ó", "content": "a=b&c +%", "slug": "wpis-o"} == (
        shown.json()
    )
    assert again.content == shown.content
    assert await api.events() == events


@pytest.mark.parametrize(
    ("form", "status", "error", "member"),
    [
        ("title=A&content=B", 400, "invalid_body", "category"),
        ("title=A&content=B&category=tech&colour=red", 400, "invalid_body", "colour"),
        ("title=A&title=B&content=B&category=tech", 400, "invalid_body", "title"),
        ("title=%zz&content=B&category=tech", 400, "invalid_body", "title"),
        ("title=%ff&content=B&category=tech", 400, "invalid_body", "title"),
        ("title=A&content=%00&category=tech", 400, "invalid_body", "content"),
        ("title=%20&content=B&category=tech", 422, "title_blank", "title"),
        ("title=Taken&content=B&category=tech", 409, "slug_already_exists", None),
    ],
)
async def test_a_form_is_refused_like_json(
    api: Api, form: str, status: int, error: str, member: str | None
) -> None:
    """The same rules, the same problems."""
    await a_post(api.author, title="Taken")
    answer = await api.author.send("POST", "/posts", form, content_type=FORM)

    assert problem(answer, status, error).get("member") == member


async def test_posts_are_made_by_authors_alone(api: Api) -> None:
    """Without a token 401, with one of another role 403."""
    nobody = await api.anonymous.post("/posts", a_draft())

    problem(nobody, 401, "unauthenticated")
    assert nobody.headers["www-authenticate"] == 'Bearer realm="api"'
    for client in (api.admin, api.auditor, api.operator):
        problem(await client.post("/posts", a_draft()), 403, "forbidden")


async def test_one_slug_is_given_once_to_many_at_once(api: Api) -> None:
    """Of many who want one slug at the same moment, one gets it and the others are told."""
    clients = [api.author, api.second_author] * 8
    answers = await asyncio.gather(*(each.post("/posts", a_draft(slug="one")) for each in clients))

    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 15
    assert await api.events() == len(ROLES) + 1
