"""Specifies what authors learn of their own work: how many posts, and what they did when."""

from datetime import timedelta

import pytest

from domain.stream import Role
from tests.support.http import fields, problem
from tests.support.posts import a_post, a_post_that_is, a_published_post, hold
from tests.support.product import Api
from tests.support.projecting import caught_up, projecting

NOTHING = dict.fromkeys(("scheduled", "unpublished", "archived", "deleted", "restored"), 0)


async def test_my_posts_are_counted(api: Api) -> None:
    """By status, at once, without those that are deleted and those of others."""
    author = await api.account("counting", Role.AUTHOR)
    before = await author.get("/me")
    for number, state in enumerate(("draft", "draft", "published", "deleted", "scheduled", "held")):
        await a_post_that_is(state, author, api.admin, slug=f"mine-{number}")
    await a_published_post(api.second_author, slug="of-another")
    after = await author.get("/me")

    assert before.json()["posts"] == {}
    assert after.json()["posts"] == {"draft": 2, "published": 2, "scheduled": 1}


async def test_activity_is_my_own(api: Api) -> None:
    """Day by day, the oldest first, for as many days as asked for, today among them."""
    await a_published_post(api.author)
    await a_published_post(api.second_author, slug="of-another")
    api.clock.advance(timedelta(days=40))
    post = await a_published_post(api.author, slug="later")
    await post.edit(title="Another")
    async with projecting(api.product):
        await caught_up(api.product)
    recent = await api.author.get("/me/activity")
    everything = await api.author.get("/me/activity?days=41")

    latest = {"day": "2026-04-10", "created": 1, "edited": 1, "published": 1, **NOTHING}
    first = {"day": "2026-03-01", "created": 1, "edited": 0, "published": 1, **NOTHING}
    assert recent.json() == {"since": "2026-03-12", "items": [latest]}
    assert everything.json() == {"since": "2026-03-01", "items": [first, latest]}
    assert fields(recent) == {
        "content-type": "application/json",
        "cache-control": "no-store",
        "vary": "Accept, Authorization",
    }


async def test_a_day_is_the_sum_over_my_posts(api: Api) -> None:
    """What an admin does to a post counts as its author's; a hold is nobody's work."""
    for number in range(3):
        await a_post(api.author, slug=f"mine-{number}")
    post = await a_published_post(api.author, slug="held")
    await hold(api.admin, post)
    async with projecting(api.product):
        await caught_up(api.product)
    (day,) = (await api.author.get("/me/activity?days=1")).json()["items"]

    assert day == {"day": "2026-03-01", "created": 4, "edited": 0, "published": 1, **NOTHING}
    assert (await api.admin.get("/me/activity")).json()["items"] == []


@pytest.mark.parametrize("query", ["days=0", "days=367", "days=x", "days=1&days=2", "day=1"])
async def test_days_are_few(api: Api, query: str) -> None:
    """400 for anything but 1 to 366."""
    answer = await api.author.get(f"/me/activity?{query}")

    problem(answer, 400, "bad_parameter")
