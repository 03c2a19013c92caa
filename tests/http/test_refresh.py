"""Specifies renewing: a token is good once, a second use ends the session, the end is for good."""

import asyncio
from datetime import timedelta
from uuid import UUID

import httpx
import pytest
import redis.asyncio

from commands.sessions import SESSION_LIFETIME, Session
from domain.account_decisions import Disable, Enable
from domain.stream import Role
from infra.identity.sessions import PostgresSessions
from tests.support.http import fields, problem
from tests.support.product import PASSWORD, Api, running_api
from tests.support.signing_in import OTHER, bearer, log_in, me, renew

ADA = "ada@test.example"
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


async def is_over(api: Api, *answers: httpx.Response) -> None:
    """Require that none of these tokens is worth anything."""
    for answer in answers:
        problem(await me(api, answer), 401, "invalid_token")
        problem(await renew(api, answer), 401, "invalid_refresh_token")


async def goes_on(api: Api, tokens: httpx.Response) -> None:
    """Require that a session lives; its tokens are replaced by it."""
    assert (await me(api, tokens)).status_code == 200
    assert (await renew(api, tokens)).status_code == 200


async def test_the_answer(api: Api) -> None:
    """200 with a new pair of the same shape as at the log-in; nobody may store it."""
    await api.account("ada", Role.AUTHOR)
    first = await log_in(api, ADA)
    api.clock.advance(DAY)
    second = await renew(api, first)
    old, new = first.json(), second.json()

    assert second.status_code == 200
    assert fields(second) == {
        "content-type": "application/json",
        "cache-control": "no-store",
        "ratelimit-policy": '"refresh-network";q=300;w=60',
        "ratelimit": '"refresh-network";r=299;t=1',
    }
    assert new.keys() == old.keys()
    assert not {new["token"], new["refreshToken"]} & {old["token"], old["refreshToken"]}
    assert (new["tokenType"], new["expiresIn"]) == ("Bearer", 900)
    assert new["refreshExpiresIn"] == 29 * 24 * 3600


async def test_a_chain_of_tokens(api: Api) -> None:
    """Each renews the session once; it is the same one all the way, and says when it was used."""
    await api.account("ada")
    tokens = first = await log_in(api, ADA)
    for _ in range(3):
        api.clock.advance(DAY)
        tokens = await renew(api, tokens)
    listed = (await api.anonymous.get("/me/sessions", headers=bearer(tokens))).json()["items"]

    assert (await me(api, tokens)).status_code == 200
    problem(await me(api, first), 401, "invalid_token")
    [session] = [each for each in listed if each["current"]]
    assert session["startedAt"] == "2026-03-01T09:00:00.123456Z"
    assert session["usedAt"] == "2026-03-04T09:00:00.123456Z"
    assert session["expiresAt"] == "2026-03-31T09:00:00.123456Z"


async def test_an_access_token_goes_on_when_it_is_renewed(api: Api) -> None:
    """Requests that are on their way with the old one are not refused."""
    await api.account("ada")
    first = await log_in(api, ADA)
    second = await renew(api, first)

    assert (await me(api, first)).status_code == 200
    assert (await me(api, second)).status_code == 200


async def test_the_second_use_of_a_token_ends_the_session(api: Api) -> None:
    """401, and all tokens of the session are worth nothing at once; other sessions go on."""
    await api.account("ada")
    first, other = await log_in(api, ADA), await log_in(api, ADA)
    second = await renew(api, first)
    third = await renew(api, second)
    reused = await renew(api, first)

    problem(reused, 401, "invalid_refresh_token")
    assert reused.headers["www-authenticate"] == 'Bearer realm="api"'
    await is_over(api, first, second, third)
    await goes_on(api, other)


async def test_the_second_use_is_in_the_log_and_told_to_the_owner_once(api: Api) -> None:
    """One event and one message, however often the dead token is shown again."""
    await api.account("ada")
    first = await log_in(api, ADA)
    await renew(api, first)
    before = await api.events()
    for _ in range(3):
        problem(await renew(api, first), 401, "invalid_refresh_token")
    mails = await api.mails()

    assert await api.events() == before + 1
    assert [(mail.to, mail.subject) for mail in mails] == [(ADA, "A session of yours was ended")]


async def test_of_two_who_renew_at_once_one_wins_and_then_it_is_over(api: Api) -> None:
    """The loser looks like somebody with a copy, so the session ends for both."""
    await api.account("ada")
    first = await log_in(api, ADA)
    answers = await asyncio.gather(*(renew(api, first) for _ in range(2)))
    won, lost = sorted(answers, key=lambda answer: answer.status_code)

    assert won.status_code == 200
    problem(lost, 401, "invalid_refresh_token")
    await is_over(api, first, won)


async def test_of_many_who_renew_at_once_one_wins(api: Api) -> None:
    """However many there are, no two get tokens."""
    await api.account("ada")
    for _ in range(5):
        first = await log_in(api, ADA)
        answers = await asyncio.gather(*(renew(api, first) for _ in range(8)))
        won = [answer for answer in answers if answer.status_code == 200]

        assert len(won) == 1
        assert {answer.status_code for answer in answers} == {200, 401}
        await is_over(api, *won)


async def test_after_a_logout(api: Api) -> None:
    """The session is over at once, and no other one."""
    await api.account("ada")
    here, there = await log_in(api, ADA), await log_in(api, ADA)
    answer = await api.anonymous.post("/logout", headers=bearer(here))

    assert answer.status_code == 204
    await is_over(api, here)
    await goes_on(api, there)


async def test_after_a_logout_everywhere(api: Api) -> None:
    """All sessions of the account are over, and those of others are not."""
    await api.account("ada")
    await api.account("eve")
    here, there = await log_in(api, ADA), await log_in(api, ADA)
    other = await log_in(api, "eve@test.example")
    answer = await api.anonymous.post("/logout", {"everywhere": True}, headers=bearer(here))

    assert answer.status_code == 204
    await is_over(api, here, there)
    await goes_on(api, other)
    await goes_on(api, await log_in(api, ADA))


async def test_after_disabling(api: Api) -> None:
    """All are over, and enabling the account again revives none."""
    ada = await api.account("ada")
    first = await log_in(api, ADA)
    second = await renew(api, first)
    await api.change_account(ada, Disable())
    await is_over(api, second)
    await api.change_account(ada, Enable())

    await is_over(api, first, second)
    await goes_on(api, await log_in(api, ADA))


async def test_after_a_new_password(api: Api) -> None:
    """The session that changed it goes on, with the tokens that it has; the others are over."""
    await api.account("ada")
    here, there = await log_in(api, ADA), await log_in(api, ADA)
    change = {"currentPassword": PASSWORD, "newPassword": OTHER}
    answer = await api.anonymous.send("PUT", "/me/password", change, headers=bearer(here))

    assert answer.status_code == 204
    await is_over(api, there)
    await goes_on(api, here)


async def test_after_its_time(api: Api) -> None:
    """A session ends after thirty days, however often it was renewed."""
    await api.account("ada")
    session = await log_in(api, ADA)
    api.clock.advance(SESSION_LIFETIME - SECOND)
    session = await renew(api, session)
    left = session.json()["refreshExpiresIn"]
    api.clock.advance(SECOND)

    assert left == 1
    problem(await renew(api, session), 401, "invalid_refresh_token")


async def test_sessions_do_not_depend_on_redis(api: Api, redis_url: str) -> None:
    """When it is flushed, those that live go on, and none that is over comes back."""
    await api.account("ada")
    lives, over = await log_in(api, ADA), await log_in(api, ADA)
    await api.anonymous.post("/logout", headers=bearer(over))
    reused = await log_in(api, ADA)
    copied = await renew(api, reused)
    await renew(api, reused)
    cache = redis.asyncio.from_url(redis_url)
    await cache.flushall()
    await cache.aclose()

    await goes_on(api, lives)
    await is_over(api, over, reused, copied)


async def test_what_one_process_ends_is_over_in_another(database_url: str, redis_url: str) -> None:
    """At once: no process answers from what it remembers."""
    async with (
        running_api(database_url, redis_url=redis_url) as one,
        running_api(database_url, redis_url=redis_url) as two,
    ):
        logged_out, everywhere = (
            await log_in(one, "author@test.example"),
            await log_in(two, "admin@test.example"),
        )
        posts = {"title": "First", "content": "Text.", "category": "tech"}
        before = await two.anonymous.post("/posts", posts, headers=bearer(logged_out))
        assert (await me(one, everywhere)).status_code == 200
        await one.anonymous.post("/logout", headers=bearer(logged_out))
        await two.anonymous.post("/logout", {"everywhere": True}, headers=bearer(everywhere))
        after = await two.anonymous.post(
            "/posts", posts | {"slug": "second"}, headers=bearer(logged_out)
        )

        assert before.status_code == 201
        problem(after, 401, "invalid_token")
        await is_over(two, logged_out)
        await is_over(one, everywhere)


@pytest.mark.parametrize("everywhere", [False, True])
async def test_a_logout_while_the_password_is_changed(
    api: Api, monkeypatch: pytest.MonkeyPatch, *, everywhere: bool
) -> None:
    """Changing the password keeps its session, but does not bring it back once it is over."""
    await api.account("ada")
    here = await log_in(api, ADA)
    find = PostgresSessions.find
    logged_out: list[int] = []

    async def found_just_before(store: PostgresSessions, session_id: UUID) -> Session | None:
        found = await find(store, session_id)
        monkeypatch.undo()
        logout = {"everywhere": everywhere}
        answer = await api.anonymous.post("/logout", logout, headers=bearer(here))
        logged_out.append(answer.status_code)
        return found

    monkeypatch.setattr(PostgresSessions, "find", found_just_before)
    change = {"currentPassword": PASSWORD, "newPassword": OTHER}
    await api.anonymous.send("PUT", "/me/password", change, headers=bearer(here))

    assert logged_out == [204]
    await is_over(api, here)
