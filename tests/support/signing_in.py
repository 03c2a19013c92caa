"""What tests about accounts send again and again, and the product with other limits."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx
import msgspec

from api.services import Services
from commands.limits import RULES, Quota, Rule
from infra.identity.limits import RedisLimiter
from infra.redis_calls import RedisCalls
from tests.support.mail import token_in
from tests.support.product import PASSWORD, Api, running_api

GOOD = "lantern gravel sixteen otters"
"""A password that somebody may choose."""
OTHER = "walnut orbit canvas seventeen"

_MANY = 1_000_000


async def log_in(api: Api, email: str, password: str = PASSWORD) -> httpx.Response:
    """Try to begin a session."""
    return await api.anonymous.post("/login", {"email": email, "password": password})


async def renew(api: Api, tokens: httpx.Response | str) -> httpx.Response:
    """Show a refresh token, as it is or that of an answer."""
    token = tokens if isinstance(tokens, str) else tokens.json()["refreshToken"]
    return await api.anonymous.post("/token/refresh", {"refreshToken": token})


async def me(api: Api, tokens: httpx.Response) -> httpx.Response:
    """Ask who one is, with the access token of an answer."""
    return await api.anonymous.get("/me", headers=bearer(tokens))


def bearer(answer: httpx.Response) -> dict[str, str]:
    """Make the field that shows the access token of an answer."""
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.json()['token']}"}


async def applied(api: Api, email: str, password: str = GOOD) -> str:
    """Register, and give the token from the message."""
    answer = await api.anonymous.post("/register", {"email": email, "password": password})
    assert answer.status_code == 202, answer.text
    [mail] = await api.mails()
    return token_in(mail.text)


async def verified(api: Api, token: str) -> httpx.Response:
    """Show the token from a message."""
    return await api.anonymous.post("/register/verify", {"token": token})


async def reset_token(api: Api, email: str) -> str:
    """Forget the password of an account, and give the token from the message."""
    answer = await api.anonymous.post("/password/forgot", {"email": email})
    assert answer.status_code == 202, answer.text
    return token_in((await api.mails())[-1].text)


async def reset(api: Api, token: str, password: str = GOOD) -> httpx.Response:
    """Set another password."""
    return await api.anonymous.post("/password/reset", {"token": token, "password": password})


def without(answer: httpx.Response, *names: str) -> dict[str, str]:
    """Give all header fields but those that differ for any two answers, and these."""
    apart = {"x-request-id", "date", *names}
    return {name: value for name, value in answer.headers.items() if name not in apart}


async def send_ascii(api: Api, path: str, body: Mapping[str, object]) -> httpx.Response:
    """Send JSON of ASCII characters, so that also what is no text can be written."""
    content = json.dumps(body).encode()
    return await api.anonymous.send("POST", path, content, content_type="application/json")


def same(one: httpx.Response, other: httpx.Response) -> bool:
    """Tell whether two answers are the same, but for request id and count."""

    def shown(answer: httpx.Response) -> object:
        members = answer.json()
        return answer.status_code, without(answer, "ratelimit"), members | {"requestId": ""}

    return shown(one) == shown(other)


@asynccontextmanager
async def api_with_rules(
    database_url: str, redis_url: str, rules: dict[str, Rule], **changes: object
) -> AsyncIterator[Api]:
    """Serve the product with other limits for what may be tried; `changes` are of the services."""
    calls = RedisCalls(redis_url)

    def alter(services: Services) -> Services:
        limiter = RedisLimiter(calls, key=b"l" * 32, rules={**RULES, **rules})
        identity = msgspec.structs.replace(services.identity, limiter=limiter)
        return msgspec.structs.replace(services, identity=identity, **changes)

    try:
        async with running_api(database_url, redis_url=redis_url, alter=alter) as api:
            yield api
    finally:
        await calls.close()


def generous() -> dict[str, Rule]:
    """Give limits that no test reaches, under the names of the real ones."""

    def much(quota: Quota | None) -> Quota | None:
        return None if quota is None else msgspec.structs.replace(quota, limit=_MANY)

    return {
        name: Rule(much(rule.account), much(rule.account_and_network), much(rule.network))
        for name, rule in RULES.items()
    }
