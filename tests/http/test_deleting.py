"""Specifies deletion, which can be undone, and legal holds (guide section 1; RFC 7725)."""

from typing import Any

import pytest

from tests.support.http import fields, problem
from tests.support.posts import HOLD, a_post, a_published_post, hold
from tests.support.product import Api

BLOCKED_BY = '<https://authority.example/case/7>; rel="blocked-by"'


async def test_a_deleted_post_is_gone_for_everybody(api: Api) -> None:
    """204 without a body; after it 404, also for its author, and out of every list."""
    post = await a_published_post(api.author)
    answer = await api.author.delete(post.path)

    assert (answer.status_code, answer.content, fields(answer)) == (204, b"", {})
    for client in (api.anonymous, api.author, api.admin, api.auditor):
        problem(await client.get(post.path), 404, "post_not_found")
        problem(await client.get(f"/posts/slug/{post.slug}"), 404, "post_not_found")
    assert (await api.anonymous.get("/posts")).json()["items"] == []
    assert (await api.author.get("/posts?status=published")).json()["items"] == []


async def test_deleting_twice(api: Api) -> None:
    """The second time there is nothing to delete."""
    post = await a_post(api.author)
    await post.delete()
    before = await api.events()

    problem(await api.author.delete(post.path), 404, "post_not_found")
    assert await api.events() == before


async def test_a_deleted_post_can_only_be_restored(api: Api) -> None:
    """Every other request is answered as if there were none."""
    post = await a_post(api.author)
    await post.delete()
    patched = await api.author.patch(post.path, {"title": "New"}, headers={"If-Match": "*"})
    problem(patched, 404, "post_not_found")
    problem(await api.author.post(f"{post.path}/publish"), 404, "post_not_found")
    problem(await api.second_author.post(f"{post.path}/restore"), 404, "post_not_found")
    restored = await post.do("restore")

    assert restored.body == post.body | {"version": 3}


async def test_restoring_what_is_not_deleted_changes_nothing(api: Api) -> None:
    """200 with the tag that was."""
    post = await a_post(api.author)
    restored = await post.do("restore")

    assert (restored.tag, restored.body) == (post.tag, post.body)


async def test_a_published_post_comes_back_published(api: Api) -> None:
    """Readers see it again, at a new version."""
    post = await a_published_post(api.author)
    await post.delete()
    answer = await api.admin.post(f"{post.path}/restore")
    read = await api.anonymous.get(post.path)

    assert (answer.status_code, read.status_code) == (200, 200)
    assert read.headers["etag"] == answer.headers["etag"] == '"1.4"'


async def test_deletion_frees_the_slug(api: Api) -> None:
    """Another post may take it; then the deleted one cannot come back: 409 names the slug."""
    post = await a_published_post(api.author, slug="wanted")
    await post.delete()
    other = await a_published_post(api.second_author, slug="wanted")
    before = await api.events()
    refused = problem(await api.author.post(f"{post.path}/restore"), 409, "slug_already_exists")

    assert refused["collidesWith"] == "wanted"
    assert await api.events() == before
    assert (await api.anonymous.get("/posts/slug/wanted")).json()["id"] == other.id


async def test_a_freed_slug_lets_the_post_come_back(api: Api) -> None:
    """When the other one leaves the slug, the first can be restored."""
    post = await a_post(api.author, slug="wanted")
    await post.delete()
    other = await a_post(api.second_author, slug="wanted")
    await other.edit(slug="another")

    assert (await post.do("restore")).slug == "wanted"


async def test_a_held_post_is_blocked_for_readers(api: Api) -> None:
    """451 for anybody and for the author, with who blocks it; admins and auditors pass."""
    post = await a_published_post(api.author)
    await hold(api.admin, post)

    for client in (api.anonymous, api.author, api.second_author, api.operator):
        for path in (post.path, f"/posts/slug/{post.slug}"):
            answer = await client.get(path)
            problem(answer, 451, "legal_hold")
            assert fields(answer)["link"] == BLOCKED_BY
    for client in (api.admin, api.auditor):
        answer = await client.get(post.path)
        assert (answer.status_code, fields(answer)["cache-control"]) == (200, "private, no-cache")
    assert (await api.anonymous.get("/posts")).json()["items"] == []


@pytest.mark.parametrize("below", ["/versions", "/versions/1", "?asOf=2026-03-01T09:00:01Z"])
async def test_a_held_post_s_history_is_blocked_too(api: Api, below: str) -> None:
    """Its author gets 451 there as well, an auditor 200."""
    post = await a_published_post(api.author)
    await hold(api.admin, post)
    answer = await api.author.get(post.path + below)

    problem(answer, 451, "legal_hold")
    assert fields(answer)["link"] == BLOCKED_BY
    assert (await api.auditor.get(post.path + below)).status_code == 200


CHANGES: list[Any] = [
    ("PATCH", "", {"title": "New"}),
    ("DELETE", "", None),
    ("POST", "/publish", None),
    ("POST", "/unpublish", None),
    ("POST", "/archive", None),
    ("POST", "/restore", None),
    ("POST", "/revert", {"version": 1}),
    ("POST", "/schedule", {"publishAt": "2026-03-02T00:00:00Z"}),
]


@pytest.mark.parametrize(("method", "below", "body"), CHANGES)
async def test_a_held_post_cannot_change(
    api: Api, method: str, below: str, body: dict[str, Any] | None
) -> None:
    """451 for its author and for an admin: the demand blocks the post, not the person."""
    post = await a_published_post(api.author)
    await hold(api.admin, post)
    before = await api.events()
    headers = {"If-Match": "*"} if method == "PATCH" else {}

    for client in (api.author, api.admin):
        answer = await client.send(method, post.path + below, body, headers=headers)
        problem(answer, 451, "legal_hold")
        assert fields(answer)["link"] == BLOCKED_BY
    assert await api.events() == before


async def test_a_hold_is_placed_corrected_and_lifted(api: Api) -> None:
    """Each is an event; the same again is none; lifted, the post is as it was."""
    post = await a_published_post(api.author)
    path = f"{post.path}/legal-hold"
    tags = [
        (await api.admin.post(path, HOLD)).headers["etag"],
        (await api.admin.post(path, HOLD)).headers["etag"],
        (await api.admin.post(path, {**HOLD, "reason": "Another."})).headers["etag"],
        (await api.admin.delete(path)).headers["etag"],
        (await api.admin.delete(path)).headers["etag"],
    ]
    read = await api.anonymous.get(post.path)

    assert tags == ['"1.3"', '"1.3"', '"1.4"', '"1.5"', '"1.5"']
    assert (read.status_code, read.json()) == (200, post.body | {"version": 5})


@pytest.mark.parametrize(
    ("change", "member"),
    [
        ({"reason": ""}, "reason"),
        ({"reason": "r" * 1_001}, "reason"),
        ({"blockedBy": "javascript:alert(1)"}, "blockedBy"),
        ({"blockedBy": "https://a.example/>; rel=x"}, "blockedBy"),
        ({"blockedBy": "https://a.example/\r\nX: y"}, "blockedBy"),
        ({"blockedBy": "https://ä.example/"}, "blockedBy"),
        ({"blockedBy": None}, "blockedBy"),
        ({"until": "2027"}, "until"),
    ],
)
async def test_a_hold_needs_a_reason_and_an_address(
    api: Api, change: dict[str, Any], member: str
) -> None:
    """The address goes into a Link field, so nothing else is taken."""
    post = await a_post(api.author)
    answer = await api.admin.post(f"{post.path}/legal-hold", {**HOLD, **change})

    assert problem(answer, 400, "invalid_body")["member"] == member
