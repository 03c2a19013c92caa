"""Specifies registering: the same answer whoever has the address, and an account by a token."""

import asyncio
import re
from datetime import timedelta

import pytest
import redis.asyncio
from uuid_utils.compat import UUID

from commands.registration import REGISTRATION_LIFETIME
from domain.stream import Role
from tests.support.http import fields, problem
from tests.support.mail import token_in
from tests.support.product import PASSWORD, Api
from tests.support.signing_in import (
    GOOD,
    OTHER,
    applied,
    bearer,
    log_in,
    me,
    verified,
    without,
)

ADDRESS = "Grace.Hopper@Test.Example"
MAIL_FOLLOWS = {"message": "If the address can be used, a message is on its way to it."}
SECOND = timedelta(seconds=1)

VARIANTS = (
    "ada@test.example",
    "ADA@TEST.EXAMPLE",
    "  Ada@Test.Example\t",
    "\N{FULLWIDTH LATIN SMALL LETTER A}da@test.example",
    "ada@test\N{IDEOGRAPHIC FULL STOP}example",
    "ada@\N{MATHEMATICAL BOLD SMALL T}est.example",
)
"""Spellings of one address to the product; some are other mailboxes to the rest of the world."""


@pytest.mark.parametrize("name", ["J\r\nBcc: x@y.example", "\u202eenaJ", "tab\there"])
async def test_a_name_is_printable(api: Api, name: str) -> None:
    """400: what others are shown has no line breaks and turns no directions."""
    body = {"email": "new@test.example", "password": GOOD, "name": name}

    answer = problem(await api.anonymous.post("/register", body), 400, "invalid_body")
    assert answer["member"] == "name"


async def test_the_answer_is_the_same_whoever_has_the_address(api: Api, redis_url: str) -> None:
    """A new address, one of an account and one that waits get the same bytes, but for the id."""
    await api.account("ada")
    await applied(api, "waiting@test.example")
    limits = redis.asyncio.from_url(redis_url)
    answers = []
    for name in ("new", "ada", "waiting"):
        await limits.flushall()  # as nobody asks three times at once for one address
        asked = {"email": f"{name}@test.example", "password": GOOD, "name": "Somebody"}
        answers.append(await api.anonymous.post("/register", asked))
    await limits.aclose()

    assert [answer.status_code for answer in answers] == [202] * 3
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].json() == MAIL_FOLLOWS
    assert without(answers[0]) == without(answers[1]) == without(answers[2])
    assert fields(answers[0]) == {
        "content-type": "application/json",
        "cache-control": "no-store",
        "ratelimit-policy": '"register-account";q=3;w=3600, "register-network";q=60;w=3600',
        "ratelimit": '"register-account";r=2;t=1200, "register-network";r=59;t=60',
    }


async def test_each_gets_another_message(api: Api) -> None:
    """Whoever may have an account gets a token, whoever has one is told so without any."""
    await api.account("ada")
    first = await applied(api, "waiting@test.example")
    for name in ("new", "ada", "waiting"):
        asked = {"email": f"{name}@test.example", "password": GOOD}
        await api.anonymous.post("/register", asked)
    new, ada, waiting = await api.mails()

    assert [mail.to for mail in (new, ada, waiting)] == [
        "new@test.example",
        "ada@test.example",
        "waiting@test.example",
    ]
    assert new.subject == waiting.subject == "Confirm your address"
    assert ada.subject == "You already have an account"
    assert len({first, token_in(new.text), token_in(waiting.text)}) == 3
    assert '"token"' not in ada.text
    assert GOOD not in new.text + ada.text + waiting.text


async def test_a_message_goes_to_the_address_as_it_was_registered(api: Api) -> None:
    """However the address of an account is spelt now, nobody else's mailbox hears of it."""
    answer = await verified(api, await applied(api, "Ada@test.example"))
    heard = []
    for spelling in VARIANTS[:3]:
        await api.anonymous.post("/register", {"email": spelling, "password": OTHER})
        heard += await api.mails()

    assert answer.status_code == 201
    assert {(mail.to, mail.subject) for mail in heard} == {
        ("Ada@test.example", "You already have an account")
    }


@pytest.mark.parametrize("spelling", VARIANTS)
async def test_spellings_of_one_address(api: Api, spelling: str) -> None:
    """Compatible characters, cases and spaces make no second account."""
    await api.account("ada")
    answer = await api.anonymous.post("/register", {"email": spelling, "password": GOOD})
    mails = await api.mails()

    assert answer.status_code == 202
    assert [(mail.to, mail.subject) for mail in mails] == [
        ("ada@test.example", "You already have an account")
    ]


async def test_verifying_opens_the_account(api: Api) -> None:
    """201 with the new account, that of an author; its owner sees the address as it was typed."""
    asked = {"email": f" {ADDRESS} ", "password": GOOD, "name": "Grace"}
    await api.anonymous.post("/register", asked)
    [mail] = await api.mails()
    answer = await verified(api, token_in(mail.text))
    account = answer.json()
    own = (await me(api, await log_in(api, ADDRESS, GOOD))).json()

    assert mail.to == ADDRESS
    assert answer.status_code == 201
    assert fields(answer) == {
        "content-type": "application/json",
        "location": f"/users/{UUID(account['id'])}",
        "etag": '"2.1"',
        "last-modified": "Sun, 01 Mar 2026 09:00:00 GMT",
        "cache-control": "private, no-cache",
        "ratelimit-policy": '"token-network";q=30;w=60',
        "ratelimit": '"token-network";r=29;t=2',
    }
    assert account == {
        "id": account["id"],
        "roles": ["author"],
        "disabled": False,
        "secondFactor": False,
        "createdAt": "2026-03-01T09:00:00.123456Z",
        "version": 1,
    }
    assert (own["id"], own["email"], own["name"]) == (account["id"], ADDRESS, "Grace")


async def test_an_author_writes(api: Api) -> None:
    """Whoever registered may do what authors may, and nothing else."""
    await verified(api, await applied(api, ADDRESS))
    shown = bearer(await log_in(api, ADDRESS, GOOD))
    draft = {"title": "First", "content": "Text.", "category": "tech"}
    created = await api.anonymous.post("/posts", draft, headers=shown)

    assert created.status_code == 201
    problem(await api.anonymous.get("/users", headers=shown), 403, "forbidden")


async def test_before_it_is_verified_there_is_no_account(api: Api) -> None:
    """Nothing is in the log, and the password opens nothing."""
    before = await api.events()
    await applied(api, ADDRESS)

    problem(await log_in(api, ADDRESS, GOOD), 401, "invalid_credentials")
    assert await api.events() == before


async def test_what_waits_shows_nobody(api: Api) -> None:
    """Neither address nor name, token or password of an applicant can be read in the database."""
    asked = {"email": ADDRESS, "password": GOOD, "name": "Commodore"}
    await api.anonymous.post("/register", asked)
    fetch = api.product.database.fetch
    rows = [
        *await fetch("select row_to_json(r)::text from registrations r"),
        *await fetch("select row_to_json(m)::text from mails m"),
    ]
    kept = "".join(row[0] for row in rows)
    bytes_kept = b"".join(bytes.fromhex(each) for each in re.findall(r"\\\\x([0-9a-f]+)", kept))
    [mail] = await api.mails()

    assert len(rows) == 2
    assert len(bytes_kept) > 300
    for secret in (ADDRESS, "hopper", "Commodore", GOOD, token_in(mail.text)):
        assert secret.lower() not in kept.lower()
        assert secret.lower().encode() not in bytes_kept.lower()


async def test_a_token_is_good_once(api: Api) -> None:
    """The second use of one is 422, as of one that never was."""
    token = await applied(api, ADDRESS)
    first, second = await verified(api, token), await verified(api, token)

    assert first.status_code == 201
    members = problem(second, 422, "email_token_unknown")
    assert members["member"] == "token"
    unknown = problem(await verified(api, "a" * 43), 422, "email_token_unknown")
    assert members | {"requestId": ""} == unknown | {"requestId": ""}


async def test_a_token_is_good_once_also_for_two_at_once(api: Api) -> None:
    """Of those who show it together one gets the account."""
    token = await applied(api, ADDRESS)
    before = await api.events()
    answers = await asyncio.gather(*(verified(api, token) for _ in range(5)))

    assert sorted(answer.status_code for answer in answers) == [201, 422, 422, 422, 422]
    assert await api.events() == before + 1


async def test_a_token_is_good_for_a_day(api: Api) -> None:
    """To the second before its time is over, and no longer."""
    in_time, too_late = await applied(api, ADDRESS), await applied(api, "late@test.example")
    api.clock.advance(REGISTRATION_LIFETIME - SECOND)
    first = await verified(api, in_time)
    api.clock.advance(SECOND)

    assert first.status_code == 201
    problem(await verified(api, too_late), 422, "email_token_unknown")
    problem(await log_in(api, "late@test.example", GOOD), 401, "invalid_credentials")


async def test_of_two_applicants_the_one_who_shows_a_token_has_the_address(api: Api) -> None:
    """It is that one's password which opens the account, and the other's token is void."""
    thief = await applied(api, ADDRESS, OTHER)
    owner = await applied(api, ADDRESS.lower(), GOOD)
    answer = await verified(api, owner)

    assert answer.status_code == 201
    problem(await verified(api, thief), 422, "email_token_unknown")
    assert (await log_in(api, ADDRESS, GOOD)).status_code == 200
    problem(await log_in(api, ADDRESS, OTHER), 401, "invalid_credentials")


async def test_of_two_tokens_at_once_one_opens_an_account(api: Api) -> None:
    """Both are good until one is used, and the claim of the address lets one through."""
    tokens = [await applied(api, ADDRESS), await applied(api, ADDRESS)]
    answers = await asyncio.gather(*(verified(api, token) for token in tokens))
    won, lost = sorted(answers, key=lambda answer: answer.status_code)

    assert won.status_code == 201
    assert lost.json()["error"] in {"email_already_exists", "email_token_unknown"}
    problem(await verified(api, tokens[0]), 422, "email_token_unknown")
    problem(await verified(api, tokens[1]), 422, "email_token_unknown")


async def test_an_address_that_was_taken_meanwhile(api: Api) -> None:
    """409 to whoever proved to read its messages, whose token is used up by it."""
    token = await applied(api, "ada@test.example")
    await api.account("ada", Role.AUTHOR)
    first, second = await verified(api, token), await verified(api, token)

    assert problem(first, 409, "email_already_exists")["collidesWith"] == "email"
    problem(second, 422, "email_token_unknown")
    assert (await log_in(api, "ada@test.example", PASSWORD)).status_code == 200


@pytest.mark.parametrize(
    ("password", "error"),
    [
        ("short", "password_length"),
        ("x" * 1025, "password_length"),
        ("password1", "password_too_weak"),
        ("gracehopper", "password_too_weak"),
    ],
)
async def test_a_password_that_is_refused(api: Api, password: str, error: str) -> None:
    """422 for an address with an account as for any, and nobody gets a message."""
    await api.account("gracehopper")
    asked = {"email": "gracehopper@test.example", "password": password, "name": "Grace Hopper"}
    taken = problem(await api.anonymous.post("/register", asked), 422, error)
    free = problem(
        await api.anonymous.post("/register", asked | {"email": "gracehopper@example.org"}),
        422,
        error,
    )

    assert taken["member"] == "password"
    assert password not in taken["detail"]
    assert taken | {"requestId": ""} == free | {"requestId": ""}
    assert not await api.mails()
