"""Specifies passwords of every odd kind: chosen, refused, and never a hint at an account."""

import json
from collections.abc import AsyncIterator

import pytest

from domain.stream import Role
from infra.embedded.services import Services
from tests.support.http import problem
from tests.support.product import PASSWORD, Api
from tests.support.services import Databases
from tests.support.signing_in import (
    GOOD,
    OTHER,
    api_with_rules,
    generous,
    log_in,
    reset,
    reset_token,
    same,
    send_ascii,
)

ADA = "ada@test.example"
NOBODY = "nobody@test.example"

PASSWORDS = {
    "1 byte": "p",
    "7 bytes": "pw-7byt",
    "8 bytes": "vQ7#kd!w",
    "72 bytes": "lantern gravel " * 4 + "sixteen otte",
    "73 bytes": "lantern gravel " * 4 + "sixteen otter",
    "1,024 bytes": ("walnut orbit canvas " * 52)[:1024],
    "1,025 bytes": ("walnut orbit canvas " * 52)[:1025],
    "8 bytes in 2 characters": "\U0001f511\U0001f5dd",
    "1,025 bytes in 1,024 characters": ("walnut orbit canvas " * 52)[:1023] + "\u00e9",
    "1,024 bytes once composed": ("walnut orbit canvas " * 52)[:1022] + "e\u0301",
    "4,097 characters": "x" * 4097,
    "100,000 marks": "a" + "\u0301" * 100_000,
    "spaces": " " * 20,
    "controls": "\x01\x02\x1b[31m\x7f\x80 lantern",
    "line ends": "lantern\r\ngravel\r\notters",
    "noncharacters": "lantern \ufffe\uffff\U0010ffff gravel",
    "right to left": "\u202egravel lantern otters",
}
MALFORMED_PASSWORDS = {
    "0 bytes": "",
    "NUL": "lantern\0gravel otters",
    "NUL alone": "\0" * 8,
    "half of a pair": "lantern gravel \ud83d",
}
NO_PASSWORDS = (None, 12345678, True, ["lantern gravel"], {"a": "lantern gravel"})


@pytest.fixture(scope="module")
async def free_api(databases: Databases, services: Services) -> AsyncIterator[Api]:
    """Serve the product without a limit, so that bad input can be looked at one by one."""
    async with (
        databases.fresh() as url,
        api_with_rules(url, services.redis_url, generous()) as api,
    ):
        await api.account("ada", Role.AUTHOR)
        yield api


@pytest.mark.parametrize("kind", PASSWORDS)
async def test_odd_passwords_tell_nothing_at_the_log_in(free_api: Api, kind: str) -> None:
    """401, and the same answer for an address with an account as for one without."""
    password = PASSWORDS[kind]
    known = await send_ascii(free_api, "/login", {"email": ADA, "password": password})
    unknown = await send_ascii(free_api, "/login", {"email": NOBODY, "password": password})

    problem(known, 401, "invalid_credentials")
    assert same(known, unknown)


@pytest.mark.parametrize("kind", MALFORMED_PASSWORDS)
async def test_what_no_password_can_be(free_api: Api, kind: str) -> None:
    """400 that names the member and does not repeat the text, whoever's address it is."""
    password = MALFORMED_PASSWORDS[kind]
    ada = await free_api.account("ada")
    for path, body, member in (
        ("/login", {"email": ADA}, "password"),
        ("/register", {"email": ADA}, "password"),
        ("/password/reset", {"token": "a" * 43}, "password"),
    ):
        answer = await send_ascii(free_api, path, body | {"password": password})
        members = problem(answer, 400, "invalid_body")

        assert members["member"] == member
        assert "lantern" not in answer.text
        if "email" in body:
            other = await send_ascii(free_api, path, {"email": NOBODY, "password": password})
            assert same(answer, other)
    content = json.dumps({"currentPassword": PASSWORD, "newPassword": password}).encode()
    changed = await ada.send("PUT", "/me/password", content, content_type="application/json")
    assert problem(changed, 400, "invalid_body")["member"] == "newPassword"


@pytest.mark.parametrize("value", NO_PASSWORDS, ids=str)
async def test_passwords_of_another_type(free_api: Api, value: object) -> None:
    """400, which does not repeat the value."""
    for path, body in (
        ("/login", {"email": ADA}),
        ("/register", {"email": ADA}),
        ("/password/reset", {"token": "a" * 43}),
    ):
        answer = await send_ascii(free_api, path, body | {"password": value})

        assert problem(answer, 400, "invalid_body")["member"] == "password"
        assert "lantern" not in answer.text
        assert "12345678" not in answer.text


LONG_ENOUGH = {
    kind: password
    for kind, password in PASSWORDS.items()
    if kind
    in {
        "8 bytes",
        "72 bytes",
        "73 bytes",
        "1,024 bytes",
        "1,024 bytes once composed",
        "noncharacters",
        "line ends",
        "right to left",
    }
}
OF_ANOTHER_LENGTH = {
    kind: PASSWORDS[kind]
    for kind in (
        "1 byte",
        "7 bytes",
        "1,025 bytes",
        "1,025 bytes in 1,024 characters",
        "4,097 characters",
        "100,000 marks",
    )
}


@pytest.mark.parametrize("kind", LONG_ENOUGH)
async def test_odd_passwords_that_can_be_chosen(free_api: Api, kind: str) -> None:
    """By reset and by change; each of them opens the account, and all of its bytes count."""
    password = LONG_ENOUGH[kind]
    name = f"chooser-{kind.replace(' ', '-').replace(',', '')}"
    client = await free_api.account(name)
    email = f"{name}@test.example"
    by_reset = await reset(free_api, await reset_token(free_api, email), password)
    opened = await log_in(free_api, email, password)
    almost = await log_in(free_api, email, password[:-1] + ("x" if password[-1] != "x" else "y"))
    shorter = await log_in(free_api, email, password[:-1])
    client = await free_api.client(client.account_id)
    change = {"currentPassword": password, "newPassword": OTHER}
    back = {"currentPassword": OTHER, "newPassword": password}
    changes = [await client.send("PUT", "/me/password", each) for each in (change, back)]

    assert (by_reset.status_code, opened.status_code) == (204, 200)
    assert [answer.status_code for answer in changes] == [204, 204]
    problem(almost, 401, "invalid_credentials")
    problem(shorter, 401, "invalid_credentials")


@pytest.mark.parametrize("kind", OF_ANOTHER_LENGTH)
async def test_passwords_of_another_length(free_api: Api, kind: str) -> None:
    """422 wherever one is chosen, with the length that it may have and not the password."""
    password = OF_ANOTHER_LENGTH[kind]
    ada = await free_api.client((await free_api.account("ada")).account_id)
    token = await reset_token(free_api, ADA)
    chosen = (
        await send_ascii(free_api, "/register", {"email": NOBODY, "password": password}),
        await send_ascii(free_api, "/register", {"email": ADA, "password": password}),
        await reset(free_api, token, password),
        await ada.send(
            "PUT", "/me/password", {"currentPassword": PASSWORD, "newPassword": password}
        ),
    )

    for answer in chosen:
        members = problem(answer, 422, "password_length")
        assert "8 to 1024 bytes" in members["detail"]
        assert password not in members["detail"].split(" ")
    assert same(chosen[0], chosen[1])
    assert (await log_in(free_api, ADA)).status_code == 200
    problem(await log_in(free_api, ADA, password), 401, "invalid_credentials")


async def test_a_wrong_present_password(free_api: Api) -> None:
    """403 of any kind that a wrong one can have; the account keeps its password and session."""
    ada = await free_api.account("ada")
    for password in PASSWORDS.values():
        change = {"currentPassword": password, "newPassword": GOOD}
        answer = await ada.send("PUT", "/me/password", change)

        problem(answer, 403, "wrong_password")
    assert (await log_in(free_api, ADA)).status_code == 200
