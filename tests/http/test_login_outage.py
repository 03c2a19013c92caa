"""Specifies what goes on, and what does not, while attempts cannot be counted (Guide 2, bug 3)."""

from time import monotonic

import httpx
import pytest

from tests.support.http import Client, problem
from tests.support.own_valkey import own_valkey
from tests.support.posts import a_draft
from tests.support.product import PASSWORD, Api, running_api
from tests.support.signing_in import (
    GOOD,
    OTHER,
    applied,
    log_in,
    me,
    renew,
    reset,
    reset_token,
    verified,
)
from tests.support.waiting import eventually

pytestmark = pytest.mark.usefixtures("prompt")

IN_TIME = 4.0
"""Far more than the limiter itself takes, on however busy a machine."""
AUTHOR = "author@test.example"


async def _refused(asked: httpx.Response, begun: float) -> None:
    problem(asked, 429, "rate_limiter_unavailable")
    assert asked.headers["retry-after"] == "30"
    assert not asked.headers.keys() & {"ratelimit", "ratelimit-policy"}
    assert monotonic() - begun < IN_TIME


async def _all_refused(api: Api, author: Client) -> None:
    """Whatever could be guessed, and whatever sends mail to somebody, is not even tried."""
    change = {"currentPassword": PASSWORD, "newPassword": OTHER}
    for path, body in (
        ("/login", {"email": AUTHOR, "password": PASSWORD}),
        ("/login", {"email": "nobody@test.example", "password": PASSWORD}),
        ("/register", {"email": "new@test.example", "password": GOOD}),
        ("/password/forgot", {"email": AUTHOR}),
    ):
        begun = monotonic()
        await _refused(await api.anonymous.post(path, body), begun)
    begun = monotonic()
    await _refused(await author.send("PUT", "/me/password", change), begun)
    assert not await api.mails()


@pytest.mark.timeout(60)
async def test_an_outage_of_redis(database_url: str) -> None:
    """Paused or killed, it closes the log-in alone; sessions go on, and all of it comes back."""
    async with own_valkey() as valkey, running_api(database_url, redis_url=valkey.url) as api:
        session = await log_in(api, AUTHOR)
        registering = await applied(api, "new@test.example")
        resetting = await reset_token(api, "auditor@test.example")

        valkey.pause()
        try:
            await _all_refused(api, api.author)
            session = await renew(api, session)
            assert (await me(api, session)).status_code == 200
            assert (await api.author.post("/posts", a_draft(slug="paused"))).status_code == 201
            assert (await verified(api, registering)).status_code == 201
        finally:
            valkey.resume()
        assert await _opens_again(api)

        await valkey.kill()
        await _all_refused(api, api.author)
        session = await renew(api, session)
        assert (await me(api, session)).status_code == 200
        assert (await api.author.post("/posts", a_draft(slug="killed"))).status_code == 201
        assert (await reset(api, resetting)).status_code == 204
        await valkey.start()
        assert await _opens_again(api)
        assert (await me(api, session)).status_code == 200


async def _opens_again(api: Api) -> bool:
    async def lets_in() -> bool:
        answer = await log_in(api, AUTHOR)
        return answer.status_code == 200

    return await eventually(lets_in)
