"""Specifies the second factor over HTTP: setting it up, signing in with it, removing it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import msgspec
import pyotp
import pytest

from domain.stream import Role
from tests.support.http import Client, fields, problem
from tests.support.product import NO_REDIS, PASSWORD, Api, running_api

STEP = timedelta(seconds=30)
BEGIN = "/me/second-factor"
CONFIRM = "/me/second-factor/confirm"
REMOVE = "/me/second-factor/remove"


async def begun(client: Client) -> pyotp.TOTP:
    """Begin a second factor, and tell an authenticator its secret."""
    answer = await client.post(BEGIN, {"password": PASSWORD})
    assert answer.status_code == 200, answer.text
    return pyotp.TOTP(answer.json()["secret"])


async def enabled(api: Api, client: Client) -> tuple[pyotp.TOTP, list[str]]:
    """Set one up, with the code of the step before this one; give the recovery codes too."""
    authenticator = await begun(client)
    code = authenticator.at(api.clock.now() - STEP)
    answer = await client.post(CONFIRM, {"code": code})
    assert answer.status_code == 200, answer.text
    recovery: list[str] = answer.json()["recoveryCodes"]
    return authenticator, recovery


async def log_in(api: Api, name: str, code: str | None = None) -> httpx.Response:
    """Sign in with the right password."""
    members = {"email": f"{name}@test.example", "password": PASSWORD}
    return await api.anonymous.post("/login", members if code is None else members | {"code": code})


def bearer(answer: httpx.Response) -> dict[str, str]:
    """Make the field that shows the token of an answer."""
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.json()['token']}"}


async def test_confirmed_by_several_at_once(api: Api) -> None:
    """One is told the recovery codes, and the others that there is nothing to confirm any more."""
    ada = await api.account("ada")
    code = (await begun(ada)).at(api.clock.now())
    answers = await asyncio.gather(*(ada.post(CONFIRM, {"code": code}) for _ in range(4)))
    first, *others = sorted(answers, key=lambda answer: answer.status_code)

    assert first.status_code == 200
    assert "recoveryCodes" in first.json()
    assert [each.status_code for each in others] == [409] * 3


async def test_the_whole_way(api: Api) -> None:
    """Set up, confirmed, asked for at each log-in, removed, asked for no more."""
    ada = await api.account("ada", Role.AUTHOR)
    authenticator, recovery = await enabled(api, ada)
    code = authenticator.at(api.clock.now())

    problem(await log_in(api, "ada"), 401, "second_factor_required")
    problem(await log_in(api, "ada", "000000"), 401, "invalid_code")
    with_code = bearer(await log_in(api, "ada", f"{code[:3]} {code[3:]}"))
    problem(await log_in(api, "ada", code), 401, "invalid_code")
    bearer(await log_in(api, "ada", recovery[0]))
    sessions = (await api.anonymous.get("/me/sessions", headers=with_code)).json()["items"]
    assert [session["secondFactor"] for session in sessions] == [True] * 3
    api.clock.advance(STEP)
    removal = {"password": PASSWORD, "code": authenticator.at(api.clock.now())}
    assert (await ada.post(REMOVE, removal)).status_code == 204
    assert (await ada.get("/me")).json()["secondFactor"] is False
    problem(await api.anonymous.get("/me", headers=with_code), 401, "invalid_token")
    bearer(await log_in(api, "ada"))


async def test_answers(api: Api) -> None:
    """What is shown once has exactly these members, and nobody may store it."""
    ada = await api.account("ada", Role.AUTHOR)
    first = await ada.post(BEGIN, {"password": PASSWORD})
    authenticator = pyotp.TOTP(first.json()["secret"])
    second = await ada.post(CONFIRM, {"code": authenticator.at(api.clock.now())})

    assert first.json().keys() == {"secret", "otpauthUri"}
    assert first.json()["otpauthUri"].startswith("otpauth://totp/Ledgerpress:ada%40test.example?")
    assert second.json().keys() == {"recoveryCodes"}
    assert len(set(second.json()["recoveryCodes"])) == 10
    for answer in (first, second):
        assert fields(answer).keys() == {
            "content-type",
            "cache-control",
            "ratelimit",
            "ratelimit-policy",
        }
        assert answer.headers["cache-control"] == "no-store"


async def test_refused(api: Api) -> None:
    """Nothing to confirm, a wrong password or code, and one that is there already."""
    ada = await api.account("ada", Role.AUTHOR)
    eve = await api.account("eve", Role.AUTHOR)

    problem(await ada.post(BEGIN, {"password": "another password"}), 403, "wrong_password")
    problem(await ada.post(CONFIRM, {"code": "123456"}), 409, "second_factor_absent")
    authenticator = await begun(ada)
    problem(await ada.post(CONFIRM, {"code": "000000"}), 403, "wrong_code")
    answer = await ada.post(CONFIRM, {"code": authenticator.at(api.clock.now())})
    assert answer.status_code == 200
    problem(await ada.post(BEGIN, {"password": PASSWORD}), 429, "too_many_attempts")
    authenticator, _ = await enabled(api, eve)
    problem(await eve.post(BEGIN, {"password": PASSWORD}), 409, "second_factor_present")
    problem(await eve.post(CONFIRM, {"code": "123456"}), 409, "second_factor_present")
    wrong = {"password": PASSWORD, "code": "000000"}
    problem(await eve.post(REMOVE, wrong), 403, "wrong_code")


async def test_guessing(api: Api) -> None:
    """Five attempts a minute, for each account, whatever they are and however they end."""
    ada = await api.account("ada", Role.AUTHOR)
    await begun(ada)
    refusals = [await ada.post(CONFIRM, {"code": f"{n:06}"}) for n in range(5)]

    assert [answer.status_code for answer in refusals] == [403] * 4 + [429]
    members = problem(refusals[-1], 429, "too_many_attempts")
    assert members["status"] == 429
    assert 0 < int(refusals[-1].headers["retry-after"]) <= 12
    assert (await api.author.post(BEGIN, {"password": PASSWORD})).status_code == 200


@pytest.mark.parametrize("path", [BEGIN, CONFIRM, REMOVE])
async def test_bodies(api: Api, path: str) -> None:
    """What is no body for this is 400, before anything is counted."""
    good = {BEGIN: {"password": PASSWORD}, CONFIRM: {"code": "123456"}}
    body = good.get(path, {"password": PASSWORD, "code": "123456"})
    last = [*body][-1]
    wrong: list[dict[str, object]] = [
        {},
        {**body, "more": 1},
        {**body, last: ""},
        {**body, last: None},
        {**body, last: 123456},
        {**body, last: "12345\0"},
    ]

    for each in wrong:
        members = problem(await api.author.post(path, each), 400, "invalid_body")
        assert "correct horse" not in members["detail"]


ODD = (
    "0",
    "-12345",
    "\uff11\uff12\uff13\uff14\uff15\uff16",
    "\u0661\u0662\u0663\u0664\u0665\u0666",
    "é" * 6,
    "a" * 64,
    "' or 1=1",
    "12345\n",
)


async def test_odd_codes(api: Api) -> None:
    """A text that is no code is a wrong code."""
    ada = await api.account("ada", Role.AUTHOR)
    await enabled(api, ada)
    limiter = api.services.identity.limiter
    for odd in ODD:
        removal = {"password": PASSWORD, "code": odd}
        problem(await log_in(api, "ada", odd), 401, "invalid_code")
        problem(await ada.post(REMOVE, removal), 403, "wrong_code")
        await limiter.forget(api.product.personal_data.email_hash("ada@test.example"))
        await limiter.forget(str(ada.account_id))


@pytest.fixture
async def strict(database_url: str, redis_url: str) -> AsyncIterator[Api]:
    """Serve the product as production does: roles with power want a second factor."""
    async with running_api(
        database_url,
        redis_url=redis_url,
        alter=lambda services: msgspec.structs.replace(services, second_factor_enforced=True),
    ) as api:
        yield api


async def test_enforced(strict: Api) -> None:
    """An admin is one only in a session in which a code was shown, and cannot be without."""
    admin = strict.admin

    problem(await admin.get("/users"), 403, "forbidden")
    authenticator, _ = await enabled(strict, admin)
    assert (await admin.get("/users")).status_code == 200
    strict.clock.advance(STEP)
    code = authenticator.at(strict.clock.now())
    removal = {"password": PASSWORD, "code": code}
    problem(await admin.post(REMOVE, removal), 409, "second_factor_enforced")
    token = bearer(await log_in(strict, "admin", code))
    assert (await strict.anonymous.get("/users", headers=token)).status_code == 200
    other = await strict.client(admin.account_id)
    problem(await other.get("/users"), 403, "forbidden")


async def test_enforced_for_power_alone(strict: Api) -> None:
    """Authors are free to have one or not."""
    authenticator, _ = await enabled(strict, strict.author)
    strict.clock.advance(STEP)
    removal = {"password": PASSWORD, "code": authenticator.at(strict.clock.now())}

    assert (await strict.author.post(REMOVE, removal)).status_code == 204


async def test_nobody_can_count(database_url: str) -> None:
    """Without Redis nothing can be tried: neither a password nor a code."""
    async with running_api(database_url, redis_url=NO_REDIS) as api:
        for path, body in ((BEGIN, {"password": PASSWORD}), (CONFIRM, {"code": "123456"})):
            answer = await api.author.post(path, body)
            problem(answer, 429, "rate_limiter_unavailable")
            assert answer.headers["retry-after"] == "30"
