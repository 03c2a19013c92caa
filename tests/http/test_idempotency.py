"""Specifies Idempotency-Key on new posts (HTTP contract, 11; the IETF draft)."""

import asyncio
from urllib.parse import urlencode

import httpx
import pytest

from tests.support.http import Client, fields, problem
from tests.support.posts import a_draft
from tests.support.product import Api, Clock, running_api

KEY = {"Idempotency-Key": '"8e03978e-40d5-43e8-bc93-6894a57f9324"'}
FORM = urlencode({"title": "A title", "content": "Text.", "category": "tech"})


async def _create(client: Client, key: str = "key", **members: object) -> httpx.Response:
    headers = {"Idempotency-Key": f'"{key}"'}
    return await client.post("/posts", a_draft(**members), headers=headers)


def _whole(answer: httpx.Response) -> tuple[int, dict[str, str], bytes]:
    return answer.status_code, fields(answer), answer.content


async def test_a_repeated_request_gets_the_first_answer(api: Api) -> None:
    """The same status, fields and body, and nothing is done twice."""
    first = await api.author.post("/posts", a_draft(), headers=KEY)
    events = await api.events()
    api.clock.advance()
    second = await api.author.post("/posts", a_draft(), headers=KEY)

    assert first.status_code == 201
    assert _whole(second) == _whole(first)
    assert second.headers["x-request-id"] != first.headers["x-request-id"]
    assert await api.events() == events


async def test_the_first_answer_is_given_also_when_the_post_has_changed(api: Api) -> None:
    """What is replayed is what happened, not what is."""
    first = await _create(api.author)
    path = first.headers["location"]
    await api.author.patch(path, {"title": "New"}, headers={"If-Match": "*"})
    await api.author.delete(path)

    assert _whole(await _create(api.author)) == _whole(first)


async def test_a_form_is_answered_again_with_its_redirect(api: Api) -> None:
    """303 to the same post."""
    ask = {"content_type": "application/x-www-form-urlencoded", "headers": KEY}
    first = await api.author.send("POST", "/posts", FORM, **ask)  # type: ignore[arg-type]  # by name
    second = await api.author.send("POST", "/posts", FORM, **ask)  # type: ignore[arg-type]  # by name

    assert first.status_code == 303
    assert _whole(second) == _whole(first)


async def test_another_request_with_the_key_is_refused(api: Api) -> None:
    """422 for another body, type or order of members; nothing is stored."""
    await api.author.post("/posts", a_draft(), headers=KEY)
    before = await api.events()
    others = [
        await api.author.post("/posts", a_draft(title="Another"), headers=KEY),
        await api.author.post("/posts", dict(reversed(a_draft().items())), headers=KEY),
        await api.author.send(
            *("POST", "/posts", FORM),
            content_type="application/x-www-form-urlencoded",
            headers=KEY,
        ),
    ]

    for answer in others:
        problem(answer, 422, "idempotency_key_reused")
    assert await api.events() == before


async def test_a_key_is_the_account_s_own(api: Api) -> None:
    """Two accounts may use the same one."""
    first = await _create(api.author, slug="first")
    second = await _create(api.second_author, slug="second")

    assert (first.status_code, second.status_code) == (201, 201)
    assert (await _create(api.author, slug="first")).content == first.content


async def test_a_refused_request_may_be_corrected_under_its_key(api: Api) -> None:
    """400, 409 and 422 use no key up."""
    await _create(api.second_author, slug="taken")
    problem(await _create(api.author, slug=5), 400, "invalid_body")
    problem(await _create(api.author, title=" "), 422, "title_blank")
    problem(await _create(api.author, slug="taken"), 409, "slug_already_exists")

    assert (await _create(api.author, slug="free")).status_code == 201


async def test_quotes_do_not_make_another_key(api: Api) -> None:
    """A bare key is taken and means the same."""
    first = await api.author.post("/posts", a_draft(), headers={"Idempotency-Key": '"abc"'})
    second = await api.author.post("/posts", a_draft(), headers={"Idempotency-Key": "abc"})

    assert _whole(second) == _whole(first)


@pytest.mark.parametrize(
    "key",
    ["", '""', '"open', 'a"b', "a b", '"a", "b"', "k" * 256, '"a";b=', "(a b)", '"\\x"', "\xe9"],
)
async def test_a_malformed_key_is_refused(api: Api, key: str) -> None:
    """400 names the field, before anything is done."""
    before = await api.events()
    headers = [(b"Idempotency-Key", key.encode())]
    refused = problem(
        await api.author.post("/posts", a_draft(), headers=headers), 400, "malformed_header"
    )

    assert refused["member"] == "Idempotency-Key"
    assert await api.events() == before


async def test_two_keys_are_none(api: Api) -> None:
    """A field sent twice is malformed."""
    headers = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]

    problem(await api.author.post("/posts", a_draft(), headers=headers), 400, "malformed_header")


async def test_while_the_first_is_in_flight_others_wait(api: Api) -> None:
    """Of many at once one creates; each other is told 409 to wait, or gets the first answer."""
    answers = await asyncio.gather(*(_create(api.author) for _ in range(20)))
    created = [answer for answer in answers if answer.status_code == 201]
    waiting = [answer for answer in answers if answer.status_code == 409]

    assert len(created) + len(waiting) == 20
    assert len({answer.content for answer in created}) == 1
    assert waiting
    for answer in waiting:
        problem(answer, 409, "idempotency_key_in_flight")
        assert int(answer.headers["retry-after"]) >= 1
    assert (await _create(api.author)).content == created[0].content
    listed = await api.author.get("/posts?status=draft")
    assert len(listed.json()["items"]) == 1


async def test_the_key_holds_across_processes_and_restarts(database_url: str) -> None:
    """It is stored with the events: another process, and one started later, replay it."""
    clock = Clock()
    async with running_api(database_url, clock=clock) as one, running_api(database_url) as other:
        first = await _create(one.author)
        answers = await asyncio.gather(
            *(_create(api.author, "both", slug="both") for api in (one, other) * 4)
        )
        assert _whole(await _create(other.author)) == _whole(first)
        made = {answer.content for answer in answers if answer.status_code == 201}
        assert len(made) == 1
        assert {answer.status_code for answer in answers} <= {201, 409}
    async with running_api(database_url, clock=clock) as restarted:
        replayed = await _create(restarted.author)
        events = await restarted.events()

        assert _whole(replayed) == _whole(first)
        problem(await _create(restarted.author, title="Another"), 422, "idempotency_key_reused")
        assert await restarted.events() == events
