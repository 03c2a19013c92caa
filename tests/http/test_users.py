"""Specifies the accounts as administrators see them, one and in a list."""

from urllib.parse import quote

import pytest

from domain.account_decisions import Disable
from domain.stream import Role
from tests.support.http import Client, fields, if_match, problem
from tests.support.product import Api

ADA = "ada@test.example"
NOT_THERE = "/users/01920000-0000-7000-8000-000000000000"
CREATED = "2026-03-01T09:00:00.123456Z"
OLD = {"If-Unmodified-Since": "Sun, 01 Mar 2020 00:00:00 GMT"}
NEW = {"If-Modified-Since": "Fri, 01 Mar 2030 00:00:00 GMT"}


def path_of(client: Client) -> str:
    """Give the address of somebody's account."""
    return f"/users/{client.account_id}"


async def emails(api: Api, address: str) -> list[str]:
    """List the addresses on a page."""
    answer = await api.admin.get(address)
    assert answer.status_code == 200, answer.text
    return [item["email"].partition("@")[0] for item in answer.json()["items"]]


async def several(api: Api, many: int = 3) -> list[Client]:
    """Make accounts, a second apart."""
    made = []
    for number in range(many):
        api.clock.advance()
        made.append(await api.account(f"user-{number}"))
    return made


async def test_the_list(api: Api) -> None:
    """All accounts, the newest first, with what is personal opened."""
    ada, *_ = await several(api, 1)
    answer = await api.admin.get("/users")
    items = answer.json()["items"]

    assert answer.status_code == 200
    assert fields(answer).keys() == {"content-type", "cache-control", "vary", "etag", "link"}
    assert answer.headers["cache-control"] == "private, no-cache"
    assert answer.headers["vary"] == "Accept, Authorization"
    assert answer.headers["link"] == '</users?limit=50>; rel="first"'
    assert len(items) == 6
    assert items[0] == {
        "id": str(ada.account_id),
        "email": "user-0@test.example",
        "name": None,
        "roles": [],
        "disabled": False,
        "secondFactor": False,
        "createdAt": "2026-03-01T09:00:01.123456Z",
        "version": 1,
    }
    assert answer.json()["nextCursor"] is None


async def test_pages(api: Api) -> None:
    """Every account once, over links or over cursors, also while others register."""
    await several(api)
    seen: list[str] = []
    address = "/users?limit=3"
    sizes = []
    while True:
        answer = await api.admin.get(address)
        page = [item["email"].partition("@")[0] for item in answer.json()["items"]]
        sizes.append(len(page))
        seen += page
        following = answer.links.get("next")
        if following is None:
            break
        assert following["url"] == f"/users?limit=3&cursor={answer.json()['nextCursor']}"
        assert answer.links["first"]["url"] == "/users?limit=3"
        address = following["url"]
        await api.account(f"late-{len(sizes)}")

    assert sizes == [3, 3, 2]
    assert seen[:3] == ["user-2", "user-1", "user-0"]
    assert sorted(seen[3:]) == ["admin", "auditor", "author", "operator", "second-author"]


async def test_a_page_that_is_just_full(api: Api) -> None:
    """There is no next one."""
    answer = await api.admin.get("/users?limit=5")

    assert len(answer.json()["items"]) == 5
    assert answer.json()["nextCursor"] is None
    assert "next" not in answer.links


async def test_a_page_is_revalidated(api: Api) -> None:
    """304 until an account on it changes, another tag for another page; dates count for nothing."""
    ada, *_ = await several(api)
    first = await api.admin.get("/users")
    tag = first.headers["etag"]
    same = await api.admin.get("/users", headers={"If-None-Match": tag} | OLD)
    other = await api.admin.get("/users?limit=7", headers={"If-None-Match": tag})
    dated = await api.admin.get("/users", headers=OLD | NEW)
    await api.change_account(ada, Disable())
    changed = await api.admin.get("/users", headers={"If-None-Match": tag})

    assert same.status_code == 304
    assert fields(same) == {name: fields(first)[name] for name in ("etag", "cache-control", "vary")}
    assert [answer.status_code for answer in (other, dated, changed)] == [200] * 3
    assert len({first.headers["etag"], other.headers["etag"], changed.headers["etag"]}) == 3


@pytest.mark.parametrize("spelling", [ADA, "ADA@Test.Example", " ada@test.example "])
async def test_found_by_the_address(api: Api, spelling: str) -> None:
    """However it is spelt; the link to this list keeps the address."""
    ada = await api.account("ada")
    answer = await api.admin.get(f"/users?email={quote(spelling)}")

    assert [item["id"] for item in answer.json()["items"]] == [str(ada.account_id)]
    assert (await api.admin.get(answer.links["first"]["url"])).json() == answer.json()
    assert await emails(api, "/users?email=nobody@test.example") == []


async def test_who_is_erased_is_not_shown(api: Api) -> None:
    """Neither in the list nor by the address."""
    ada = await api.account("ada")
    before = await api.admin.get("/users")
    assert (await ada.delete("/me")).status_code == 204
    after = await api.admin.get("/users", headers={"If-None-Match": before.headers["etag"]})

    assert after.status_code == 200
    assert ADA in before.text
    assert ADA not in after.text
    assert str(ada.account_id) not in after.text
    assert await emails(api, f"/users?email={ADA}") == []


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("cursor=nonsense", "bad_cursor"),
        ("cursor=", "bad_cursor"),
        (f"cursor={'A' * 44}", "bad_cursor"),
        ("limit=0", "bad_parameter"),
        ("limit=101", "bad_parameter"),
        ("limit=ten", "bad_parameter"),
        ("email=nobody", "bad_parameter"),
        ("email=", "bad_parameter"),
        ("email=a@b.example&email=c@d.example", "bad_parameter"),
        ("role=admin", "bad_parameter"),
    ],
)
async def test_a_bad_query(api: Api, query: str, error: str) -> None:
    """400, for admins; others are told first that they may not."""
    problem(await api.admin.get(f"/users?{query}"), 400, error)
    problem(await api.author.get(f"/users?{query}"), 403, "forbidden")
    problem(await api.anonymous.get(f"/users?{query}"), 401, "unauthenticated")


async def test_a_cursor_of_another_list(api: Api) -> None:
    """It is none of this one."""
    for number in range(2):
        draft = {"title": f"T {number}", "content": "Text.", "category": "tech"}
        await api.author.post("/posts", draft)
    posts = await api.author.get("/posts?status=draft&limit=1")

    cursor = posts.json()["nextCursor"]
    problem(await api.admin.get(f"/users?cursor={cursor}"), 400, "bad_cursor")


async def test_one_account(api: Api) -> None:
    """For admins, and for whoever it is; others get 403, whether or not there is one."""
    ada = await api.account("ada", Role.AUTHOR)
    answer = await api.admin.get(path_of(ada))
    own = await ada.get(path_of(ada))

    assert answer.status_code == 200
    assert fields(answer) == {
        "content-type": "application/json",
        "etag": '"2.1"',
        "cache-control": "private, no-cache",
        "vary": "Accept, Authorization",
    }
    assert answer.json() == own.json()
    assert answer.json() == {
        "id": str(ada.account_id),
        "email": ADA,
        "name": None,
        "roles": ["author"],
        "disabled": False,
        "secondFactor": False,
        "createdAt": CREATED,
        "version": 1,
    }
    for address in (path_of(api.admin), NOT_THERE):
        problem(await ada.get(address), 403, "forbidden")
    problem(await api.admin.get(NOT_THERE), 404, "account_not_found")
    problem(await api.admin.get("/users/1"), 400, "bad_id")


async def test_one_account_is_revalidated(api: Api) -> None:
    """304 while it has not changed, 412 where another version was wanted; dates do not count."""
    ada = await api.account("ada")
    first = await api.admin.get(path_of(ada))
    tag = first.headers["etag"]
    same = await api.admin.get(path_of(ada), headers={"If-None-Match": f"W/{tag}"} | OLD)
    dated = await api.admin.get(path_of(ada), headers=OLD | NEW)
    await api.change_account(ada, Disable())
    changed = await api.admin.get(path_of(ada), headers={"If-None-Match": tag})
    stale = await api.admin.get(path_of(ada), headers=if_match(tag))

    assert (same.status_code, same.headers["etag"]) == (304, tag)
    assert dated.status_code == 200
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2.2"')
    assert problem(stale, 412, "stale_version")["currentTag"] == '"2.2"'
    malformed = await api.admin.get(path_of(ada), headers={"If-None-Match": "2.1"})
    problem(malformed, 400, "malformed_header")
