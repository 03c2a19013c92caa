"""Specifies how often something may be tried: the count, the wait, the fields that tell of them."""

import asyncio
from ipaddress import ip_network
from typing import Any

import http_sf
import httpx
import pytest

from commands.limits import RULES, Quota, Rule
from domain.account_decisions import Disable
from tests.support.http import fields, problem
from tests.support.product import PASSWORD, Api
from tests.support.signing_in import (
    GOOD,
    OTHER,
    api_with_rules,
    applied,
    log_in,
    renew,
    verified,
)

ADA = "ada@test.example"
LOGIN = RULES["login"]
HOUR = 3600


def left(answer: httpx.Response) -> dict[str, dict[str, int]]:
    """Give what RateLimit says of each quota."""
    return _parsed(answer.headers["ratelimit"])


def policy(answer: httpx.Response) -> dict[str, dict[str, int]]:
    """Give what RateLimit-Policy says of each quota."""
    return _parsed(answer.headers["ratelimit-policy"])


def _parsed(value: str) -> dict[str, dict[str, int]]:
    members: Any = http_sf.parse(value.encode(), tltype="list")
    return {name: dict(parameters) for name, parameters in members}


async def from_address(api: Api, forwarded: str, email: str = ADA) -> httpx.Response:
    """Try a wrong password with what a proxy says of the client."""
    body = {"email": email, "password": OTHER}
    return await api.anonymous.post("/login", body, headers={"X-Forwarded-For": forwarded})


async def test_a_wrong_password_six_times(api: Api) -> None:
    """The sixth is 429, with the wait that both fields agree on; so is the right password then."""
    await api.account("ada")
    wrong = [await log_in(api, ADA, OTHER) for _ in range(5)]
    sixth, right = await log_in(api, ADA, OTHER), await log_in(api, ADA)

    assert [answer.status_code for answer in wrong] == [401] * 5
    assert [left(answer)["login-account"]["r"] for answer in wrong] == [4, 3, 2, 1, 0]
    for answer in (sixth, right):
        problem(answer, 429, "too_many_attempts")
        wait = int(answer.headers["retry-after"])
        assert 1 <= wait <= 12
        assert left(answer)["login-account"] == {"r": 0, "t": wait}
        assert "www-authenticate" not in answer.headers


async def test_the_limit_is_the_same_where_there_is_no_account(api: Api) -> None:
    """Whoever tries an address that nobody has sees the same answers and the same counts."""
    await api.account("ada")
    of_ada = [await log_in(api, ADA, OTHER) for _ in range(7)]
    of_nobody = [await log_in(api, "nobody@test.example", OTHER) for _ in range(7)]

    assert [a.status_code for a in of_ada] == [a.status_code for a in of_nobody]
    assert [left(a)["login-account"]["r"] for a in of_ada] == [
        left(a)["login-account"]["r"] for a in of_nobody
    ]


async def test_spellings_of_one_address_are_counted_together(api: Api) -> None:
    """Nobody gets more attempts by writing the address in another way."""
    for spelling in (ADA, ADA.upper(), f" {ADA}", ADA.title(), ADA.replace("a", "A")):
        problem(await log_in(api, spelling, OTHER), 401, "invalid_credentials")

    problem(await log_in(api, "adA@tesT.examplE", OTHER), 429, "too_many_attempts")


async def test_attempts_at_the_same_moment_are_all_counted(api: Api) -> None:
    """Twenty at once are five and no more (the guide's count can be overtaken)."""
    await api.account("ada")
    answers = await asyncio.gather(*(log_in(api, ADA, OTHER) for _ in range(20)))

    assert sorted(answer.status_code for answer in answers) == [401] * 5 + [429] * 15


async def test_every_answer_tells_what_is_left(api: Api) -> None:
    """200, 401, 403 and 429 have both fields, with a quota for each count that is kept."""
    await api.account("ada")
    disabled = await api.account("disabled")
    await api.change_account(disabled, Disable())
    answers = [
        await log_in(api, ADA),
        await log_in(api, ADA, OTHER),
        await log_in(api, "disabled@test.example"),
        *[await log_in(api, "nobody@test.example") for _ in range(6)],
    ]

    assert [answer.status_code for answer in answers] == [200, 401, 403, *[401] * 5, 429]
    for answer in answers:
        assert policy(answer) == {
            "login-account": {"q": 5, "w": 60},
            "login-account-network": {"q": 50, "w": 900},
            "login-network": {"q": 100, "w": 60},
        }
        assert left(answer).keys() == policy(answer).keys()
    assert left(answers[1]) == {
        "login-account": {"r": 4, "t": 12},
        "login-account-network": {"r": 48, "t": left(answers[1])["login-account-network"]["t"]},
        "login-network": {"r": 98, "t": 1},
    }


async def test_a_success_gives_the_attempts_of_the_account_back(api: Api) -> None:
    """But not those of its network, or one's own account would pay for guessing at others."""
    await api.account("ada")
    for _ in range(4):
        await log_in(api, ADA, OTHER)
    success = await log_in(api, ADA)
    again = [await log_in(api, ADA, OTHER) for _ in range(6)]

    assert success.status_code == 200
    assert [answer.status_code for answer in again] == [401] * 5 + [429]
    assert [left(answer)["login-account"]["r"] for answer in again] == [4, 3, 2, 1, 0, 0]
    assert left(again[4])["login-account-network"]["r"] == 40


@pytest.mark.parametrize("right", [True, False])
async def test_a_disabled_account_gets_no_attempts_back(api: Api, *, right: bool) -> None:
    """The password alone is no success."""
    disabled = await api.account("disabled")
    await api.change_account(disabled, Disable())
    password = PASSWORD if right else OTHER
    answers = [await log_in(api, "disabled@test.example", password) for _ in range(6)]

    assert [answer.status_code for answer in answers] == [403 if right else 401] * 5 + [429]


async def test_nobody_is_believed_about_their_address(api: Api) -> None:
    """Without a trusted proxy X-Forwarded-For changes nothing: all these are one network."""
    told = ("198.51.100.1", "203.0.113.9", "2001:db8::1", "127.0.0.1, 10.0.0.1", "nonsense")
    answers = [await from_address(api, each, f"{n}@test.example") for n, each in enumerate(told)]

    assert [left(answer)["login-network"]["r"] for answer in answers] == [99, 98, 97, 96, 95]


async def test_a_trusted_proxy_is_believed_about_the_next_hop_alone(
    database_url: str, redis_url: str
) -> None:
    """Each client's network is counted apart, /64 for IPv6, whatever a client says itself."""
    trusted = (ip_network("127.0.0.0/8"), ip_network("10.0.0.0/8"))
    # What came in the field, and how often that network has tried by then.
    hops = (
        ("198.51.100.1", 1),
        ("198.51.100.2", 1),
        ("198.51.100.1", 2),
        ("198.51.100.1, 10.1.2.3", 3),
        ("6.6.6.6, 198.51.100.1", 4),
        ("198.51.100.2, 198.51.100.1, 10.1.2.3, 10.9.9.9", 5),
        ("::ffff:198.51.100.1", 6),
        ("198.51.100.1:4711", 7),
        ("2001:db8:1:2::1", 1),
        ("2001:db8:1:2:ffff:ffff:ffff:ffff", 2),
        ("[2001:db8:1:2::7]:4711", 3),
        ("2001:db8:1:3::1", 1),
        ("198.51.100.1, unknown", 1),
    )
    rules = {"login": Rule(network=Quota("login-network", 20, 24 * HOUR))}
    async with api_with_rules(database_url, redis_url, rules, trusted_proxies=trusted) as api:
        for number, (forwarded, times) in enumerate(hops):
            answer = await from_address(api, forwarded, f"{number}@test.example")

            assert left(answer)["login-network"]["r"] == 20 - times, forwarded


async def test_many_accounts_from_one_network(database_url: str, redis_url: str) -> None:
    """The network's limit stops whoever tries one password at each of many addresses."""
    rule = Rule(account=LOGIN.account, network=Quota("login-network", 3, HOUR))
    trusted = (ip_network("127.0.0.1/32"),)
    rules = {"login": rule}
    async with api_with_rules(database_url, redis_url, rules, trusted_proxies=trusted) as api:
        wrong = [await from_address(api, "192.0.2.1", f"{n}@test.example") for n in range(4)]
        elsewhere = await from_address(api, "192.0.2.2", "0@test.example")

    assert [answer.status_code for answer in wrong] == [401, 401, 401, 429]
    wait = int(wrong[3].headers["retry-after"])
    assert HOUR // 3 - 5 <= wait <= HOUR // 3
    assert left(wrong[3]) == {"login-account": {"r": 5}, "login-network": {"r": 0, "t": wait}}
    assert elsewhere.status_code == 401


async def test_one_account_from_one_network_and_from_another(
    database_url: str, redis_url: str
) -> None:
    """A network that tries too often does not shut the account's owner out."""
    rule = Rule(account_and_network=Quota("login-account-network", 2, HOUR))
    trusted = (ip_network("127.0.0.1/32"),)
    rules = {"login": rule}
    async with api_with_rules(database_url, redis_url, rules, trusted_proxies=trusted) as api:
        body = {"email": "author@test.example", "password": PASSWORD}
        here = {"X-Forwarded-For": "192.0.2.1"}
        there = {"X-Forwarded-For": "192.0.2.2"}
        answers = [
            *[await from_address(api, "192.0.2.1", body["email"]) for _ in range(2)],
            await api.anonymous.post("/login", body, headers=here),
            await api.anonymous.post("/login", body, headers=there),
            await api.anonymous.post("/login", body, headers=here),
        ]

    assert [answer.status_code for answer in answers] == [401, 401, 429, 200, 429]


async def test_messages_to_one_address(api: Api) -> None:
    """Three an hour of each kind, to whoever has the address, and then none is sent."""
    await api.account("ada")
    for path in ("/register", "/password/forgot"):
        body = {"email": ADA} | ({"password": GOOD} if path == "/register" else {})
        answers = [await api.anonymous.post(path, body) for _ in range(5)]

        assert [answer.status_code for answer in answers] == [202, 202, 202, 429, 429]
        assert 1190 <= int(answers[3].headers["retry-after"]) <= 1200
        assert len(await api.mails()) == 3


async def test_tokens_from_messages(database_url: str, redis_url: str) -> None:
    """A network may show so many, of either kind, and right ones count as well."""
    rules = {"token": Rule(network=Quota("token-network", 3, HOUR))}
    async with api_with_rules(database_url, redis_url, rules) as api:
        token = await applied(api, "new@test.example")
        reset = {"token": "a" * 43, "password": GOOD}
        answers = [
            await verified(api, "b" * 43),
            await verified(api, token),
            await api.anonymous.post("/password/reset", reset),
            await api.anonymous.post("/password/reset", reset),
            await verified(api, token),
        ]

    assert [answer.status_code for answer in answers] == [422, 201, 422, 429, 429]


async def test_renewing(database_url: str, redis_url: str) -> None:
    """It has a limit of its own, and a refused attempt does not use the token up."""
    rules = {"refresh": Rule(network=Quota("refresh-network", 2, HOUR))}
    async with api_with_rules(database_url, redis_url, rules) as api:
        first = await log_in(api, "author@test.example")
        second = await renew(api, first)
        third = await renew(api, second)
        refused = await renew(api, third)
        listed = (await api.author.get("/me/sessions")).json()["items"]

    assert (second.status_code, third.status_code) == (200, 200)
    problem(refused, 429, "too_many_attempts")
    assert len(listed) == 2


async def test_changing_a_password(api: Api) -> None:
    """Five attempts at the present one, by account, and the sixth is refused unseen."""
    ada = await api.account("ada")
    change = {"currentPassword": OTHER, "newPassword": GOOD}
    answers = [await ada.send("PUT", "/me/password", change) for _ in range(5)]
    right = await ada.send("PUT", "/me/password", change | {"currentPassword": PASSWORD})

    assert [answer.status_code for answer in answers] == [403] * 5
    problem(right, 429, "too_many_attempts")
    assert fields(right).keys() >= {"ratelimit", "ratelimit-policy", "retry-after"}
    assert (await log_in(api, ADA)).status_code == 200


async def test_what_is_no_attempt_is_not_counted(api: Api) -> None:
    """A body that cannot be read, or has no address, is refused before."""
    short, no_address, wrong_type = {"email": ADA}, {"email": "ada"}, {"email": ADA, "password": 1}
    for body in (short, no_address | {"password": OTHER}, wrong_type):
        for _ in range(6):
            answer = await api.anonymous.post("/login", body)
            problem(answer, 400, "invalid_body")
            assert "ratelimit" not in answer.headers

    assert left(await log_in(api, ADA))["login-network"]["r"] == 99
