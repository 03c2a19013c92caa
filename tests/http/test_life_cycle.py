"""Specifies the life cycle over HTTP: its transitions, and the requests that make them."""

from datetime import timedelta
from typing import Any

import pytest

from tests.support.http import Body, fields, problem
from tests.support.posts import Post, a_post
from tests.support.product import Api

LATER = "2026-03-02T00:00:00Z"
BODIES: dict[str, dict[str, Any]] = {
    "schedule": {"publishAt": LATER},
    "revert": {"version": 1},
}

# The status after the action, = where nothing is appended, or 409.
TRANSITIONS = """
            publish    unpublish  schedule   archive   revert
draft       published  =          scheduled  archived  draft
scheduled   published  draft      =          archived  scheduled
published   =          draft      409        archived  published
archived    409        draft      409        =         409
"""


async def _in(api: Api, status: str) -> Post:
    post = await (await a_post(api.author)).edit(content="Second text.")
    actions = {"scheduled": "schedule", "published": "publish", "archived": "archive"}
    if status == "draft":
        return post
    return await post.do(actions[status], BODIES.get(actions[status]))


def _transitions() -> list[Any]:
    head, *rows = TRANSITIONS.strip("\n").splitlines()
    return [
        (status, action, after)
        for status, *cells in map(str.split, rows)
        for action, after in zip(head.split(), cells, strict=True)
    ]


@pytest.mark.parametrize(("status", "action", "after"), _transitions())
async def test_transitions(api: Api, status: str, action: str, after: str) -> None:
    """Each action in each status: a new status, nothing, or 409 that names the status."""
    post = await _in(api, status)
    before = await api.events()
    answer = await api.author.post(f"{post.path}/{action}", BODIES.get(action))
    appended = await api.events() - before

    if after == "409":
        refused = problem(answer, 409, "transition_not_allowed")
        assert (refused["collidesWith"], appended) == (status, 0)
    elif after == "=":
        assert (answer.status_code, answer.json(), appended) == (200, post.body, 0)
        assert answer.headers["etag"] == post.tag
    else:
        assert (answer.status_code, answer.json()["status"], appended) == (200, after, 1)
        assert answer.json()["version"] == post.body["version"] + 1


async def test_an_action_answers_with_the_post(api: Api) -> None:
    """200 like PATCH, or 204 for who does without the body."""
    post = await a_post(api.author)
    full = await api.author.post(f"{post.path}/publish")
    short = await api.author.post(f"{post.path}/archive", headers={"Prefer": "return=minimal"})

    assert fields(full) == {
        "content-type": "application/json",
        "etag": '"1.2"',
        "last-modified": "Sun, 01 Mar 2026 09:00:00 GMT",
        "cache-control": "private, no-cache",
    }
    assert (short.status_code, fields(short)) == (
        204,
        {"etag": '"1.3"', "preference-applied": "return=minimal"},
    )


async def test_publishing_again_has_a_new_time(api: Api) -> None:
    """`publishedAt` is the last time that it became public, null while it is not."""
    post = await (await a_post(api.author)).do("publish")
    draft = await post.do("unpublish")
    api.clock.advance(timedelta(days=1))
    again = await draft.do("publish")

    assert post.body["publishedAt"] == "2026-03-01T09:00:00.123456Z"
    assert draft.body["publishedAt"] is None
    assert again.body["publishedAt"] == "2026-03-02T09:00:00.123456Z"


async def test_an_archived_post_cannot_be_edited(api: Api) -> None:
    """409; made a draft again, it can."""
    post = await _in(api, "archived")
    answer = await api.author.patch(post.path, {"title": "New"}, headers={"If-Match": post.tag})
    problem(answer, 409, "transition_not_allowed")
    edited = await (await post.do("unpublish")).edit(title="New")

    assert edited.body["title"] == "New"


@pytest.mark.parametrize("body", [None, {}, b" ", b"{}\n"])
async def test_an_action_without_a_body_takes_an_empty_one(api: Api, body: Body) -> None:
    """Nothing, white space, or an empty object."""
    post = await a_post(api.author)
    answer = await api.author.post(f"{post.path}/publish", body)

    assert answer.status_code == 200


@pytest.mark.parametrize("body", [{"now": True}, b"[]", b"null", b"x"])
async def test_an_action_without_a_body_takes_no_other(api: Api, body: Body) -> None:
    """What would be ignored is refused."""
    post = await a_post(api.author)
    before = await api.events()

    problem(await api.author.post(f"{post.path}/publish", body), 400, "invalid_body")
    assert await api.events() == before


async def test_reverting_takes_the_text_of_an_earlier_version(api: Api) -> None:
    """Title, content and category go back; slug and status stay, and it is a new version."""
    first = await a_post(api.author, slug="first")
    second = await first.edit(title="Second", content="Other.", category="business", slug="second")
    published = await second.do("publish")
    reverted = await published.do("revert", {"version": 1})
    same = await reverted.do("revert", {"version": 1})

    assert reverted.body == published.body | {
        "title": first.body["title"],
        "content": first.body["content"],
        "category": "tech",
        "version": published.body["version"] + 1,
    }
    assert same.tag == reverted.tag


@pytest.mark.parametrize(
    ("version", "status", "error"),
    [
        (2, 422, "version_unknown"),
        (99, 422, "version_unknown"),
        (2**63 - 1, 422, "version_unknown"),
        (0, 400, "invalid_body"),
        (-1, 400, "invalid_body"),
        (1.5, 400, "invalid_body"),
        ("1", 400, "invalid_body"),
        (True, 400, "invalid_body"),
        (None, 400, "invalid_body"),
        (2**63, 400, "invalid_body"),
    ],
)
async def test_reverting_needs_a_version_before_the_current(
    api: Api, version: object, status: int, error: str
) -> None:
    """422 for one that it never had, 400 for what is no version."""
    post = await (await a_post(api.author)).edit(title="Second")
    answer = await api.author.post(f"{post.path}/revert", {"version": version})

    assert problem(answer, status, error)["member"] == "version"


@pytest.mark.parametrize("action", ["schedule", "revert"])
async def test_an_action_that_takes_a_body_needs_it(api: Api, action: str) -> None:
    """No type is 415, no body or no member 400."""
    post = await a_post(api.author)
    path = f"{post.path}/{action}"

    problem(await api.author.post(path), 415, "unsupported_media_type")
    problem(await api.author.post(path, {}), 400, "invalid_body")
    problem(
        await api.author.post(path, b"", headers={"Content-Type": "application/json"}),
        400,
        "invalid_body",
    )
