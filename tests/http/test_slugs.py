"""Specifies slugs that change: the old address answers 301 (HTTP contract, 15)."""

import re

import pytest

from tests.support.http import fields, problem
from tests.support.posts import a_draft, a_post, a_published_post, hold
from tests.support.product import Api


async def test_an_old_slug_leads_to_the_new_one(api: Api) -> None:
    """301 for everybody, remembered for a bounded time."""
    post = await (await a_published_post(api.author, slug="old")).edit(slug="new")
    answer = await api.anonymous.get("/posts/slug/old")
    followed = await api.anonymous.get(answer.headers["location"])
    head = await api.anonymous.head("/posts/slug/old")

    assert (answer.status_code, answer.content) == (301, b"")
    assert fields(answer)["location"] == "/posts/slug/new"
    age = re.fullmatch(r"public, max-age=(\d+)", fields(answer)["cache-control"])
    assert age is not None
    assert 0 < int(age[1]) <= 86_400
    assert (followed.status_code, followed.json()["id"]) == (200, post.id)
    assert (head.status_code, fields(head)) == (301, fields(answer))


async def test_a_slug_changes_only_when_asked(api: Api) -> None:
    """Another title leaves it alone."""
    post = await (await a_post(api.author)).edit(title="Quite another title")

    assert post.slug == "a-title"


async def test_a_post_that_moved_twice_is_one_step_away(api: Api) -> None:
    """Each slug that it had leads to the present one at once."""
    first = await a_published_post(api.author, slug="one")
    await (await first.edit(slug="two")).edit(slug="three")

    for slug in ("one", "two"):
        answer = await api.anonymous.get(f"/posts/slug/{slug}")
        assert (answer.status_code, answer.headers["location"]) == (301, "/posts/slug/three")


async def test_a_slug_may_be_taken_back(api: Api) -> None:
    """The post is at its old slug again, and the other one leads there."""
    post = await (await a_published_post(api.author, slug="old")).edit(slug="new")
    await post.edit(slug="old")
    answer = await api.anonymous.get("/posts/slug/new")

    assert (await api.anonymous.get("/posts/slug/old")).json()["id"] == post.id
    assert (answer.status_code, answer.headers["location"]) == (301, "/posts/slug/old")


async def test_an_old_slug_belongs_to_whoever_takes_it(api: Api) -> None:
    """Another post's own slug goes before a redirect; when it leaves, the last to leave counts."""
    first = await (await a_published_post(api.author, slug="name")).edit(slug="first")
    second = await a_published_post(api.second_author, slug="name")
    shown = await api.anonymous.get("/posts/slug/name")
    api.clock.advance()
    await second.edit(slug="second")
    moved = await api.anonymous.get("/posts/slug/name")

    assert (shown.status_code, shown.json()["id"]) == (200, second.id)
    assert (moved.status_code, moved.headers["location"]) == (301, "/posts/slug/second")
    assert (await api.anonymous.get("/posts/slug/first")).json()["id"] == first.id


async def test_a_redirect_reveals_no_hidden_post(api: Api) -> None:
    """The old slug of a draft or of a deleted post is 404 like any other, of a held one 451."""
    draft = await (await a_post(api.author, slug="draft")).edit(slug="draft-two")
    gone = await (await a_published_post(api.author, slug="gone")).edit(slug="gone-two")
    await gone.delete()
    held = await (await a_published_post(api.author, slug="held")).edit(slug="held-two")
    await hold(api.admin, held)

    problem(await api.anonymous.get("/posts/slug/draft"), 404, "post_not_found")
    problem(await api.anonymous.get("/posts/slug/gone"), 404, "post_not_found")
    problem(await api.anonymous.get("/posts/slug/held"), 451, "legal_hold")
    seen = await api.author.get("/posts/slug/draft")
    assert (seen.status_code, seen.headers["location"]) == (301, f"/posts/slug/{draft.slug}")


async def test_what_only_some_may_see_is_redirected_for_them_alone(api: Api) -> None:
    """A redirect that a token gave is kept by no shared cache."""
    await (await a_post(api.author, slug="old")).edit(slug="new")
    answer = await api.author.get("/posts/slug/old")

    assert answer.status_code == 301
    assert "public" not in fields(answer)["cache-control"]
    assert "Authorization" in fields(answer).get("vary", "")


@pytest.mark.parametrize(
    "slug", ["A-TITLE", "a--title", "a-title-", "%00", "a%20title", "ą", "a_b"]
)
async def test_a_slug_is_found_as_it_is_written(api: Api, slug: str) -> None:
    """Nothing is folded on reading: another spelling is another slug."""
    await a_published_post(api.author)
    answer = await api.anonymous.get(f"/posts/slug/{slug}")

    assert answer.status_code in {400, 404}


async def test_an_old_slug_is_free_for_a_new_post(api: Api) -> None:
    """A redirect claims nothing."""
    await (await a_post(api.author, slug="old")).edit(slug="new")

    assert (await api.second_author.post("/posts", a_draft(slug="old"))).status_code == 201


async def test_a_redirect_keeps_the_query(api: Api) -> None:
    """As it was sent, repeated names too, with what cannot stand in an address encoded."""
    post = await (await a_published_post(api.author, slug="old")).edit(slug="new")
    kept = "utm_source=letter&utm_source=b%20c+d&x=%C4%85&/?:@!$'()*,;=~"
    plain = await api.anonymous.get(f"/posts/slug/old?{kept}")
    odd = 'a=%%zz"<>`{|}\\^[]'
    async with api.raw() as connection:
        head = f"GET /posts/slug/old?{odd} HTTP/1.1\r\nHost: {api.host}\r\n\r\n"
        await connection.send(head.encode())
        encoded = await connection.answer()
    direct = await api.anonymous.get(f"/posts/slug/new?{kept}&a=%")

    assert (plain.status_code, plain.headers["location"]) == (301, f"/posts/slug/new?{kept}")
    assert encoded.status == 301
    assert encoded.field("location") == (
        "/posts/slug/new?a=%25%25zz%22%3C%3E%60%7B%7C%7D%5C%5E%5B%5D"
    )
    assert (direct.status_code, direct.json()) == (200, post.body)
