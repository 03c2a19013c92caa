"""Specifies how administrators change accounts: to shut, to open, to give roles."""

import asyncio
from typing import Any

import httpx
import pytest

from domain.account_decisions import Disable
from domain.stream import Role
from tests.support.http import Client, fields, if_match, problem
from tests.support.product import PASSWORD, Api
from tests.support.signing_in import bearer, log_in, me, renew

ADA = "ada@test.example"
NOT_THERE = "/users/01920000-0000-7000-8000-000000000000"
CREATED = "2026-03-01T09:00:00.123456Z"
MINIMAL = {"Prefer": "return=minimal"}


def path_of(client: Client) -> str:
    """Give the address of somebody's account."""
    return f"/users/{client.account_id}"


async def test_who_is_erased_is_gone(api: Api) -> None:
    """410 for reading and for every change, before anything else that is wrong with it."""
    ada = await api.account("ada")
    await ada.delete("/me")
    spoilt = {"If-Match": '"2.1"', "Accept": "text/html"}

    problem(await api.admin.get(path_of(ada)), 410, "gone")
    for action in ("disable", "enable", "role"):
        answer = await api.admin.post(f"{path_of(ada)}/{action}", b"[", headers=spoilt)
        problem(answer, 410, "gone")


async def test_disabled(api: Api) -> None:
    """200 with the account as it is; its sessions are over, and nobody can log in to it."""
    ada = await api.account("ada", Role.AUTHOR)
    tokens = await log_in(api, ADA)
    assert (await me(api, tokens)).status_code == 200
    answer = await api.admin.post(f"{path_of(ada)}/disable")

    assert answer.status_code == 200
    assert fields(answer) == {
        "content-type": "application/json",
        "etag": '"2.2"',
        "last-modified": "Sun, 01 Mar 2026 09:00:00 GMT",
        "cache-control": "private, no-cache",
    }
    assert answer.json() == {
        "id": str(ada.account_id),
        "roles": ["author"],
        "disabled": True,
        "secondFactor": False,
        "createdAt": CREATED,
        "version": 2,
    }
    problem(await me(api, tokens), 401, "invalid_token")
    problem(await renew(api, tokens), 401, "invalid_refresh_token")
    problem(await log_in(api, ADA), 403, "account_disabled")
    problem(await log_in(api, ADA, "wrong"), 401, "invalid_credentials")


async def test_enabled_again(api: Api) -> None:
    """It can be logged in to; the sessions that ended stay so."""
    ada = await api.account("ada")
    tokens = await log_in(api, ADA)
    await api.admin.post(f"{path_of(ada)}/disable")
    answer = await api.admin.post(f"{path_of(ada)}/enable")

    assert (answer.status_code, answer.json()["disabled"]) == (200, False)
    problem(await me(api, tokens), 401, "invalid_token")
    problem(await renew(api, tokens), 401, "invalid_refresh_token")
    problem(await ada.get("/me"), 401, "invalid_token")
    assert (await log_in(api, ADA)).status_code == 200


async def test_other_roles(api: Api) -> None:
    """These and no others, from the next request on, in the sessions that there are."""
    ada = await api.account("ada", Role.AUTHOR)
    answer = await api.admin.post(f"{path_of(ada)}/role", {"roles": ["operator", "admin"]})

    assert answer.status_code == 200
    assert answer.json()["roles"] == ["admin", "operator"]
    assert (await ada.get("/users")).status_code == 200
    twice = await api.admin.post(f"{path_of(ada)}/role", {"roles": ["author", "author"]})
    assert twice.json()["roles"] == ["author"]
    none = await api.admin.post(f"{path_of(ada)}/role", {"roles": []})
    assert none.json()["roles"] == []
    problem(await ada.get("/users"), 403, "forbidden")


BAD_ROLES: list[Any] = [
    {"roles": ["owner"]},
    {"roles": ["Admin"]},
    {"roles": "admin"},
    {"roles": [None]},
    {"roles": None},
    {"role": "admin"},
    {"roles": ["admin"], "disabled": True},
    {},
    b"[]",
    b"",
    b'{"roles": ["author", "author"], "roles": []}',
]


@pytest.mark.parametrize("body", BAD_ROLES)
async def test_bad_roles(api: Api, body: Any) -> None:  # noqa: ANN401 - whatever is sent
    """400, and nothing has changed."""
    ada = await api.account("ada", Role.AUTHOR)
    content_type = "application/json"
    path = f"{path_of(ada)}/role"
    answer = await api.admin.send("POST", path, body, content_type=content_type)

    problem(answer, 400, "invalid_body")
    assert (await api.admin.get(path_of(ada))).headers["etag"] == '"2.1"'


async def test_an_unknown_role(api: Api) -> None:
    """Which of them it is, and which there are."""
    ada = await api.account("ada")
    wrong = {"roles": ["admin", "owner"]}
    members = problem(await api.admin.post(f"{path_of(ada)}/role", wrong), 400, "invalid_body")

    assert members["member"] == "roles[1]"
    assert members["detail"].endswith("must be one of author, admin, auditor, operator.")


CHANGES: dict[str, Any] = {
    "disable": None,
    "enable": None,
    "role": {"roles": ["author"]},
}


async def prepared(api: Api, action: str) -> Client:
    """Make an account that the action changes."""
    ada = await api.account("ada")
    if action == "enable":
        await api.change_account(ada, Disable())
    return ada


@pytest.mark.parametrize("action", CHANGES)
async def test_again(api: Api, action: str) -> None:
    """What is so already is 200 with the same bytes and tag, and appends nothing."""
    ada = await prepared(api, action)
    path = f"{path_of(ada)}/{action}"
    first = await api.admin.post(path, CHANGES[action])
    before = await api.events()
    api.clock.advance()
    again = await api.admin.post(path, CHANGES[action])
    current = await api.admin.post(path, CHANGES[action], headers=if_match(first.headers["etag"]))

    for answer in (again, current):
        assert (answer.status_code, answer.content) == (200, first.content)
        assert fields(answer) == fields(first)
    assert await api.events() == before


@pytest.mark.parametrize("action", CHANGES)
async def test_only_at_this_version(api: Api, action: str) -> None:
    """412 with the current tag and where to read what happened since; 200 with the right one."""
    ada = await prepared(api, action)
    path, body = f"{path_of(ada)}/{action}", CHANGES[action]
    tag = (await api.admin.get(path_of(ada))).headers["etag"]
    before = await api.events()
    stale = await api.admin.post(path, body, headers=if_match('"2.9"'))
    foreign = await api.admin.post(path, body, headers=if_match('"1.1"'))
    weak = await api.admin.post(path, body, headers=if_match(f"W/{tag}"))
    anything = await api.admin.post(path, body, headers={"If-None-Match": "*"})

    history = f"/streams/account/{ada.account_id}"
    assert problem(stale, 412, "stale_version")["currentTag"] == tag
    assert stale.headers["etag"] == tag
    assert stale.headers["link"] == f'<{history}?after=9>; rel="version-history"'
    assert foreign.headers["link"] == f'<{history}>; rel="version-history"'
    for answer in (foreign, weak, anything):
        problem(answer, 412, "stale_version")
    assert await api.events() == before
    right = await api.admin.post(path, body, headers=if_match(tag))
    assert (right.status_code, await api.events()) == (200, before + 1)


@pytest.mark.parametrize("action", CHANGES)
async def test_nothing_shown(api: Api, action: str) -> None:
    """With Prefer: return=minimal 204 and the tag, changed or not."""
    ada = await prepared(api, action)
    path = f"{path_of(ada)}/{action}"
    answers = [await api.admin.post(path, CHANGES[action], headers=MINIMAL) for _ in range(2)]

    for answer in answers:
        assert answer.status_code == 204
        assert fields(answer) == {
            "etag": answers[0].headers["etag"],
            "preference-applied": "return=minimal",
        }


FAULTS: list[tuple[dict[str, str], bytes, int, str]] = [
    ({"Content-Type": "text/plain", "Accept": "text/html", "If-Match": "x"}, b"[", 415, ""),
    ({"Accept": "text/html", "If-Match": "x"}, b"[", 406, "not_acceptable"),
    ({"If-Match": "x"}, b"[", 400, "malformed_header"),
    ({"If-Match": '"2.9"'}, b"[", 412, "stale_version"),
    ({"If-Match": '"2.1"'}, b"[", 400, "invalid_body"),
]


@pytest.mark.parametrize(("headers", "body", "status", "error"), FAULTS)
async def test_the_order_of_decisions(
    api: Api, headers: dict[str, str], body: bytes, status: int, error: str
) -> None:
    """401, 403, 404, then the header fields, the tag, and the body last."""
    ada = await api.account("ada")
    all_headers = {"Content-Type": "application/json"} | headers
    missing = f"{NOT_THERE}/role"

    async def ask(client: Client, path: str) -> httpx.Response:
        return await client.send("POST", path, body, headers=all_headers)

    problem(await ask(api.anonymous, missing), 401, "unauthenticated")
    problem(await ask(api.author, missing), 403, "forbidden")
    problem(await ask(api.admin, "/users/1/role"), 400, "bad_id")
    problem(await ask(api.admin, missing), 404, "account_not_found")
    answer = await ask(api.admin, f"{path_of(ada)}/role")
    problem(answer, status, error or "unsupported_media_type")


@pytest.mark.parametrize("action", ["disable", "enable"])
async def test_what_takes_no_body(api: Api, action: str) -> None:
    """400 for one that says something, after the tag was compared."""
    ada = await api.account("ada")
    path = f"{path_of(ada)}/{action}"

    problem(await api.admin.post(path, {"now": True}), 400, "invalid_body")
    stale = await api.admin.post(path, {"now": True}, headers=if_match('"2.9"'))
    problem(stale, 412, "stale_version")
    assert (await api.admin.post(path, {})).status_code == 200


async def test_of_many_with_one_tag_one_wins(api: Api) -> None:
    """The others are told 412."""
    ada = await api.account("ada")
    roles = [["author"], ["auditor"], ["operator"], ["admin"], ["author", "auditor"]]
    answers = await asyncio.gather(
        *(
            api.admin.post(f"{path_of(ada)}/role", {"roles": each}, headers=if_match('"2.1"'))
            for each in roles
        )
    )

    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 4
    [won] = [answer.json() for answer in answers if answer.status_code == 200]
    assert (await api.admin.get(path_of(ada))).json()["roles"] == won["roles"]


async def test_an_admin_who_is_none_any_more(api: Api) -> None:
    """What an admin does to themself counts at once, and what they asked for before is done."""
    first, second = [await api.account(name, Role.ADMIN) for name in ("first", "second")]
    own = await first.post(f"{path_of(first)}/role", {"roles": []})
    refused = await first.post(f"{path_of(second)}/disable")
    shut = await second.post(f"{path_of(second)}/disable")

    assert own.status_code == 200
    problem(refused, 403, "forbidden")
    assert shut.status_code == 200
    problem(await second.get("/users"), 401, "invalid_token")


async def test_who_did_it_is_in_the_log(api: Api) -> None:
    """The admin, the request and the command, and nothing personal."""
    ada = await api.account("ada")
    answer = await api.admin.post(f"{path_of(ada)}/disable")
    history = await api.auditor.get(f"/streams/account/{ada.account_id}")
    last = history.json()["items"][-1]

    assert last["data"] == {"type": "account.disabled.v1"}
    assert last["metadata"] == {
        "command": "DisableAccount",
        "actor": str(api.admin.account_id),
        "requestId": answer.headers["x-request-id"],
    }
    assert ADA not in history.text


async def test_a_password_is_shown_nowhere(api: Api) -> None:
    """Neither it nor its hash, nor the hash of the address."""
    ada = await api.account("ada")
    tokens = await log_in(api, ADA)
    hashes = await api.product.database.fetch(
        "select hash from account_passwords where account_id = $1", ada.account_id
    )
    answers = [
        await api.admin.get("/users"),
        await api.admin.get(path_of(ada)),
        await api.admin.post(f"{path_of(ada)}/disable"),
        await api.anonymous.get("/me", headers=bearer(tokens)),
    ]

    hidden = (PASSWORD, hashes[0][0], api.product.personal_data.email_hash(ADA))
    for answer in answers:
        assert not [each for each in hidden if each in answer.text]
