"""Specifies bad input to what proves who somebody is: refused, and never a hint at an account."""

import json
from collections.abc import AsyncIterator, Iterator

import pytest

from domain.stream import Role
from infra.embedded.services import Services
from tests.support.http import check_every_answer, problem
from tests.support.product import Api
from tests.support.services import Databases
from tests.support.signing_in import GOOD, api_with_rules, generous, log_in, send_ascii

ADA = "ada@test.example"
NOBODY = "nobody@test.example"

LONG_LOCAL = "a" * 64
DOMAIN_OF_189 = f"{'b' * 63}.{'c' * 63}.{'d' * 53}.example"

TAKEN = {
    "mixed case": "aDa.LoveLace@TEST.Example",
    "spaces around": "  \tada.l@test.example\r\n ",
    "plus": "ada+tag@test.example",
    "symbols": "!#$%&'*+-/=?^_`{|}~@test.example",
    "single quote": "o'neil@test.example",
    "Han": "\u7528\u6237@\u4f8b\u3048.jp",
    "Punycode": "ada@xn--r8jz45g.jp",
    "emoji": "\U0001f511@test.example",
    "composed": "jos\u00e9@test.example",
    "decomposed": "jose\u0301@test.example",
    "254 bytes": f"{LONG_LOCAL}@{DOMAIN_OF_189}",
}
NO_ADDRESS = {
    "nothing": "",
    "space": " ",
    "no at": "ada",
    "two at": "ada@b@test.example",
    "no domain": "ada@",
    "no local part": "@test.example",
    "quoted": '"ada lovelace"@test.example',
    "quotes inside": 'a"d"a@test.example',
    "display name": "Ada <ada@test.example>",
    "comment": "ada(x)@test.example",
    "list": "ada@test.example,eve@test.example",
    "trailing dot": "ada@test.example.",
    "trailing dot of the local part": "ada.@test.example",
    "leading dot": ".ada@test.example",
    "two dots": "a..da@test.example",
    "trailing dots": "ada@test.example...",
    "space inside": "ada lovelace@test.example",
    "line end inside": "ada@test.example\nBcc: eve@test.example",
    "NUL": "ada\0@test.example",
    "NUL at the end": "ada@test.example\0",
    "half of a pair": "ada\ud83d@test.example",
    "other half": "ada@test\udd11.example",
    "escape": "ada\x1b[31m@test.example",
    "right to left": "ada\u202e@test.example",
    "no width": "a\u200bda@test.example",
    "IP address": "ada@[127.0.0.1]",
    "bare IP address": "ada@127.0.0.1",
    "255 bytes": f"{LONG_LOCAL}@x{DOMAIN_OF_189}",
    "320 characters": f"{LONG_LOCAL}@{'b' * 247}.example",
    "321 characters": f"{LONG_LOCAL}@{'b' * 248}.example",
    "a million characters": "a" * 1_000_000,
    "four bytes each": "\U0001f511" * 300,
    "marks": "a" + "\u0301" * 300 + "@test.example",
    "bad Punycode": "ada@xn--\u00fc.example",
}


@pytest.fixture(scope="module")
async def free_api(databases: Databases, services: Services) -> AsyncIterator[Api]:
    """Serve the product without a limit, so that bad input can be looked at one by one."""
    async with (
        databases.fresh() as url,
        api_with_rules(url, services.redis_url, generous()) as api,
    ):
        await api.account("ada", Role.AUTHOR)
        yield api


@pytest.mark.parametrize("kind", TAKEN)
async def test_odd_addresses_that_are_taken(free_api: Api, kind: str) -> None:
    """A message goes to the address as it was typed, and nobody can log in with it before."""
    address = TAKEN[kind]
    registered = await send_ascii(free_api, "/register", {"email": address, "password": GOOD})
    forgot = await send_ascii(free_api, "/password/forgot", {"email": address})
    mails = await free_api.mails()

    assert (registered.status_code, forgot.status_code) == (202, 202)
    assert [mail.to for mail in mails] == [address.strip()] * 2
    problem(await log_in(free_api, address, GOOD), 401, "invalid_credentials")


@pytest.mark.parametrize("kind", NO_ADDRESS)
async def test_texts_that_are_no_address(free_api: Api, kind: str) -> None:
    """400 that names the member, whatever it is sent to; no message, no row."""
    address = NO_ADDRESS[kind]
    before = await free_api.product.database.fetch("select count(*) from registrations")
    for path, more in (
        ("/register", {"password": GOOD}),
        ("/login", {"password": GOOD}),
        ("/password/forgot", {}),
    ):
        answer = await send_ascii(free_api, path, {"email": address, **more})

        members = problem(answer, 400, "invalid_body")
        assert members["member"] == "email"
        assert not members["detail"].endswith("..")
        assert len(answer.content) < 2000
    assert not await free_api.mails()
    assert await free_api.product.database.fetch("select count(*) from registrations") == before


def bodies() -> Iterator[bytes]:
    """Give what is no body for any of these, with a password in it."""
    whole = json.dumps({"email": ADA, "password": GOOD}).encode()
    yield from (whole[:end] for end in range(0, len(whole), 7))
    yield whole + b"}"
    yield whole.replace(b'"password"', b'"password":"x","password"')
    yield whole[:-1] + b',"admin":true}'
    yield whole.replace(b"lantern", b"\xff\xfe")
    yield whole.decode().encode("utf-16")
    yield b"[" + whole + b"]"
    yield b'"' + GOOD.encode() + b'"'
    yield b'{"email":' * 2000
    yield whole.replace(b"ada", b"\\ud800")


PATHS = (
    ("POST", "/register"),
    ("POST", "/register/verify"),
    ("POST", "/login"),
    ("POST", "/token/refresh"),
    ("POST", "/password/forgot"),
    ("POST", "/password/reset"),
    ("PUT", "/me/password"),
)


@pytest.mark.parametrize(("method", "path"), PATHS)
async def test_broken_bodies(free_api: Api, method: str, path: str) -> None:
    """400 for each, and no answer repeats what was sent."""
    ada = await free_api.account("ada")
    for body in bodies():
        answer = await ada.send(method, path, body, content_type="application/json")

        problem(answer, 400, "invalid_body" if body else answer.json()["error"])
        assert "lantern" not in answer.text
        assert ADA not in answer.text


ODD_TOKENS = {
    "short": "a",
    "unknown": "A" * 43,
    "longest": "a" * 512,
    "another alphabet": "\u00e9" * 43,
    "emoji": "\U0001f511" * 43,
    "SQL": "'; drop table sessions; --",
    "padded": "A" * 43 + "=",
    "spaces": " " + "A" * 43 + " ",
}
NO_TOKENS = {
    "nothing": "",
    "513 characters": "a" * 513,
    "NUL": "A" * 42 + "\0",
    "half of a pair": "A" * 42 + "\ud800",
}


@pytest.mark.parametrize("kind", [*ODD_TOKENS, *NO_TOKENS])
async def test_odd_tokens(free_api: Api, kind: str) -> None:
    """401 or 422 for what may be one, 400 for what can be none."""
    token = ODD_TOKENS.get(kind) or NO_TOKENS.get(kind, "")
    answers = (
        await send_ascii(free_api, "/token/refresh", {"refreshToken": token}),
        await send_ascii(free_api, "/register/verify", {"token": token}),
        await send_ascii(free_api, "/password/reset", {"token": token, "password": GOOD}),
    )
    statuses = [answer.status_code for answer in answers]

    assert statuses == ([400] * 3 if kind in NO_TOKENS else [401, 422, 422])
    for answer in answers:
        check_every_answer(answer)
