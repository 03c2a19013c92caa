"""Specifies who sees a file: whoever may see a post that shows it, and some always."""

from typing import Any

import pytest

from domain.file_type import FileType
from tests.support.http import problem
from tests.support.posts import HOLD, Post, a_post_that_is, hold
from tests.support.product import Api
from tests.support.stored_files import StoredFile, a_file

CALLERS = ("anonymous", "second_author", "operator", "author", "auditor", "admin")
ALWAYS = {"author", "auditor", "admin"}

# What those get who do not always see the file, by what became of the posts that show it.
OTHERS = {
    "": 404,
    "draft": 404,
    "scheduled": 404,
    "archived": 404,
    "deleted": 404,
    "held-draft": 404,
    "published": 200,
    "held": 451,
    "draft, published": 200,
    "held, published": 200,
    "held, draft": 451,
    "held, held": 451,
    "deleted, archived": 404,
}
STATES = sorted({state for states in OTHERS for state in states.split(", ") if state})


def routes(file: StoredFile) -> tuple[str, ...]:
    """List the addresses below which a file shows itself."""
    return (file.path, f"{file.path}/metadata", f"/videos/{file.id}")


async def shown_by(api: Api, file: StoredFile, states: str) -> None:
    """Put the file into a post in each of these states."""
    for number, state in enumerate(filter(None, states.split(", "))):
        members: dict[str, Any] = {"attachments": [str(file.id)], "slug": f"post-{number}"}
        await a_post_that_is(state, api.author, api.admin, **members)


@pytest.mark.parametrize("states", OTHERS)
async def test_a_file_shows_where_a_post_does(api: Api, states: str) -> None:
    """By every address and method: its owner, auditors and admins always, others as said."""
    file = await a_file(api, api.author, type=FileType.MP4)
    await shown_by(api, file, states)
    expected = OTHERS[states]
    for caller in CALLERS:
        client = getattr(api, caller)
        for path in routes(file):
            answers = [await client.get(path), await client.head(path)]

            statuses = {answer.status_code for answer in answers}
            assert statuses == {200 if caller in ALWAYS else expected}, (caller, path)
            if expected == 451 and caller not in ALWAYS:
                problem(answers[0], 451, "legal_hold")
                assert answers[0].headers["link"] == f'<{HOLD["blockedBy"]}>; rel="blocked-by"'


async def test_hidden_is_as_missing(api: Api) -> None:
    """Hidden, deleted and never there: the same bytes but for path and request id."""
    hidden, gone = [await a_file(api, api.author, type=FileType.MP4) for _ in range(2)]
    assert (await api.author.delete(gone.path)).status_code == 204
    missing = StoredFile(api.services.new_id(), b"")
    for client in (api.anonymous, api.second_author):
        for addresses in zip(*map(routes, (hidden, gone, missing)), strict=True):
            answers = [await client.get(address) for address in addresses]
            bodies = [problem(answer, 404, "file_not_found") for answer in answers]

            for body in bodies:
                del body["instance"], body["requestId"]
            assert bodies[0] == bodies[1] == bodies[2]
            told = [{**answer.headers, "date": "", "x-request-id": ""} for answer in answers]
            assert told[0] == told[1] == told[2]


async def test_it_changes_with_the_post_at_once(api: Api) -> None:
    """Publishing shows it, a hold blocks it, deleting hides it, restoring shows it again."""
    file = await a_file(api, api.author)
    post = await a_post_that_is("draft", api.author, api.admin, coverImage=str(file.id))
    seen = []

    async def look() -> None:
        seen.append((await api.anonymous.get(file.path)).status_code)

    await look()
    await post.do("publish")
    await look()
    await hold(api.admin, post)
    await look()
    assert (await api.admin.delete(f"{post.path}/legal-hold")).status_code == 200
    await look()
    await post.delete()
    await look()
    await post.do("restore")
    await look()
    await Post(api.author, await api.author.get(post.path)).edit(coverImage=None)
    await look()

    assert seen == [404, 200, 451, 200, 404, 200, 404]


async def test_who_may_keep_it(api: Api) -> None:
    """Shared caches may keep what everybody sees, and nothing that a token lets one see."""
    file = await a_file(api, api.author)
    hidden = await api.author.get(file.path)
    await a_post_that_is("published", api.author, api.admin, coverImage=str(file.id))
    shown = [await client.get(file.path) for client in (api.author, api.anonymous)]

    assert hidden.headers["cache-control"].startswith("private, ")
    assert {answer.headers["cache-control"].partition(",")[0] for answer in shown} == {"public"}


async def test_a_name_is_for_those_who_always_see_it(api: Api) -> None:
    """To others a file has none: what people call their files is theirs."""
    file = await a_file(api, api.author, name="Ada's holiday.png")
    await a_post_that_is("published", api.author, api.admin, coverImage=str(file.id))
    for caller in CALLERS:
        client = getattr(api, caller)
        metadata = (await client.get(f"{file.path}/metadata")).json()
        disposition = (await client.get(file.path)).headers["content-disposition"]

        assert metadata["name"] == ("Ada's holiday.png" if caller in ALWAYS else None)
        assert ("holiday" in disposition) == (caller in ALWAYS)
