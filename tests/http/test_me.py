"""Specifies one's own account: to see it, and to change its password knowing the present one."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import msgspec
import pytest

from commands.accounts import Registration, register
from commands.handle import Caller
from commands.identity import Busy
from domain.account_decisions import ChangeRoles, Disable
from domain.stream import Role
from tests.support.http import Client, fields, problem
from tests.support.posts import a_draft
from tests.support.product import NO_REDIS, PASSWORD, START, Api, running_api
from tests.support.signing_in import GOOD, OTHER, bearer, log_in, me, renew

ADA = "ada@test.example"
CHANGE = {"currentPassword": PASSWORD, "newPassword": OTHER}
POLICY = '"password-account";q=5;w=60'


async def change(client: Client, body: Any = CHANGE, **headers: str) -> httpx.Response:  # noqa: ANN401 - whatever is sent
    """Ask for another password."""
    return await client.send("PUT", "/me/password", body, headers=headers)


async def somebody(api: Api, email: str, name: str | None, *roles: Role) -> Client:
    """Register somebody with a name."""
    hashed = await api.product.passwords.hash(PASSWORD.encode())
    assert not isinstance(hashed, Busy)
    person = Registration(
        account_id=api.product.ledger.new_id(),
        email=email,
        name=name,
        roles=frozenset(roles),
        password_hash=hashed,
    )
    await register(api.product.accounts, Caller(None, api.clock.now(), "Test"), person)
    return await api.client(person.account_id)


async def test_one_s_own_account(api: Api) -> None:
    """Address and name as they were given, the roles, and the session that asks."""
    ada = await somebody(api, "Ada.Byron@Test.Example", "Ada \N{SNOWMAN}", Role.ADMIN, Role.AUTHOR)
    answer = await ada.get("/me")
    body = answer.json()
    (session,) = await api.product.sessions.store.alive(ada.account_id, api.clock.now())

    assert answer.status_code == 200
    assert fields(answer) == {
        "content-type": "application/json",
        "cache-control": "no-store",
        "vary": "Accept, Authorization",
    }
    assert body == {
        "id": str(ada.account_id),
        "email": "Ada.Byron@Test.Example",
        "name": "Ada \N{SNOWMAN}",
        "roles": ["admin", "author"],
        "withheldRoles": [],
        "secondFactor": False,
        "session": str(session.id),
        "posts": {},
        "createdAt": "2026-03-01T09:00:00.123456Z",
        "version": 1,
    }


async def test_without_name_and_roles(api: Api) -> None:
    """Null and nothing."""
    body = (await (await somebody(api, "plain@test.example", None)).get("/me")).json()

    assert (body["name"], body["roles"]) == (None, [])


async def test_it_is_as_it_stands(api: Api) -> None:
    """A role that was given or taken shows in the next answer."""
    ada = await api.account("ada", Role.AUTHOR)
    await api.change_account(ada, ChangeRoles(frozenset({Role.OPERATOR, Role.AUDITOR})))
    body = (await ada.get("/me")).json()

    assert (body["roles"], body["version"]) == (["auditor", "operator"], 2)


async def test_withheld_roles(database_url: str) -> None:
    """Where a second factor is enforced, roles with power do not count before one is shown."""
    async with running_api(
        database_url,
        alter=lambda services: msgspec.structs.replace(services, second_factor_enforced=True),
    ) as api:
        several = await api.account("several", *Role)
        author = await api.author.get("/me")
        body = (await several.get("/me")).json()

        assert author.json()["withheldRoles"] == []
        assert body["roles"] == ["admin", "auditor", "author", "operator"]
        assert body["withheldRoles"] == ["admin", "auditor", "operator"]
        problem(await several.get("/users"), 403, "forbidden")
        assert (await several.post("/posts", a_draft())).status_code == 201


async def test_what_reading_does_not_take(api: Api) -> None:
    """401 before all else, then 400 for parameters, 406 for what is not JSON."""
    html = {"Accept": "text/html"}

    problem(await api.anonymous.get("/me?x=1", headers=html), 401, "unauthenticated")
    problem(await api.author.get("/me?x=1", headers=html), 400, "bad_parameter")
    problem(await api.author.get("/me", headers=html), 406, "not_acceptable")
    assert (await api.author.head("/me")).headers["cache-control"] == "no-store"


async def test_another_password(api: Api) -> None:
    """204; it opens the account, the old one does not, and the owner is told by message."""
    ada = await api.account("ada")
    before = await api.events()
    answer = await change(ada)
    [mail] = await api.mails()

    assert answer.status_code == 204
    assert fields(answer) == {
        "ratelimit-policy": POLICY,
        "ratelimit": '"password-account";r=4;t=12',
    }
    assert await api.events() == before + 1
    assert (mail.to, mail.subject) == (ADA, "Your password was changed")
    assert OTHER not in mail.text
    problem(await log_in(api, ADA), 401, "invalid_credentials")
    assert (await log_in(api, ADA, OTHER)).status_code == 200


async def test_the_session_that_changes_it_goes_on(api: Api) -> None:
    """With the access and the refresh token that it has; all others are over at once."""
    await api.account("ada")
    here, there = await log_in(api, ADA), await log_in(api, ADA)
    assert (await me(api, there)).status_code == 200
    changed = await api.anonymous.send("PUT", "/me/password", CHANGE, headers=bearer(here))
    late = await api.anonymous.post("/posts", a_draft(), headers=bearer(there))

    assert changed.status_code == 204
    problem(late, 401, "invalid_token")
    problem(await me(api, there), 401, "invalid_token")
    problem(await renew(api, there), 401, "invalid_refresh_token")
    assert (await me(api, here)).status_code == 200
    assert (await renew(api, here)).status_code == 200


async def test_the_wrong_present_password(api: Api) -> None:
    """403, and nothing has changed; the session goes on."""
    ada = await api.account("ada")
    before = await api.events()
    answer = await change(ada, {"currentPassword": GOOD, "newPassword": OTHER})

    problem(answer, 403, "wrong_password")
    assert await api.events() == before
    assert (await ada.get("/me")).status_code == 200
    assert (await log_in(api, ADA)).status_code == 200


@pytest.mark.parametrize(
    ("password", "error"),
    [
        ("short", "password_length"),
        ("a" * 1025, "password_length"),
        ("password1", "password_too_weak"),
        (ADA, "password_too_weak"),
    ],
)
async def test_a_bad_new_password(api: Api, password: str, error: str) -> None:
    """422 that names the member, but only for somebody who knows the present one."""
    ada = await api.account("ada")
    right = await change(ada, {"currentPassword": PASSWORD, "newPassword": password})
    wrong = await change(ada, {"currentPassword": GOOD, "newPassword": password})

    assert problem(right, 422, error)["member"] == "newPassword"
    problem(wrong, 403, "wrong_password")
    assert (await log_in(api, ADA)).status_code == 200


@pytest.mark.parametrize(
    ("body", "kind", "status", "error"),
    [
        ({"currentPassword": PASSWORD}, None, 400, "invalid_body"),
        (CHANGE | {"name": "x"}, None, 400, "invalid_body"),
        ({"currentPassword": None, "newPassword": OTHER}, None, 400, "invalid_body"),
        ({"currentPassword": "", "newPassword": OTHER}, None, 400, "invalid_body"),
        (b'{"currentPassword": "a\\ud800", "newPassword": "b"}', "json", 400, "invalid_body"),
        (b"", "json", 400, "invalid_body"),
        (b"{}", "xml", 415, "unsupported_media_type"),
    ],
)
async def test_what_cannot_be_understood(
    api: Api,
    body: Any,  # noqa: ANN401 - whatever is sent
    kind: str | None,
    status: int,
    error: str,
) -> None:
    """400 or 415; it is no attempt, so it is not counted."""
    ada = await api.account("ada")
    content_type = None if kind is None else f"application/{kind}"
    answer = await ada.send("PUT", "/me/password", body, content_type=content_type)

    problem(answer, status, error)
    assert "ratelimit" not in answer.headers
    assert (await change(ada)).headers["ratelimit"].startswith('"password-account";r=4')


async def test_it_may_be_tried_five_times_a_minute(api: Api) -> None:
    """Then 429 with the wait, also for the right password, whatever session asks; others go on."""
    ada, eve = await api.account("ada"), await api.account("eve")
    wrong = {"currentPassword": GOOD, "newPassword": OTHER}
    other_session = await api.client(ada.account_id)
    for client in (ada, other_session, ada, other_session, ada):
        problem(await change(client, wrong), 403, "wrong_password")
    answers = [await change(ada), await change(other_session)]

    for answer in answers:
        problem(answer, 429, "too_many_attempts")
        assert 0 < int(answer.headers["retry-after"]) <= 12
        assert answer.headers["ratelimit-policy"] == POLICY
    assert (await change(eve)).status_code == 204
    assert (await log_in(api, ADA)).status_code == 200


async def test_nobody_can_count(database_url: str) -> None:
    """Without Redis no password is tried, and the account can still be seen."""
    async with running_api(database_url, redis_url=NO_REDIS) as api:
        answer = await change(api.author)

        problem(answer, 429, "rate_limiter_unavailable")
        assert answer.headers["retry-after"] == "30"
        assert (await api.author.get("/me")).status_code == 200


async def test_of_two_who_change_it_at_once_one_does(api: Api) -> None:
    """The password is that of the one that succeeded, and its session is the one that goes on."""
    await api.account("ada")
    sessions = [await log_in(api, ADA) for _ in range(2)]
    wanted = [f"{GOOD} {number}" for number in range(2)]
    answers = await asyncio.gather(
        *(
            api.anonymous.send(
                "PUT",
                "/me/password",
                {"currentPassword": PASSWORD, "newPassword": new},
                headers=bearer(session),
            )
            for session, new in zip(sessions, wanted, strict=True)
        )
    )
    statuses = [answer.status_code for answer in answers]

    assert statuses.count(204) == 1
    assert set(statuses) <= {204, 401, 403, 503}
    won = statuses.index(204)
    assert (await log_in(api, ADA, wanted[won])).status_code == 200
    assert (await me(api, sessions[won])).status_code == 200
    problem(await me(api, sessions[1 - won]), 401, "invalid_token")


async def test_nobody_changes_a_password(api: Api) -> None:
    """401 without a token, with one of an account that is shut, and before the body is read."""
    ada = await api.account("ada")
    await api.change_account(ada, Disable())

    problem(await change(api.anonymous, {}), 401, "unauthenticated")
    problem(await change(ada, {}), 401, "invalid_token")


async def test_the_log_says_that_it_changed_and_nothing_of_it(api: Api) -> None:
    """Who, when and by which means."""
    ada = await api.account("ada")
    api.clock.advance(timedelta(hours=1))
    answer = await change(ada)
    entries = (await api.auditor.get(f"/streams/account/{ada.account_id}")).json()["items"]

    assert entries[-1]["data"] == {"type": "account.password-changed.v1", "by": "owner"}
    assert entries[-1]["metadata"] == {
        "command": "ChangePassword",
        "actor": str(ada.account_id),
        "requestId": answer.headers["x-request-id"],
    }
    assert entries[-1]["recordedAt"] == "2026-03-01T10:00:00.123456Z"
    assert api.clock.now() > START
