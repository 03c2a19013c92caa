"""Attempts to sign in, timed as a client times them, at the product and at the faulty login.

Both are served on loopback in this process, with the hashing of production, on the same accounts,
and with limits that nobody reaches. One attempt is made at a time.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import bcrypt
import httpx
import msgspec
from litestar import Litestar, Request, Response, post

from api.services import Services
from domain.account_decisions import Disable
from infra.http_server.run import serve
from infra.identity.limits import redis_limiter
from infra.identity.passwords import STRONG, Passwords
from infra.redis_calls import RedisCalls
from tests.support.buggy_login import BuggyLogin
from tests.support.http import DEADLINE
from tests.support.product import PASSWORD, Api, running_api
from tests.support.signing_in import OTHER, generous

ADDRESSES = 5
"""Of each kind, taken in turn: neither a new one each time nor always the same."""
BCRYPT_COST = 10

UNKNOWN = "unknown address"
ARGON2ID = "wrong password, argon2id"
KINDS = {
    UNKNOWN: "nobody",
    ARGON2ID: "argon2",
    "wrong password, bcrypt": "bcrypt",
    "malformed hash": "broken",
    "disabled, wrong password": "banned",
}
"""The kinds of attempt that shall look alike, and how their addresses begin."""


class Logins(msgspec.Struct, frozen=True):
    """Clients of two servers that have the same accounts."""

    product: httpx.AsyncClient
    faulty: httpx.AsyncClient


@asynccontextmanager
async def logins(database_url: str, redis_url: str) -> AsyncIterator[Logins]:
    """Serve both, with accounts of every kind."""
    async with AsyncExitStack() as stack:
        limiter = await stack.enter_async_context(
            redis_limiter(redis_url, key=b"l" * 32, rules=generous())
        )
        passwords = Passwords(STRONG)
        stack.callback(passwords.close)

        def alter(services: Services) -> Services:
            identity = msgspec.structs.replace(
                services.identity, passwords=passwords, limiter=limiter
            )
            return msgspec.structs.replace(services, identity=identity)

        api = await stack.enter_async_context(
            running_api(database_url, redis_url=redis_url, alter=alter)
        )
        await _make_accounts(api, passwords)
        faulty = await stack.enter_async_context(_served(api, redis_url))
        yield Logins(
            product=await stack.enter_async_context(_client(api.address)),
            faulty=await stack.enter_async_context(_client(faulty)),
        )


async def timed_blocks(
    http: httpx.AsyncClient, kinds: Mapping[str, int], blocks: int, chance: random.Random
) -> dict[str, list[float]]:
    """Make one attempt of each kind in each block, in random order; give their seconds.

    `kinds` says with which status each is answered.
    """
    times: dict[str, list[float]] = {kind: [] for kind in kinds}
    for block in range(blocks):
        for kind in chance.sample(list(kinds), len(kinds)):
            body = {"email": _address(kind, block), "password": OTHER}
            begun = time.perf_counter()
            answer = await http.post("/login", json=body)
            times[kind].append(time.perf_counter() - begun)
            assert answer.status_code == kinds[kind], f"{kind}: {answer.text}"
    return times


async def _make_accounts(api: Api, passwords: Passwords) -> None:
    right = PASSWORD.encode()
    argon2id = await passwords.hash(right)
    assert isinstance(argon2id, str)
    salt = bcrypt.gensalt(BCRYPT_COST)
    hashes: dict[str, Sequence[str]] = {
        "argon2": [argon2id],
        "bcrypt": [bcrypt.hashpw(right, salt).decode()],
        "broken": [argon2id[:-9], argon2id.replace("$m=", "$n="), f"{salt.decode()}short", "x"],
        "banned": [argon2id],
    }
    for kind, beginning in KINDS.items():
        for number in range(ADDRESSES) if beginning in hashes else ():
            client = await api.account(_address(kind, number).partition("@")[0])
            stored = hashes[beginning][number % len(hashes[beginning])]
            await api.product.password_hashes.set(client.account_id, stored)
            if beginning == "banned":
                await api.change_account(client, Disable())


def _address(kind: str, number: int) -> str:
    return f"{KINDS[kind]}-{number % ADDRESSES}@test.example"


def _client(address: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=address, timeout=DEADLINE)


@asynccontextmanager
async def _served(api: Api, redis_url: str) -> AsyncIterator[str]:
    """Serve the guide's faulty login and give its address."""
    calls = RedisCalls(redis_url)
    identity, email_hash = api.services.identity, api.product.personal_data.email_hash
    attempt = BuggyLogin(identity.credentials, email_hash, identity.passwords, calls)

    @post("/login")
    async def login(request: Request[Any, Any, Any]) -> Response[bytes]:
        asked = await request.json()
        answer = await attempt(asked["email"], asked["password"])
        return Response(answer.body, status_code=answer.status)

    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()
    application = Litestar([login], openapi_config=None)
    serving = asyncio.create_task(serve(application, stop=stop, on_ready=ready.set_result))
    try:
        async with asyncio.timeout(DEADLINE):
            address = await ready
        yield address
    finally:
        stop.set()
        await serving
        await calls.close()
