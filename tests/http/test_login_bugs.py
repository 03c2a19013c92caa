"""Shows the four bugs of the guide's first login to be fixed (Guide 2).

Each is a check that holds for the product, and fails for the faulty login in
tests/support/buggy_login.py: a check that could not fail would show nothing.
"""

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import bcrypt
import pytest
from structlog.testing import capture_logs

from domain.account_decisions import Disable
from infra.identity.passwords import CHEAP
from infra.redis_calls import RedisCalls
from tests.support.buggy_login import BuggyLogin, Login, LoginAnswer
from tests.support.operations import Operation, Operations
from tests.support.product import NO_REDIS, PASSWORD, Api, running_api
from tests.support.signing_in import OTHER, applied, log_in

WORK = CHEAP.memory_cost * CHEAP.time_cost
LOWER, HIGHEST = 4, 6
"""Costs of the bcrypt hashes here."""

DIFFER = {"x-request-id", "date", "ratelimit"}
"""Fields whose values differ for any two attempts."""


def product_login(api: Api) -> Login:
    """Try at the product's own endpoint."""

    async def attempt(email: str, password: str) -> LoginAnswer:
        answer = await log_in(api, email, password)
        members = answer.json()
        request_id = members.get("requestId", "").encode()
        retry_after = answer.headers.get("retry-after")
        return LoginAnswer(
            status=answer.status_code,
            fields=tuple(
                (name, "" if name in DIFFER else value) for name, value in answer.headers.items()
            ),
            body=answer.content.replace(request_id, b"") if request_id else answer.content,
            error=members.get("error"),
            retry_after=None if retry_after is None else int(retry_after),
        )

    return attempt


@asynccontextmanager
async def buggy_login(api: Api, redis_url: str) -> AsyncIterator[Login]:
    """Try at the faulty one, on the same accounts."""
    calls = RedisCalls(redis_url)
    identity, email_hash = api.services.identity, api.product.personal_data.email_hash
    try:
        yield BuggyLogin(identity.credentials, email_hash, identity.passwords, calls)
    finally:
        await calls.close()


async def every_kind(api: Api) -> dict[str, tuple[str, str]]:
    """Give an address and a wrong password of every kind that shall look alike."""
    accounts = {
        name: await api.account(name)
        for name in ("ada", "damaged", "hashless", "erased", "disabled", "careful")
    }
    ids = {name: client.account_id for name, client in accounts.items()}
    fetch, hashes = api.product.database.fetch, api.product.password_hashes
    whole = await hashes.of(ids["damaged"])
    assert whole is not None
    await hashes.set(ids["damaged"], whole[:-9])
    await fetch("delete from account_passwords where account_id = $1", ids["hashless"])
    assert (await accounts["erased"].delete("/me")).status_code == 204
    await api.change_account(accounts["disabled"], Disable())
    await fetch("update accounts set second_factor = true where id = $1", ids["careful"])
    await applied(api, "applicant@test.example")
    return {
        "unknown address": ("nobody@test.example", OTHER),
        "wrong password": ("ada@test.example", OTHER),
        "wrong password in other words": ("ADA@test.example", "x"),
        "no possible password": ("ada@test.example", "y" * 1025),
        "no possible password, unknown": ("nobody@test.example", "\u0301" * 5000),
        "damaged hash": ("damaged@test.example", PASSWORD),
        "account without a hash": ("hashless@test.example", PASSWORD),
        "erased account": ("erased@test.example", PASSWORD),
        "disabled account": ("disabled@test.example", OTHER),
        "account with a second factor": ("careful@test.example", OTHER),
        "applicant": ("applicant@test.example", PASSWORD),
    }


async def imported(api: Api) -> dict[str, tuple[str, str]]:
    """Give accounts with bcrypt hashes, and one whose hash is damaged."""
    costs = {"cheap": LOWER, "dear": HIGHEST, "torn": HIGHEST}
    for name, cost in costs.items():
        client = await api.account(name)
        hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(cost)).decode()
        hashed = hashed[:-5] if name == "torn" else hashed
        await api.product.password_hashes.set(client.account_id, hashed)
    return {
        "imported": ("cheap@test.example", OTHER),
        "imported, dear": ("dear@test.example", OTHER),
        "imported, damaged": ("torn@test.example", PASSWORD),
    }


Attempts = Mapping[str, tuple[str, str]]


async def same_answers(login: Login, attempts: Attempts) -> LoginAnswer:
    """Require that no answer tells one kind of attempt from another, and give it."""
    answers = {kind: await login(*attempt) for kind, attempt in attempts.items()}

    assert len(set(answers.values())) == 1, f"answers tell accounts apart: {answers}"
    return answers["unknown address"]


async def same_work(login: Login, attempts: Attempts, operations: Operations) -> list[Operation]:
    """Require the same operations in the same order for each, and give them."""
    traces = {}
    operations.taken()
    for kind, attempt in attempts.items():
        await login(*attempt)
        traces[kind] = operations.taken()
    [one, *others] = traces.values()

    assert all(other == one for other in others), f"work tells accounts apart: {traces}"
    return one


async def closed_without_redis(login: Login, email: str) -> None:
    """Require that nobody gets in, nor learns anything, while attempts cannot be counted."""
    for password in (PASSWORD, OTHER):
        answer = await login(email, password)

        assert answer.status == 429, f"open without Redis: {answer}"
        assert (answer.error, answer.retry_after) == ("rate_limiter_unavailable", 30)


async def silent(login: Login, email: str, caplog: pytest.LogCaptureFixture) -> None:
    """Require that no logger is given a password, whatever a later redaction would make of it."""
    with capture_logs() as entries, caplog.at_level(logging.DEBUG):
        await login(email, PASSWORD)
        await login(email, OTHER)
    said = f"{entries} {[(record.msg, record.args) for record in caplog.records]}"

    assert PASSWORD not in said, "a password in the log"
    assert OTHER not in said, "a password in the log"


async def test_no_answer_tells_who_has_an_account(api: Api, redis_url: str) -> None:
    """Bug 1: one status, the same fields and bytes, whatever is wrong."""
    attempts = await every_kind(api) | await imported(api)
    answer = await same_answers(product_login(api), attempts)

    assert (answer.status, answer.error) == (401, "invalid_credentials")
    assert dict(answer.fields)["www-authenticate"] == 'Bearer realm="api"'
    async with buggy_login(api, redis_url) as buggy:
        with pytest.raises(AssertionError, match="answers tell accounts apart"):
            await same_answers(buggy, attempts)


async def test_no_work_tells_who_has_an_account(
    api: Api, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bug 2: one count, one look-up, one argon2id verification, whatever is wrong."""
    attempts = await every_kind(api)
    operations = Operations(monkeypatch)
    done = await same_work(product_login(api), attempts, operations)

    assert done == [
        ("redis EVAL", 1),
        ("query credentials_by_email", 1),
        ("connection", 1),
        ("argon2id", WORK),
    ]
    async with buggy_login(api, redis_url) as buggy:
        with pytest.raises(AssertionError, match="work tells accounts apart"):
            await same_work(buggy, attempts, operations)


async def test_no_work_tells_who_was_imported(
    api: Api, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bug 2: while there are bcrypt hashes, every attempt takes the time of the dearest as well."""
    attempts = await every_kind(api) | await imported(api)
    operations = Operations(monkeypatch)
    done = await same_work(product_login(api), attempts, operations)

    assert done == [
        ("redis EVAL", 1),
        ("query credentials_by_email", 1),
        ("connection", 1),
        ("argon2id", WORK),
        ("bcrypt", 2**HIGHEST),
    ]
    async with buggy_login(api, redis_url) as buggy:
        with pytest.raises(AssertionError, match="work tells accounts apart"):
            await same_work(buggy, attempts, operations)


async def test_after_the_last_import_was_replaced_nobody_pays_for_it(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second verification is gone as soon as no bcrypt hash is left."""
    attempts = {"unknown address": ("nobody@test.example", OTHER)}
    operations = Operations(monkeypatch)
    await imported(api)
    before = await same_work(product_login(api), attempts, operations)
    for name in ("cheap", "dear"):
        assert (await log_in(api, f"{name}@test.example")).status_code == 200
    await api.product.database.fetch("delete from account_passwords where hash like '$2b$%'")
    after = await same_work(product_login(api), attempts, operations)

    assert before[-1] == ("bcrypt", 2**HIGHEST)
    assert after == before[:-1]


async def test_nobody_gets_in_while_attempts_cannot_be_counted(database_url: str) -> None:
    """Bug 3: 429 and half a minute, also for the right password."""
    email = "author@test.example"
    async with running_api(database_url, redis_url=NO_REDIS) as api:
        await closed_without_redis(product_login(api), email)
        async with buggy_login(api, NO_REDIS) as buggy:
            with pytest.raises(AssertionError, match="open without Redis"):
                await closed_without_redis(buggy, email)


async def test_no_password_reaches_a_logger(
    api: Api, redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Bug 4: not even one that is told to hide it."""
    await api.account("ada")
    await silent(product_login(api), "ada@test.example", caplog)

    async with buggy_login(api, redis_url) as buggy:
        with pytest.raises(AssertionError, match="a password in the log"):
            await silent(buggy, "ada@test.example", caplog)
