"""Specifies rebuilding a projection over HTTP: asking for it, looking at it, calling it off."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from uuid_utils.compat import uuid7

from infra.serve import running_rebuilder
from tests.support.http import fields, problem
from tests.support.log import connected
from tests.support.posts import a_published_post
from tests.support.product import NOBODY, Api, running_api
from tests.support.waiting import eventually

NO_STORE = {
    "content-type": "application/json",
    "cache-control": "no-store",
    "vary": "Accept, Authorization",
}


async def asked(api: Api, name: str) -> str:
    """Ask for a rebuild, and give the address at which it stands."""
    answer = await api.operator.post(f"/projections/{name}/rebuild")
    assert answer.status_code == 202, answer.text
    return str(answer.headers["location"])


async def at(api: Api, address: str) -> httpx.Response:
    """Look at a rebuild."""
    answer = await api.operator.get(address)
    assert answer.status_code == 200, answer.text
    return answer


async def is_(api: Api, address: str, status: str) -> dict[str, Any]:
    """Wait until a rebuild has a status, and give all of it."""

    async def reached() -> bool:
        return bool((await at(api, address)).json()["status"] == status)

    assert await eventually(reached), (await at(api, address)).text
    members: dict[str, Any] = (await at(api, address)).json()
    return members


@asynccontextmanager
async def held_up(url: str, name: str) -> AsyncIterator[None]:
    """Let every rebuild of a projection wait, as while another one is going on."""
    async with connected(url) as other:
        await other.execute("select pg_advisory_lock(72057594, hashtext($1))", name)
        yield


@pytest.fixture
async def alone(database_url: str) -> AsyncIterator[Api]:
    """Serve the product on a database whose tables may change."""
    async with running_api(database_url) as api:
        yield api


async def test_it_is_queued(api: Api) -> None:
    """202 with its address, at which it waits for a projector; nobody need hold the line."""
    answer = await api.operator.post("/projections/search/rebuild")
    members = answer.json()
    found = await at(api, members["statusUrl"])

    assert answer.status_code == 202
    assert fields(answer) == {
        "content-type": "application/json",
        "cache-control": "no-store",
        "location": members["statusUrl"],
    }
    assert members == {
        "id": members["id"],
        "projection": "search",
        "status": "queued",
        "statusUrl": f"/projections/search/rebuilds/{members['id']}",
    }
    shown = found.json()
    assert shown == members | {
        "step": None,
        "progress": {"read": 0, "total": 0, "percent": 0},
        "result": None,
        "reason": None,
        "requestedAt": shown["requestedAt"],
    }
    assert fields(found) == NO_STORE | {"retry-after": "1"}


async def test_it_is_done(alone: Api, database_url: str) -> None:
    """By a projector; the log has who asked, and what was served before is kept."""
    await a_published_post(alone.author)
    head = await alone.events()
    address = await asked(alone, "posts")
    async with running_rebuilder(alone.product, database_url):
        done = await is_(alone, address, "completed")
    status = (await alone.operator.get("/projections/posts")).json()
    rows = await alone.product.database.fetch(
        "select metadata->>'actor', metadata->>'correlation' from events where position = $1",
        head + 1,
    )

    held = done["result"].pop("heldSeconds")
    assert held > 0
    assert done["result"] == {"generation": 2, "position": head, "rows": 1, "differing": 0}
    assert done["progress"] == {"read": 2, "total": 2, "percent": 100}
    assert (done["step"], done["reason"]) == (None, None)
    assert status["generation"] == 2
    assert fields(await at(alone, address)) == NO_STORE
    assert [tuple(row) for row in rows] == [(str(alone.operator.account_id), done["id"])]


async def test_one_at_a_time(api: Api) -> None:
    """409 with the address of the one that is under way, of this projection alone."""
    address = await asked(api, "search")
    answer = await api.operator.post("/projections/search/rebuild")

    assert problem(answer, 409, "rebuild_in_progress")["collidesWith"] == address
    assert await asked(api, "posts") != address


async def test_one_that_waits_is_called_off(api: Api) -> None:
    """204; then it is over, and another can be asked for."""
    address = await asked(api, "search")
    answer = await api.operator.delete(address)
    found = await at(api, address)
    again = await api.operator.delete(address)

    assert (answer.status_code, answer.content) == (204, b"")
    assert found.json()["status"] == "cancelled"
    assert "retry-after" not in fields(found)
    assert problem(again, 409, "rebuild_over")["collidesWith"] == address
    assert await asked(api, "search") != address


async def test_one_that_runs_is_called_off(alone: Api, database_url: str) -> None:
    """What is served stays, and the next one is done."""
    async with running_rebuilder(alone.product, database_url):
        async with held_up(database_url, "accounts"):
            address = await asked(alone, "accounts")
            running = await is_(alone, address, "running")
            headers = fields(await at(alone, address))
            answer = await alone.operator.delete(address)
        following = await asked(alone, "accounts")
        done = await is_(alone, following, "completed")

    assert (running["step"], running["result"]) == ("begin", None)
    assert headers == NO_STORE | {"retry-after": "1"}
    assert answer.status_code == 204
    assert (await at(alone, address)).json()["status"] == "cancelled"
    assert done["result"]["generation"] == 2


async def test_one_that_fails_says_why(alone: Api, database_url: str) -> None:
    """And nothing has changed."""
    await alone.product.database.fetch(
        "update projections set schema_version = 99 where name = 'search'"
    )
    address = await asked(alone, "search")
    async with running_rebuilder(alone.product, database_url):
        failed = await is_(alone, address, "failed")
    again = await alone.operator.delete(address)

    assert failed["reason"] == (
        "the tables of search are of schema version 99, which is newer than this program's (1)"
    )
    assert (failed["result"], failed["progress"]["percent"]) == (None, 0)
    assert problem(again, 409, "rebuild_over")["collidesWith"] == address
    assert (await alone.operator.get("/projections/search")).json()["generation"] == 1


async def test_what_is_not_there(api: Api) -> None:
    """404 for another projection's rebuild as for none; 400 for what is no id."""
    address = await asked(api, "search")
    elsewhere = address.replace("search", "posts")
    nowhere = f"/projections/search/rebuilds/{uuid7()}"

    for name in ("nothing", "search%27--", "a" * 500):
        answer = await api.operator.post(f"/projections/{name}/rebuild")
        problem(answer, 404, "projection_not_found")
    for missing in (elsewhere, nowhere):
        problem(await api.operator.get(missing), 404, "rebuild_not_found")
        problem(await api.operator.delete(missing), 404, "rebuild_not_found")
    bad = "/projections/search/rebuilds/1"
    problem(await api.operator.get(bad), 400, "bad_id")
    problem(await api.operator.delete(bad), 400, "bad_id")
    assert (await at(api, address)).json()["status"] == "queued"


@pytest.mark.parametrize("name", ["anonymous", "author", "admin", "auditor"])
async def test_others_learn_nothing(api: Api, name: str) -> None:
    """401 or 403, whether or not there is such a projection or rebuild."""
    address = await asked(api, "search")
    client = getattr(api, name)
    status, error = (401, "unauthenticated") if name == "anonymous" else (403, "forbidden")

    for path in (address, f"/projections/nothing/rebuilds/{NOBODY}", "/projections/x/rebuilds/1"):
        problem(await client.get(path), status, error)
        problem(await client.delete(path), status, error)
    for path in ("/projections/posts/rebuild", "/projections/nothing/rebuild"):
        problem(await client.post(path), status, error)
    assert (await at(api, address)).json()["status"] == "queued"


async def test_nothing_else_is_taken(api: Api) -> None:
    """No parameter, no body but an empty object; nothing is queued where it was refused."""
    ask = "/projections/search/rebuild"
    problem(await api.operator.post(f"{ask}?x=1"), 400, "bad_parameter")
    problem(await api.operator.post(ask, {"x": 1}), 400, "invalid_body")
    problem(await api.operator.post(ask, headers={"Accept": "text/html"}), 406, "not_acceptable")
    answer = await api.operator.post(ask, {})
    address = answer.headers["location"]

    assert answer.status_code == 202
    problem(await api.operator.get(f"{address}?x=1"), 400, "bad_parameter")
    problem(await api.operator.delete(f"{address}?x=1"), 400, "bad_parameter")
    assert (await at(api, address)).json()["status"] == "queued"
