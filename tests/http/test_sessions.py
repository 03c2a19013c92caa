"""Specifies sessions: the list of one's own, ending one, logging out, each of it at once."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from commands.ports import Append, AppendResult
from commands.sessions import SESSION_LIFETIME
from domain.account_decisions import Disable, Enable
from domain.stream import Role
from infra.store.event_store import PostgresEventStore
from tests.support.http import Client, fields, problem
from tests.support.posts import a_draft, a_post
from tests.support.product import NOBODY, PASSWORD, Api, running_api
from tests.support.signing_in import OTHER, bearer, log_in, me, renew

ADA = "ada@test.example"
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
CHANGE = {"currentPassword": PASSWORD, "newPassword": OTHER}


async def listed(api: Api, tokens: httpx.Response) -> list[dict[str, Any]]:
    """List the sessions of whoever has these tokens."""
    answer = await api.anonymous.get("/me/sessions", headers=bearer(tokens))
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def session_id(api: Api, tokens: httpx.Response) -> str:
    """Tell which session these tokens are of."""
    found: str = (await me(api, tokens)).json()["session"]
    return found


async def end(api: Api, tokens: httpx.Response, session: str) -> httpx.Response:
    """End a session of one's own."""
    return await api.anonymous.delete(f"/me/sessions/{session}", headers=bearer(tokens))


async def log_out(api: Api, tokens: httpx.Response, body: Any = None) -> httpx.Response:  # noqa: ANN401 - whatever is sent
    """Log out."""
    return await api.anonymous.post("/logout", body, headers=bearer(tokens))


async def is_over(api: Api, *answers: httpx.Response) -> None:
    """Require that none of these tokens is worth anything."""
    for answer in answers:
        problem(await me(api, answer), 401, "invalid_token")
        problem(await renew(api, answer), 401, "invalid_refresh_token")


async def goes_on(api: Api, *answers: httpx.Response) -> None:
    """Require that access tokens are still taken."""
    for answer in answers:
        assert (await me(api, answer)).status_code == 200


async def last_event(api: Api, account: Client) -> tuple[str, dict[str, Any], str]:
    """Give type, data and command of an account's last event."""
    answer = await api.auditor.get(f"/streams/account/{account.account_id}")
    entry = answer.json()["items"][-1]
    data = entry["data"]
    assert data.pop("type") == entry["type"]
    return entry["type"], data, entry["metadata"]["command"]


async def test_the_list(api: Api) -> None:
    """All that live, the last used first, with what one needs to know them apart."""
    await api.account("ada")
    ask = {"email": ADA, "password": PASSWORD}
    first = await api.anonymous.post("/login", ask, headers=[(b"User-Agent", b"Browser \xff\t1")])
    api.clock.advance(DAY)
    second = await log_in(api, ADA)
    answer = await api.anonymous.get("/me/sessions", headers=bearer(second))

    assert answer.status_code == 200
    assert fields(answer) == {
        "content-type": "application/json",
        "cache-control": "no-store",
        "vary": "Accept, Authorization",
    }
    here, there, _ = answer.json()["items"]
    assert here == {
        "id": await session_id(api, second),
        "client": "",
        "startedAt": "2026-03-02T09:00:00.123456Z",
        "usedAt": "2026-03-02T09:00:00.123456Z",
        "expiresAt": "2026-04-01T09:00:00.123456Z",
        "secondFactor": False,
        "current": True,
    }
    assert (there["client"], there["current"]) == ("Browser \xff?1", False)
    api.clock.advance(SECOND)
    again = await renew(api, first)
    assert [each["current"] for each in await listed(api, again)] == [True, False, False]


async def test_the_list_holds_no_secret(api: Api) -> None:
    """Nothing in it opens a session."""
    await api.account("ada")
    tokens = await log_in(api, ADA)
    text = (await api.anonymous.get("/me/sessions", headers=bearer(tokens))).text

    for secret in (tokens.json()["token"], tokens.json()["refreshToken"]):
        assert secret not in text


async def test_the_list_is_one_s_own(api: Api) -> None:
    """Nobody sees those of others, nor those that are over."""
    await api.account("ada")
    await api.account("eve")
    here, there = await log_in(api, ADA), await log_in(api, ADA)
    of_eve = await log_in(api, "eve@test.example")
    await log_out(api, there)
    ids = {each["id"] for each in await listed(api, here)}

    assert await session_id(api, here) in ids
    assert not ids & {each["id"] for each in await listed(api, of_eve)}
    assert len(ids) == 2  # and the one in which the account was made


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/me/sessions"), ("DELETE", f"/me/sessions/{NOBODY}"), ("POST", "/logout")],
)
async def test_nobody_has_none(api: Api, method: str, path: str) -> None:
    """Without a token 401, whatever else is wrong."""
    answer = await api.anonymous.send(method, path, b"[", headers={"Accept": "text/html"})

    problem(answer, 401, "unauthenticated")
    assert answer.headers["www-authenticate"] == 'Bearer realm="api"'


async def test_ending_another_session(api: Api) -> None:
    """204; its tokens are worth nothing at once, this one goes on, and the log says who did it."""
    ada = await api.account("ada")
    here, there = await log_in(api, ADA), await log_in(api, ADA)
    ended = await session_id(api, there)
    answer = await end(api, here, ended)

    assert answer.status_code == 204
    assert fields(answer) == {}
    await is_over(api, there)
    await goes_on(api, here)
    assert ended not in {each["id"] for each in await listed(api, here)}
    assert await last_event(api, ada) == (
        "account.session-ended.v1",
        {"session": ended, "by": "revoked"},
        "EndSession",
    )


async def test_ending_this_session(api: Api) -> None:
    """It is a logout like any other."""
    ada = await api.account("ada")
    here, there = await log_in(api, ADA), await log_in(api, ADA)
    ended = await session_id(api, here)
    answer = await end(api, here, ended)

    assert answer.status_code == 204
    await is_over(api, here)
    await goes_on(api, there)
    assert (await last_event(api, ada))[1] == {"session": ended, "by": "logout"}


async def test_what_is_over_already(api: Api) -> None:
    """204 again, whatever ended it, and nothing is added to the log."""
    await api.account("ada")
    here, ended, voided = [await log_in(api, ADA) for _ in range(3)]
    ids = [await session_id(api, each) for each in (ended, voided)]
    await end(api, here, ids[0])
    change = await api.anonymous.send("PUT", "/me/password", CHANGE, headers=bearer(here))
    assert change.status_code == 204
    before = await api.events()
    answers = [await end(api, here, each) for each in ids * 2]

    assert [answer.status_code for answer in answers] == [204] * 4
    assert await api.events() == before


async def test_what_is_past_its_time(api: Api) -> None:
    """204, and nothing is added to the log."""
    await api.account("ada")
    old = await session_id(api, await log_in(api, ADA))
    api.clock.advance(SESSION_LIFETIME)
    here = await log_in(api, ADA)
    before = await api.events()
    answer = await end(api, here, old)

    assert answer.status_code == 204
    assert await api.events() == before


async def test_of_those_who_end_one_session_at_once_one_does(api: Api) -> None:
    """All get 204, and it ends once."""
    await api.account("ada")
    here, there = await log_in(api, ADA), await log_in(api, ADA)
    ended = await session_id(api, there)
    before = await api.events()
    answers = await asyncio.gather(*(end(api, here, ended) for _ in range(6)))

    assert [answer.status_code for answer in answers] == [204] * 6
    assert await api.events() == before + 1


async def test_a_session_of_another_is_as_unknown_as_none(api: Api) -> None:
    """404 with the same bytes, and it goes on."""
    await api.account("ada")
    await api.account("eve")
    here, of_eve = await log_in(api, ADA), await log_in(api, "eve@test.example")
    answers = [await end(api, here, each) for each in (await session_id(api, of_eve), str(NOBODY))]
    bodies = [problem(answer, 404, "session_not_found") for answer in answers]

    apart = {"instance": "", "requestId": ""}
    assert bodies[0] | apart == bodies[1] | apart
    assert fields(answers[0]) == fields(answers[1])
    await goes_on(api, of_eve)


@pytest.mark.parametrize("wrong", ["1", "all", "{0}", "urn:uuid:{0}", "{0}0", "%20"])
async def test_what_is_no_id(api: Api, wrong: str) -> None:
    """400, and the session goes on."""
    await api.account("ada")
    here = await log_in(api, ADA)
    path = wrong.replace("{0}", "{%s}" % await session_id(api, here))

    problem(await end(api, here, path), 400, "bad_id")
    await goes_on(api, here)


async def test_ending_takes_no_body(api: Api) -> None:
    """400 for one that says something, 406 before it; an empty object says nothing."""
    await api.account("ada")
    here = await log_in(api, ADA)
    path = f"/me/sessions/{NOBODY}"

    async def ask(body: bytes, **headers: str) -> httpx.Response:
        return await api.anonymous.send("DELETE", path, body, headers=bearer(here) | headers)

    problem(await ask(b'{"everywhere": true}'), 400, "invalid_body")
    problem(await ask(b"[", Accept="text/html"), 406, "not_acceptable")
    problem(await ask(b"{}"), 404, "session_not_found")


@pytest.mark.parametrize("body", [None, {}, {"everywhere": False}])
async def test_logging_out_here(api: Api, body: dict[str, bool] | None) -> None:
    """204, and this session alone is over."""
    ada = await api.account("ada")
    here, there = await log_in(api, ADA), await log_in(api, ADA)
    ended = await session_id(api, here)
    answer = await log_out(api, here, body)

    assert answer.status_code == 204
    assert fields(answer) == {}
    await is_over(api, here)
    await goes_on(api, there)
    assert await last_event(api, ada) == (
        "account.session-ended.v1",
        {"session": ended, "by": "logout"},
        "Logout",
    )
    problem(await log_out(api, here), 401, "invalid_token")


async def test_logging_out_everywhere(api: Api) -> None:
    """204, and all sessions of the account are over, by one event; later ones are good."""
    ada = await api.account("ada")
    await api.account("eve")
    here, there = await log_in(api, ADA), await log_in(api, ADA)
    of_eve = await log_in(api, "eve@test.example")
    before = await api.events()
    answer = await log_out(api, here, {"everywhere": True})

    assert answer.status_code == 204
    assert await api.events() == before + 1
    assert await last_event(api, ada) == ("account.sessions-ended.v1", {}, "Logout")
    await is_over(api, here, there)
    await goes_on(api, of_eve, await log_in(api, ADA))


WRONG_BODIES = [
    (b'{"everywhere": "yes"}', "application/json", 400, "invalid_body"),
    (b'{"everywhere": null}', "application/json", 400, "invalid_body"),
    (b'{"everywhere": true, "now": true}', "application/json", 400, "invalid_body"),
    (b'{"everywhere": true, "everywhere": true}', "application/json", 400, "invalid_body"),
    (b"[]", "application/json", 400, "invalid_body"),
    (b"null", "application/json", 400, "invalid_body"),
    (b"{", "application/json", 400, "invalid_body"),
    (b'{"\xff": 1}', "application/json", 400, "invalid_body"),
    (b'{"everywhere": true}', "text/plain", 415, "unsupported_media_type"),
    (b"everywhere=true", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
    (b'{"everywhere": true}', None, 415, "unsupported_media_type"),
    (b" " * 1_048_577, "application/json", 413, "body_too_large"),
]


@pytest.mark.parametrize(("body", "kind", "status", "error"), WRONG_BODIES)
async def test_logging_out_wrongly(
    api: Api, body: bytes, kind: str | None, status: int, error: str
) -> None:
    """Nothing ends by a request that nobody can understand."""
    await api.account("ada")
    here = await log_in(api, ADA)
    before = await api.events()
    answer = await api.anonymous.send(
        "POST", "/logout", body, headers=bearer(here), content_type=kind
    )

    problem(answer, status, error)
    assert await api.events() == before
    await goes_on(api, here)


async def test_no_access_token_outlives_its_session(api: Api) -> None:
    """The last ones of a session are good for what is left of it, and say so."""
    await api.account("ada")
    first = await log_in(api, ADA)
    api.clock.at += SESSION_LIFETIME - timedelta(minutes=5)
    last = await renew(api, first)
    api.clock.at += timedelta(minutes=5) - SECOND
    before = await me(api, last)
    api.clock.at += SECOND

    assert (last.json()["expiresIn"], last.json()["refreshExpiresIn"]) == (300, 300)
    assert before.status_code == 200
    await is_over(api, last)


async def test_an_end_is_one_in_every_process_at_once(database_url: str, redis_url: str) -> None:
    """The next request that another process gets is refused, also one that writes."""
    async with (
        running_api(database_url, redis_url=redis_url) as one,
        running_api(database_url, redis_url=redis_url) as two,
    ):
        author = await one.account("ada", Role.AUTHOR)
        keeper = await log_in(one, ADA)

        async def disable_and_enable() -> None:
            await one.change_account(author, Disable())
            await one.change_account(author, Enable())

        async def by(answer: Awaitable[httpx.Response]) -> None:
            assert (await answer).status_code == 204

        ends: list[Callable[[httpx.Response, str], Awaitable[None]]] = [
            lambda tokens, _: by(log_out(one, tokens)),
            lambda _, session: by(end(one, keeper, session)),
            lambda _, __: by(
                one.anonymous.send("PUT", "/me/password", CHANGE, headers=bearer(keeper))
            ),
            lambda tokens, _: by(log_out(one, tokens, {"everywhere": True})),
            lambda _, __: disable_and_enable(),
        ]
        password = PASSWORD
        for number, finish in enumerate(ends):
            tokens = await log_in(one, ADA, password)
            assert tokens.status_code == 200, number
            draft = a_draft(slug=f"post-{number}")
            made = await two.anonymous.post("/posts", draft, headers=bearer(tokens))
            assert made.status_code == 201, number
            await finish(tokens, await session_id(two, tokens))
            if number == 2:
                password = OTHER
            events = await two.events()
            draft = a_draft(slug=f"late-{number}")
            problem(
                await two.anonymous.post("/posts", draft, headers=bearer(tokens)),
                401,
                "invalid_token",
            )
            await is_over(two, tokens)
            assert await two.events() == events


def once_before_the_append(
    monkeypatch: pytest.MonkeyPatch, happens: Callable[[], Awaitable[None]]
) -> None:
    """Let something happen when the next request has decided, before it appends."""
    append = PostgresEventStore.append

    async def later(store: PostgresEventStore, what: Append) -> AppendResult:
        monkeypatch.setattr(PostgresEventStore, "append", append)
        await happens()
        return await append(store, what)

    monkeypatch.setattr(PostgresEventStore, "append", later)


WRITES = ["create", "edit", "publish", "disable", "role", "password", "erase"]


@pytest.mark.parametrize("everywhere", [False, True], ids=["here", "everywhere"])
@pytest.mark.parametrize("write", WRITES)
async def test_what_is_in_flight_when_its_session_ends(
    api: Api, monkeypatch: pytest.MonkeyPatch, write: str, *, everywhere: bool
) -> None:
    """It appends nothing but the end itself, though the session lived when it began."""
    await api.account("ada", Role.AUTHOR, Role.ADMIN)
    await api.account("eve")
    here = await log_in(api, ADA)
    eve = await log_in(api, "eve@test.example")
    made = await api.anonymous.post("/posts", a_draft(slug="first"), headers=bearer(here))
    post, tag = made.headers["location"], made.headers["etag"]
    user = f"/users/{(await me(api, eve)).json()['id']}"
    method, path, body = {
        "create": ("POST", "/posts", a_draft(slug="second")),
        "edit": ("PATCH", post, {"title": "New"}),
        "publish": ("POST", f"{post}/publish", None),
        "disable": ("POST", f"{user}/disable", None),
        "role": ("POST", f"{user}/role", {"roles": ["author"]}),
        "password": ("PUT", "/me/password", CHANGE),
        "erase": ("DELETE", "/me", None),
    }[write]
    before = await api.events()

    async def log_out_now() -> None:
        answer = await log_out(api, here, {"everywhere": everywhere})
        assert answer.status_code == 204

    once_before_the_append(monkeypatch, log_out_now)
    headers = bearer(here) | ({"If-Match": tag} if method == "PATCH" else {})
    answer = await api.anonymous.send(method, path, body, headers=headers)

    if write == "password":
        problem(answer, 503, "contended")
    else:
        problem(answer, 401, "invalid_token")
    assert await api.events() == before + 1
    await is_over(api, here)
    assert (await log_in(api, ADA)).status_code == 200


async def test_another_session_s_end_does_not_disturb_for_long(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is in flight in a session that goes on is done, though the account has changed."""
    ada = await api.account("ada", Role.AUTHOR)
    here, there = await log_in(api, ADA), await log_in(api, ADA)
    await a_post(ada)

    async def log_out_there() -> None:
        assert (await log_out(api, there)).status_code == 204

    once_before_the_append(monkeypatch, log_out_there)
    created = await api.anonymous.post("/posts", a_draft(slug="second"), headers=bearer(here))
    there = await log_in(api, ADA)
    once_before_the_append(monkeypatch, log_out_there)
    erased = await api.anonymous.delete("/me", headers=bearer(here))

    assert created.status_code == 201
    assert erased.status_code == 204
