"""Specifies `coverImage` and `attachments`: which files a post may show, and for how long."""

from typing import Any

import pytest
from uuid_utils.compat import uuid7

from domain.file_type import FileType
from domain.stream import Role
from tests.support.http import Client, if_match, problem, tag_of
from tests.support.posts import Post, a_draft, a_post, a_post_that_is, a_published_post
from tests.support.product import Api
from tests.support.stored_files import a_file, some_bytes


async def some_files(api: Api, client: Client, count: int) -> list[str]:
    """Record images of somebody's, and give their ids."""
    made = [await a_file(api, client, some_bytes(100, seed)) for seed in range(count)]
    return [str(each.id) for each in made]


def files_of(body: dict[str, Any]) -> tuple[str | None, list[str]]:
    """Give the files that a post shows."""
    return body["coverImage"], body["attachments"]


async def deleted(client: Client, file_id: str) -> None:
    """Delete a file."""
    answer = await client.delete(f"/files/{file_id}")
    assert answer.status_code == 204, answer.text


async def test_a_new_post_shows_files(api: Api) -> None:
    """In the order in which they were given; the same is read by everybody."""
    cover, first, second = await some_files(api, api.author, 3)
    pdf = await a_file(api, api.author, type=FileType.PDF)
    attachments = [second, str(pdf.id), first, cover]
    post = await a_published_post(api.author, coverImage=cover, attachments=attachments)
    read = await api.anonymous.get(post.path)
    listed = (await api.anonymous.get("/posts")).json()["items"][0]

    for body in (post.body, read.json(), listed):
        assert files_of(body) == (cover, attachments)
    assert post.body["version"] == 3


@pytest.mark.parametrize(
    ("patch", "cover", "attachments"),
    [
        ({"coverImage": "2"}, "2", ["1"]),
        ({"coverImage": None}, None, ["1"]),
        ({"attachments": ["2", "1"]}, "0", ["2", "1"]),
        ({"attachments": []}, "0", []),
        ({"attachments": None}, "0", []),
        ({"coverImage": "1", "attachments": ["0"]}, "1", ["0"]),
        ({"coverImage": None, "attachments": None}, None, []),
    ],
)
async def test_a_patch_changes_the_files_that_it_names(
    api: Api, patch: dict[str, Any], cover: str | None, attachments: list[str]
) -> None:
    """A merge patch: absent members stay, and null removes."""
    ids = await some_files(api, api.author, 3)
    post = await a_post(api.author, coverImage=ids[0], attachments=[ids[1]])
    named = {
        name: [ids[int(n)] for n in value] if isinstance(value, list) else value and ids[int(value)]
        for name, value in patch.items()
    }
    edited = await post.edit(**named)

    assert files_of(edited.body) == (
        cover and ids[int(cover)],
        [ids[int(each)] for each in attachments],
    )
    assert edited.tag == '"1.3"'


async def test_a_patch_that_changes_no_file_appends_nothing(api: Api) -> None:
    """The same files again, and none where there are none, keep the tag."""
    (cover,) = await some_files(api, api.author, 1)
    post = await a_post(api.author, coverImage=cover)
    before = await api.events()
    same = await post.edit(coverImage=cover, attachments=[])

    assert same.tag == post.tag
    assert await api.events() == before


async def not_usable(api: Api, kind: str) -> str:
    """Give the id of a file that nobody can put into a post of the author's."""
    match kind:
        case "missing":
            return str(uuid7())
        case "another's":
            return (await some_files(api, api.second_author, 1))[0]
        case "another's that everybody sees":
            (shown,) = await some_files(api, api.second_author, 1)
            await a_published_post(api.second_author, slug="another", coverImage=shown)
            return shown
        case "deleted":
            (gone,) = await some_files(api, api.author, 1)
            await deleted(api.author, gone)
            return gone
        case _:
            raise ValueError(kind)


@pytest.mark.parametrize(
    "kind", ["missing", "another's", "another's that everybody sees", "deleted"]
)
async def test_a_file_that_is_not_ones_own_is_refused(api: Api, kind: str) -> None:
    """422 with the same words for each, naming the member; nothing is appended."""
    post = await a_post(api.author)
    file_id = await not_usable(api, kind)
    before = await api.events()
    details = set()
    for member, value in (("coverImage", file_id), ("attachments", [file_id])):
        created = await api.author.post("/posts", a_draft(slug="new", **{member: value}))
        edited = await api.author.patch(post.path, {member: value}, headers=if_match(post.tag))
        for answer in (created, edited):
            told = problem(answer, 422, "file_not_usable")
            assert told["member"] == member
            details.add(told["detail"].replace(file_id, "ID"))

    assert details == {
        "coverImage: The file ID is none that this post can show.",
        "attachments: The file ID is none that this post can show.",
    }
    assert await api.events() == before


async def test_a_cover_is_an_image(api: Api) -> None:
    """Others may be attached, and nothing stands there twice."""
    pdf = str((await a_file(api, api.author, type=FileType.PDF)).id)
    post = await a_post(api.author, attachments=[pdf])
    bad = {"coverImage": pdf, "attachments": [pdf, pdf]}
    for member, value in bad.items():
        patch = {member: value}
        answer = await api.author.patch(post.path, patch, headers=if_match(post.tag))

        assert problem(answer, 422, "file_not_usable")["member"] == member


@pytest.mark.parametrize(
    ("members", "member"),
    [
        ({"coverImage": "x"}, "coverImage"),
        ({"coverImage": 1}, "coverImage"),
        ({"coverImage": ""}, "coverImage"),
        ({"attachments": "x"}, "attachments"),
        ({"attachments": [None]}, "attachments[0]"),
        ({"attachments": [str(uuid7()), "x"]}, "attachments[1]"),
        ({"attachments": [str(uuid7()) for _ in range(21)]}, "attachments"),
    ],
)
async def test_what_is_no_id_is_malformed(api: Api, members: dict[str, Any], member: str) -> None:
    """400 and not 422: the form is wrong, whatever files there are."""
    post = await a_post(api.author)
    created = await api.author.post("/posts", a_draft(slug="new", **members))
    edited = await api.author.patch(post.path, members, headers=if_match(post.tag))

    for answer in (created, edited):
        assert problem(answer, 400, "invalid_body")["member"] == member


async def test_an_admin_adds_own_files_to_a_post_of_another(api: Api) -> None:
    """And the author's; the author keeps them, and does not get others of the admin's."""
    own, others = await some_files(api, api.author, 2), await some_files(api, api.second_author, 1)
    admin = await api.account("ada", Role.ADMIN, Role.AUTHOR)
    of_admin = await some_files(api, admin, 2)
    post = await a_post(api.author, coverImage=own[0])
    by_admin = Post(admin, await admin.get(post.path))
    edited = await by_admin.edit(attachments=[of_admin[0], own[1]])
    kept = await Post(api.author, await api.author.get(post.path)).edit(
        attachments=[own[1], of_admin[0]]
    )
    more = {"attachments": [of_admin[1]]}
    refused = [
        await api.author.patch(post.path, more, headers=if_match(kept.tag)),
        await admin.patch(post.path, {"coverImage": others[0]}, headers=if_match(kept.tag)),
    ]

    assert files_of(edited.body) == (own[0], [of_admin[0], own[1]])
    assert files_of(kept.body) == (own[0], [own[1], of_admin[0]])
    for answer in refused:
        problem(answer, 422, "file_not_usable")


async def test_history_and_revert(api: Api) -> None:
    """Every version shows what it showed; going back brings the files that are still there."""
    cover, stays, goes = await some_files(api, api.author, 3)
    post = await a_post(api.author, coverImage=cover, attachments=[stays, goes])
    bare = await post.edit(coverImage=None, attachments=[], title="Bare")
    await deleted(api.author, goes)
    before = await api.author.get(f"{post.path}/versions/2")
    answer = await api.author.post(f"{post.path}/revert", {"version": 2})
    listed = (await api.author.get(f"{post.path}/versions")).json()["items"]

    assert files_of(bare.body) == (None, [])
    assert files_of(before.json()) == (cover, [stays, goes])
    assert (answer.json()["title"], *files_of(answer.json())) == ("A title", cover, [stays])
    assert [each["type"] for each in listed][-2:] == ["post.reverted.v1", "post.files-changed.v1"]
    again = await api.author.post(f"{post.path}/revert", {"version": 2})
    assert tag_of(again) == tag_of(answer)


async def test_a_deleted_post_comes_back_with_its_files(api: Api) -> None:
    """With those that were not deleted meanwhile, as nothing kept them."""
    cover, goes = await some_files(api, api.author, 2)
    post = await a_published_post(api.author, coverImage=cover, attachments=[goes])
    await post.delete()
    await deleted(api.author, goes)
    back = await post.do("restore")

    assert files_of(back.body) == (cover, [])
    assert back.body["status"] == "published"
    await back.delete()
    assert files_of((await back.do("restore")).body) == (cover, [])


async def test_an_archived_post_is_refused_for_its_state(api: Api) -> None:
    """409 for files that it could show, and 422 before that for those that it could not."""
    (cover,) = await some_files(api, api.author, 1)
    post = await a_post_that_is("archived", api.author, api.admin)
    for file_id, status in ((cover, 409), (str(uuid7()), 422)):
        answer = await api.author.patch(
            post.path, {"coverImage": file_id}, headers=if_match(post.tag)
        )

        assert answer.status_code == status


async def test_a_form_may_name_a_cover(api: Api) -> None:
    """An empty field counts as absent, as for the others."""
    (cover,) = await some_files(api, api.author, 1)
    seen = []
    for title, value in (("With", cover), ("Without", "")):
        body = f"title={title}&content=x&category=tech&coverImage={value}".encode()
        answer = await api.author.send(
            "POST", "/posts", body, content_type="application/x-www-form-urlencoded"
        )
        seen.append((await api.author.get(answer.headers["location"])).json()["coverImage"])

    assert seen == [cover, None]


async def test_an_idempotent_repeat_gives_the_files_of_the_first(api: Api) -> None:
    """The answer is the first one, also once the file is gone from the post and deleted."""
    (cover,) = await some_files(api, api.author, 1)
    body, key = a_draft(coverImage=cover), {"Idempotency-Key": '"once"'}
    first = await api.author.post("/posts", body, headers=key)
    await Post(api.author, first).edit(coverImage=None)
    await deleted(api.author, cover)
    again = await api.author.post("/posts", body, headers=key)

    assert (again.status_code, again.content) == (201, first.content)
