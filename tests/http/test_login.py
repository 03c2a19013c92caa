"""Specifies signing in: what the tokens are, who gets them, and who does not."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import bcrypt
import httpx
import msgspec
import pytest

from api.services import Services
from domain.account_decisions import Disable, Enable
from domain.stream import Role
from infra.identity.password_hashing import Verifiers
from infra.identity.passwords import CHEAP, Passwords
from tests.support.http import fields, problem
from tests.support.product import PASSWORD, Api, running_api
from tests.support.signing_in import (
    OTHER,
    applied,
    bearer,
    log_in,
    me,
    renew,
    verified,
)
from tests.support.waiting import eventually

ADA = "ada@test.example"
DAYS_30 = 30 * 24 * 3600


async def test_the_answer(api: Api) -> None:
    """200 with both tokens and their times in seconds; nobody may store it."""
    await api.account("ada", Role.AUTHOR)
    answer = await log_in(api, ADA)
    tokens = answer.json()

    assert answer.status_code == 200
    assert fields(answer).keys() == {
        "content-type",
        "cache-control",
        "ratelimit",
        "ratelimit-policy",
    }
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert tokens == {
        "token": tokens["token"],
        "tokenType": "Bearer",
        "expiresIn": 900,
        "refreshToken": tokens["refreshToken"],
        "refreshExpiresIn": DAYS_30,
    }
    assert len(tokens["refreshToken"]) == 43


async def test_the_access_token_works_for_a_quarter_of_an_hour(api: Api) -> None:
    """It speaks for the account until the last second of its time."""
    ada = await api.account("ada", Role.AUTHOR)
    session = await log_in(api, ADA)
    created = await api.anonymous.post(
        "/posts",
        {"title": "First", "content": "Text.", "category": "tech"},
        headers=bearer(session),
    )
    api.clock.at = api.clock.at.replace(microsecond=0) + timedelta(seconds=899)
    in_time = await me(api, session)
    api.clock.advance()

    assert created.status_code == 201
    assert created.json()["authorId"] == str(ada.account_id)
    assert in_time.json()["id"] == str(ada.account_id)
    problem(await me(api, session), 401, "invalid_token")


async def test_each_log_in_is_a_session_of_its_own(api: Api) -> None:
    """They are listed under what the client called itself, as far as it can be shown."""
    await api.account("ada")
    asked = {"email": ADA, "password": PASSWORD}
    first = await api.anonymous.post("/login", asked, headers={"User-Agent": "one/1.0"})
    second = await api.anonymous.post(
        "/login", asked, headers=[(b"User-Agent", b"tw\xc3\xb6\x09" + b"x" * 300)]
    )
    listed = (await api.anonymous.get("/me/sessions", headers=bearer(first))).json()["items"]
    clients = [session["client"] for session in listed]

    assert first.json()["refreshToken"] != second.json()["refreshToken"]
    assert "one/1.0" in clients
    assert any(len(client) == 200 and client.isprintable() for client in clients)


@pytest.mark.parametrize("email", ["nobody@test.example", ADA])
async def test_who_cannot_prove_who_they_are(api: Api, email: str) -> None:
    """401 with a challenge, the same for an unknown address as for a wrong password."""
    await api.account("ada")
    answer = await log_in(api, email, OTHER)

    assert (
        "No account has this address and this password"
        in (problem(answer, 401, "invalid_credentials")["detail"])
    )
    assert answer.headers["www-authenticate"] == 'Bearer realm="api"'
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("email", ["ADA@Test.Example", " ada@test.example ", "Ada@test.example"])
async def test_addresses_are_compared_as_they_were_claimed(api: Api, email: str) -> None:
    """Case and spaces around an address make no difference."""
    ada = await api.account("ada")
    session = await log_in(api, email)

    assert (await me(api, session)).json()["id"] == str(ada.account_id)


@pytest.mark.parametrize(
    ("chosen", "typed"),
    [
        ("cafe\u0301 de flore, minuit", "caf\u00e9 de flore, minuit"),
        ("\u1112\u1161\u11ab\u1100\u1173\u11af 나라 마음", "\ud55c\uae00 나라 마음"),
    ],
    ids=["latin", "hangul"],
)
async def test_a_password_typed_on_another_keyboard(api: Api, chosen: str, typed: str) -> None:
    """Composed and decomposed characters are one password, in both directions."""
    await verified(api, await applied(api, "one@test.example", chosen))
    await verified(api, await applied(api, "two@test.example", typed))

    assert (await log_in(api, "one@test.example", typed)).status_code == 200
    assert (await log_in(api, "two@test.example", chosen)).status_code == 200


async def test_a_disabled_account_is_told_to_whoever_has_its_password(api: Api) -> None:
    """403 only after the password proved right; anybody else learns nothing."""
    ada = await api.account("ada")
    await api.change_account(ada, Disable())
    wrong, right = await log_in(api, ADA, OTHER), await log_in(api, ADA)
    await api.change_account(ada, Enable())

    problem(wrong, 401, "invalid_credentials")
    problem(right, 403, "account_disabled")
    assert (await log_in(api, ADA)).status_code == 200


async def test_an_imported_hash_is_replaced_at_the_first_log_in(api: Api) -> None:
    """A bcrypt hash fits the password's first 72 bytes; afterwards all of them count."""
    ada = await api.account("ada")
    password = f"{PASSWORD}, " * 4
    old = bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(4)).decode()
    await api.product.password_hashes.set(ada.account_id, old)

    problem(await log_in(api, ADA, password[:71]), 401, "invalid_credentials")
    assert await api.product.password_hashes.of(ada.account_id) == old
    assert (await log_in(api, ADA, password)).status_code == 200
    new = await api.product.password_hashes.of(ada.account_id)
    assert new is not None
    assert new.startswith("$argon2id$")
    assert (await log_in(api, ADA, password)).status_code == 200
    problem(await log_in(api, ADA, password[:72]), 401, "invalid_credentials")


async def test_a_session_from_before_an_account_was_disabled_stays_over(api: Api) -> None:
    """Enabling it again brings none back."""
    ada = await api.account("ada")
    session = await log_in(api, ADA)
    await api.change_account(ada, Disable())
    while_disabled = await me(api, session)
    await api.change_account(ada, Enable())

    problem(while_disabled, 401, "invalid_token")
    problem(await me(api, session), 401, "invalid_token")
    problem(await renew(api, session), 401, "invalid_refresh_token")


class Gate(Verifiers):
    """Verifies once a test lets it, and tells how many wait."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.waiting = 0

    def argon2id(self, stored: str, password: bytes) -> bool | None:
        """Wait, then verify."""
        self.waiting += 1
        assert self.open.wait(30)
        return super().argon2id(stored, password)


@asynccontextmanager
async def gated(database_url: str, redis_url: str) -> AsyncIterator[tuple[Api, Gate]]:
    """Serve the product with one thread for passwords, one more that may wait, and a gate."""
    gate = Gate()
    passwords = Passwords(CHEAP, threads=1, queue_for_each_thread=1, verifiers=gate)

    def alter(services: Services) -> Services:
        identity = msgspec.structs.replace(services.identity, passwords=passwords)
        return msgspec.structs.replace(services, identity=identity)

    try:
        async with running_api(database_url, redis_url=redis_url, alter=alter) as api:
            yield api, gate
    finally:
        gate.open.set()
        passwords.close()


async def _begun(gate: Gate, api: Api, count: int) -> list[asyncio.Task[httpx.Response]]:
    tasks = [asyncio.create_task(log_in(api, "author@test.example")) for _ in range(count)]

    async def waits() -> bool:
        return gate.waiting > 0

    assert await eventually(waits)
    return tasks


async def test_more_than_can_wait(database_url: str, redis_url: str) -> None:
    """503 at once to whoever finds the queue full, while reads go on; the others are let in."""
    async with gated(database_url, redis_url) as (api, gate):
        tasks = await _begun(gate, api, 4)
        refused, waiting = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        while len(refused) < 2:
            more, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            refused |= more
        alive = await api.anonymous.get("/posts")
        gate.open.set()
        let_in = await asyncio.gather(*waiting)

    assert alive.status_code == 200
    for task in refused:
        problem(task.result(), 503, "overloaded")
        assert task.result().headers["retry-after"] == "1"
    assert [answer.status_code for answer in let_in] == [200, 200]


async def test_what_ends_sessions_ends_those_that_are_about_to_begin(
    database_url: str, redis_url: str
) -> None:
    """Whoever is disabled, or logs out everywhere, while a password is compared, stays out."""
    async with gated(database_url, redis_url) as (api, gate):
        [disabled] = await _begun(gate, api, 1)
        await api.change_account(api.author, Disable())
        await api.change_account(api.author, Enable())
        gate.open.set()
        session = await disabled

        problem(await me(api, session), 401, "invalid_token")
        problem(await renew(api, session), 401, "invalid_refresh_token")
