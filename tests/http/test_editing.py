"""Specifies how posts are changed: merge patches under If-Match (guide section 1, RFC 7396)."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from api.times import rfc3339
from tests.support.http import fields, if_match, problem, tag_of
from tests.support.posts import a_post, a_published_post
from tests.support.product import START, Api

TOMORROW = rfc3339(START + timedelta(days=1))


async def test_a_patch_changes_what_it_names(api: Api) -> None:
    """200 shows the whole post at its new version; the rest stays."""
    post = await a_post(api.author)
    api.clock.advance(timedelta(minutes=1))
    answer = await api.author.patch(
        post.path, {"title": "New", "category": "business"}, headers=if_match('"1.1"')
    )

    assert answer.status_code == 200
    assert answer.json() == post.body | {
        "title": "New",
        "category": "business",
        "updatedAt": "2026-03-01T09:01:00.123456Z",
        "version": 2,
    }
    assert fields(answer) == {
        "content-type": "application/json",
        "etag": '"1.2"',
        "last-modified": "Sun, 01 Mar 2026 09:01:00 GMT",
        "cache-control": "private, no-cache",
    }


async def test_a_change_shows_at_once(api: Api) -> None:
    """The next GET of anybody sees what was answered."""
    post = await a_published_post(api.author)
    changed = await api.author.patch(post.path, {"title": "New"}, headers=if_match(post.tag))

    for client in (api.author, api.anonymous, api.admin):
        read = await client.get(post.path)
        assert (read.content, tag_of(read)) == (changed.content, tag_of(changed))


@pytest.mark.parametrize("patch", [{}, {"title": "A title"}, {"publishAt": None}])
async def test_a_patch_that_changes_nothing_appends_nothing(
    api: Api, patch: dict[str, Any]
) -> None:
    """It answers 200 with the tag that was."""
    post = await a_post(api.author)
    before = await api.events()
    answer = await api.author.patch(post.path, patch, headers=if_match(post.tag))

    assert (answer.status_code, answer.json(), tag_of(answer)) == (200, post.body, post.tag)
    assert await api.events() == before


async def test_null_takes_the_time_away(api: Api) -> None:
    """`publishAt` schedules, another one moves, null makes a draft of it again."""
    post = await a_post(api.author)
    scheduled = await post.edit(publishAt=TOMORROW)
    moved = await scheduled.edit(publishAt="2026-03-05T00:00:00Z")
    draft = await moved.edit(publishAt=None)
    seen = [(each.body["status"], each.body["publishAt"]) for each in (scheduled, moved, draft)]

    assert seen == [
        ("scheduled", "2026-03-02T09:00:00.123456Z"),
        ("scheduled", "2026-03-05T00:00:00Z"),
        ("draft", None),
    ]


@pytest.mark.parametrize("member", ["title", "content", "category", "slug"])
async def test_null_cannot_take_away_what_every_post_has(api: Api, member: str) -> None:
    """To remove such a member is well formed and refused."""
    post = await a_post(api.author)
    answer = await api.author.patch(post.path, {member: None}, headers=if_match(post.tag))

    assert problem(answer, 422, "member_required")["member"] == member


@pytest.mark.parametrize(
    ("patch", "status", "error", "member"),
    [
        ({"title": ""}, 400, "invalid_body", "title"),
        ({"title": 1}, 400, "invalid_body", "title"),
        ({"category": ["tech"]}, 400, "invalid_body", "category"),
        ({"id": "1"}, 400, "invalid_body", "id"),
        ({"status": "published"}, 400, "invalid_body", "status"),
        ({"version": 7}, 400, "invalid_body", "version"),
        ({"title": "\u2003"}, 422, "title_blank", "title"),
        ({"publishAt": rfc3339(START)}, 422, "publish_at_in_past", "publishAt"),
        ({"slug": "taken"}, 409, "slug_already_exists", None),
    ],
)
async def test_a_refused_patch_appends_nothing(
    api: Api, patch: dict[str, Any], status: int, error: str, member: str | None
) -> None:
    """The same rules as for a new post; a patch with one bad member changes no other."""
    await a_post(api.second_author, slug="taken")
    post = await a_post(api.author)
    before = await api.events()
    answer = await api.author.patch(
        post.path, {"content": "Changed.", **patch}, headers=if_match(post.tag)
    )

    assert problem(answer, status, error).get("member") == member
    assert await api.events() == before


async def test_plain_json_is_an_alias(api: Api) -> None:
    """`application/json` is read as a merge patch."""
    post = await a_post(api.author)
    answer = await api.author.send(
        *("PATCH", post.path, {"title": "New"}),
        headers=if_match(post.tag),
        content_type="application/json; charset=UTF-8",
    )

    assert (answer.status_code, answer.json()["title"]) == (200, "New")


@pytest.mark.parametrize(
    ("prefer", "minimal"),
    [
        ("return=minimal", True),
        ('RETURN = "minimal"; why=not', True),
        ("respond-async, return=minimal", True),
        ("return=representation", False),
        ("return=representation, return=minimal", False),
        ("minimal", False),
    ],
)
async def test_a_client_may_do_without_the_body(api: Api, prefer: str, *, minimal: bool) -> None:
    """`Prefer: return=minimal` is answered with 204 and says that it was heard."""
    post = await a_post(api.author)
    answer = await api.author.patch(
        post.path, {"title": "New"}, headers={"Prefer": prefer, **if_match(post.tag)}
    )

    assert answer.status_code == (204 if minimal else 200)
    assert tag_of(answer) == '"1.2"'
    assert answer.headers.get("preference-applied") == ("return=minimal" if minimal else None)


async def test_a_minimal_answer_to_no_change_keeps_the_tag(api: Api) -> None:
    """204 is also for Unchanged."""
    post = await a_post(api.author)
    headers = {"Prefer": "return=minimal", **if_match(post.tag)}
    answer = await api.author.patch(post.path, {}, headers=headers)

    assert (answer.status_code, fields(answer)) == (
        204,
        {"etag": post.tag, "preference-applied": "return=minimal"},
    )


async def test_a_patch_needs_if_match(api: Api) -> None:
    """428 says how to get the tag, and nothing changes."""
    post = await a_post(api.author)
    before = await api.events()
    refused = problem(
        await api.author.patch(post.path, {"title": "New"}), 428, "precondition_required"
    )

    assert "If-Match" in refused["detail"] + refused["title"]
    assert await api.events() == before


async def test_an_admin_edits_anybodys_post(api: Api) -> None:
    """It stays its author's."""
    post = await a_post(api.author)
    answer = await api.admin.patch(post.path, {"title": "New"}, headers=if_match(post.tag))

    assert answer.status_code == 200
    assert answer.json()["authorId"] == str(api.author.account_id)


async def test_of_many_patches_with_one_tag_one_wins(api: Api) -> None:
    """Of 50 at once exactly one is 200 and 49 are 412; the log has one more event."""
    post = await a_post(api.author)
    before = await api.events()
    answers = await asyncio.gather(
        *(
            api.author.patch(post.path, {"title": f"Title {n}"}, headers=if_match(post.tag))
            for n in range(50)
        )
    )
    winners = [answer for answer in answers if answer.status_code == 200]
    losers = [answer for answer in answers if answer.status_code == 412]
    now = await api.author.get(post.path)

    assert (len(winners), len(losers)) == (1, 49)
    assert {tag_of(answer) for answer in answers} == {'"1.2"'}
    assert now.content == winners[0].content
    assert await api.events() == before + 1


async def test_changes_without_a_tag_wait_for_one_another(api: Api) -> None:
    """Of many life-cycle requests at once none is lost and none is refused."""
    post = await a_post(api.author)
    actions = ["publish", "unpublish"] * 6
    answers = await asyncio.gather(
        *(api.author.post(f"{post.path}/{action}") for action in actions)
    )
    seen = {answer.json()["version"]: answer.json()["status"] for answer in answers}

    assert {answer.status_code for answer in answers} == {200}
    assert set(seen) == set(range(min(seen), max(seen) + 1))
