"""Specifies what is told of files: their metadata, and the list of one's own."""

import pytest

from tests.support.http import fields, problem, tag_of
from tests.support.posts import a_post_that_is
from tests.support.product import Api
from tests.support.uploading import a_png, upload

NOT_THERE = "/files/01920000-0000-7000-8000-000000000000/metadata"


async def test_metadata_are_what_the_upload_answered(api: Api) -> None:
    """In full, under a tag of their own."""
    made = await upload(api.author)
    answer = await api.author.get(f"{made.headers['location']}/metadata")

    assert (answer.status_code, answer.json()) == (200, made.json())
    assert fields(answer) == {
        "content-type": "application/json",
        "cache-control": "private, no-cache",
        "etag": '"1.1.named"',
        "last-modified": "Sun, 01 Mar 2026 09:00:00 GMT",
        "vary": "Accept, Authorization",
    }


async def test_metadata_are_confirmed_by_their_tag(api: Api) -> None:
    """304 for the copy that the client has, 412 for a condition that does not hold."""
    path = f"{(await upload(api.author)).headers['location']}/metadata"
    tag = tag_of(await api.author.get(path))
    current = await api.author.get(path, headers={"If-None-Match": tag})
    stale = await api.author.get(path, headers={"If-Match": '"1.9"'})

    assert (current.status_code, tag_of(current)) == (304, tag)
    problem(stale, 412, "stale_version")


async def test_a_name_is_for_the_owner_auditors_and_admins(api: Api) -> None:
    """Others who may see the file get null, under another tag."""
    made = await upload(api.author, filename="private name.png")
    shown = {"attachments": [made.json()["id"]]}
    await a_post_that_is("published", api.author, api.admin, **shown)
    path = f"{made.headers['location']}/metadata"

    for client in (api.author, api.auditor, api.admin):
        assert (await client.get(path)).json()["name"] == "private name.png"
    for client in (api.anonymous, api.second_author, api.operator):
        answer = await client.get(path)
        assert (answer.json()["name"], tag_of(answer)) == (None, '"1.1"')


async def test_what_is_missing_deleted_or_hidden_looks_the_same(api: Api) -> None:
    """404, with nothing that tells which."""
    deleted = (await upload(api.author)).headers["location"]
    await api.author.delete(deleted)
    hidden = (await upload(api.author)).headers["location"]

    for path in (NOT_THERE, f"{deleted}/metadata", f"{hidden}/metadata"):
        problem(await api.second_author.get(path), 404, "file_not_found")
    problem(await api.author.get("/files/1/metadata"), 400, "bad_id")


async def test_one_s_own_files_are_listed_newest_first(api: Api) -> None:
    """In pages, without those of others and those deleted."""
    made = []
    for width in range(1, 6):
        made.append((await upload(api.author, a_png(width, 1), filename=f"{width}.png")).json())
        api.clock.advance()
    await upload(api.second_author)
    await api.author.delete(f"/files/{made.pop(2)['id']}")
    first = await api.author.get("/files?limit=3")
    second = await api.author.get(f"/files?limit=3&cursor={first.json()['nextCursor']}")

    assert [item["name"] for item in first.json()["items"]] == ["5.png", "4.png", "2.png"]
    assert second.json() == {"items": [made[0]], "nextCursor": None}
    assert first.headers["link"].startswith(
        '</files?limit=3>; rel="first", </files?limit=3&cursor='
    )
    assert fields(first)["cache-control"] == "private, no-cache"


async def test_a_page_is_confirmed_by_its_tag(api: Api) -> None:
    """304 until something on it changes."""
    await upload(api.author)
    tag = tag_of(await api.author.get("/files"))
    same = await api.author.get("/files", headers={"If-None-Match": tag})
    await upload(api.author)
    other = await api.author.get("/files", headers={"If-None-Match": tag})

    assert (same.status_code, other.status_code) == (304, 200)


@pytest.mark.parametrize("query", ["cursor=x", "limit=0", "limit=101", "status=draft"])
async def test_a_wrong_parameter_is_refused(api: Api, query: str) -> None:
    """400 names it."""
    answer = await api.author.get(f"/files?{query}")

    assert answer.status_code == 400
    assert answer.json()["member"] == query.partition("=")[0]


async def test_if_match_guards_a_deletion(api: Api) -> None:
    """By the tag of the file itself: 412 for another, 204 for this one."""
    made = await upload(api.author)
    path, tag = made.headers["location"], tag_of(made)
    refused = await api.author.delete(path, headers={"If-Match": '"1.1"'})

    problem(refused, 412, "stale_version")
    assert tag_of(refused) == tag == tag_of(await api.author.get(path))
    assert (await api.author.delete(path, headers={"If-Match": tag})).status_code == 204
    problem(await api.author.delete(path), 404, "file_not_found")
