"""Specifies exports over HTTP (guide 5; HTTP contract, 19)."""

import asyncio
import io
import json
import zipfile
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from commands.jobs import change_job
from domain.account_decisions import Disable
from domain.job import Job
from domain.job_decisions import FailAttempt, Progress, Start
from infra.serve import export_sources
from tests.support.exporting import caller
from tests.support.http import Client, problem
from tests.support.posts import a_post
from tests.support.product import NOBODY, Api
from tests.support.waiting import eventually
from tests.workers.test_jobs import working
from workers.exports import expire_due, export_work
from workers.jobs import Work


def worker(api: Api) -> AbstractAsyncContextManager[asyncio.Event]:
    """Run a worker of exports while inside."""
    product = api.product
    sources = export_sources(product, api.settings)
    work: Work = export_work(api.services.exports.store, product.job_queries, product.log, sources)
    return working(product, {"export": work})


async def asked(client: Client) -> str:
    """Ask for an export, and give its address."""
    answer = await client.post("/exports")
    assert answer.status_code == 202, answer.text
    location: str = answer.headers["location"]
    return location


def id_in(location: str) -> UUID:
    """Give the id in an address."""
    return UUID(location.rpartition("/")[2])


@asynccontextmanager
async def ready(api: Api, client: Client) -> AsyncIterator[str]:
    """Have an export made, and give its address."""
    async with worker(api):
        location = await asked(client)

        async def so() -> bool:
            return (await client.get(location)).status_code == 303

        assert await eventually(so)
        yield location


async def link_of(client: Client, location: str) -> str:
    """Follow the way to the download, without going there."""
    answer = await client.get(location)
    assert answer.status_code == 303, answer.text
    assert answer.headers["cache-control"] == "no-store"
    link: str = answer.headers["location"]
    return link


async def test_asking(api: Api) -> None:
    """202 with the address of the state, as the guide's client expects it."""
    answer = await api.author.post("/exports")
    job_id = id_in(answer.headers["location"])

    assert answer.status_code == 202
    assert answer.headers["location"] == f"/exports/{job_id}"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == {
        "jobId": str(job_id),
        "status": "queued",
        "statusUrl": f"/exports/{job_id}",
    }


async def test_asking_while_one_is_under_way_leads_to_the_same(api: Api) -> None:
    """Also at the same moment; others have their own."""
    answers = await asyncio.gather(*(api.author.post("/exports") for _ in range(6)))
    locations = {answer.headers["location"] for answer in answers}

    assert [answer.status_code for answer in answers] == [202] * 6
    assert len(locations) == 1
    assert await asked(api.second_author) not in locations


async def test_who_was_disabled_asks_for_none(api: Api) -> None:
    """Whether one is under way or not, and though the account was seen a moment ago."""
    await api.author.get("/me")
    await api.change_account(api.author, Disable())
    before = await api.events()
    refused = await api.author.post("/exports")
    await asked(api.second_author)
    await api.change_account(api.second_author, Disable())
    not_led = await api.second_author.post("/exports")

    assert refused.status_code == not_led.status_code == 401
    assert "location" not in not_led.headers
    assert await api.events() == before + 2  # the other's export, and the end of that account


async def test_the_state_of_one_under_way(api: Api) -> None:
    """200, when to ask again, how much is done, and nobody keeps it."""
    location = await asked(api.author)
    queued = await api.author.get(location)
    jobs, job_id = api.product.jobs, id_in(location)
    await change_job(jobs, caller(), job_id, Start())
    await change_job(jobs, caller(), job_id, Progress(40))
    running = await api.author.get(location)

    for answer in (queued, running):
        assert answer.status_code == 200
        assert int(answer.headers["retry-after"]) > 0
        assert answer.headers["cache-control"] == "no-store"
    assert queued.json() == {
        "jobId": str(job_id),
        "status": "queued",
        "statusUrl": location,
        "progress": 0,
        "attempts": 0,
        "requestedAt": "2026-03-01T09:00:00.123456Z",
        "retryAt": None,
        "reason": None,
        "size": None,
        "sha256": None,
        "position": None,
        "expiresAt": None,
    }
    assert (running.json()["status"], running.json()["progress"]) == ("running", 40)


async def test_a_client_that_polls_gets_the_zip(api: Api) -> None:
    """As the guide's does: 202, 200 while it runs, 303, and a ZIP without a token."""
    post = await a_post(api.author, title="A story")
    async with ready(api, api.author) as location:
        link = await link_of(api.author, location)
        answer = await api.anonymous.get(link)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"].startswith("attachment; filename=")
    assert answer.headers["cache-control"] == "private, no-store"
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert json.loads(archive.read("account.json"))["id"] == str(api.author.account_id)
    [shown] = json.loads(archive.read("posts/00001.json"))
    assert shown["id"] == str(post.id)


async def test_a_download_can_go_on(api: Api) -> None:
    """By ranges, as long as it is the same ZIP; and its tag is known again."""
    async with ready(api, api.author) as location:
        link = await link_of(api.author, location)
        whole = await api.anonymous.get(link)
        tag = whole.headers["etag"]
        ranges = {"Range": "bytes=100-", "If-Range": tag}
        rest = await api.anonymous.get(link, headers=ranges)
        head = await api.anonymous.head(link)
        same = await api.anonymous.get(link, headers={"If-None-Match": tag})

    size = len(whole.content)
    assert rest.status_code == 206
    assert rest.headers["content-range"] == f"bytes 100-{size - 1}/{size}"
    assert rest.content == whole.content[100:]
    assert head.headers["content-length"] == str(size)
    assert (same.status_code, same.content) == (304, b"")


async def test_a_link_that_was_altered_is_none(api: Api) -> None:
    """Nor is one of another export, or one without a signature; nobody learns what there is."""
    async with ready(api, api.author) as location:
        link = await link_of(api.author, location)
        query = urlsplit(link).query
        expires = link.partition("expires=")[2].partition("&")[0]
        later = link.replace(expires, str(int(expires) + 1))
        for bad in (
            later,
            f"/exports/{NOBODY}/download?{query}",
            f"{location}/download?expires=9999999999&signature=",
            f"{location}/download?expires=9999999999&signature=%C3%A4",
        ):
            problem(await api.anonymous.get(bad), 403, "download_link_invalid")


async def test_a_link_ends(api: Api) -> None:
    """And the state leads to a new one."""
    async with ready(api, api.author) as location:
        link = await link_of(api.author, location)
        api.clock.advance(timedelta(hours=1))
        problem(await api.anonymous.get(link), 403, "download_link_invalid")
        fresh = await link_of(await api.client(api.author.account_id), location)
        answer = await api.anonymous.get(fresh)

    assert answer.status_code == 200


async def test_another_persons_is_as_none(api: Api) -> None:
    """404, with the same bytes but for the address and the request."""
    location = await asked(api.author)
    bodies = []
    for path in (location, f"/exports/{NOBODY}"):
        answer = await api.second_author.get(path)
        body = problem(answer, 404, "job_not_found")
        bodies.append({k: v for k, v in body.items() if k not in {"instance", "requestId"}})
        problem(await api.second_author.delete(path), 404, "job_not_found")

    assert bodies[0] == bodies[1]


async def test_one_that_failed_says_so(api: Api) -> None:
    """500 with how often it was tried, and a code instead of the inside."""
    location = await asked(api.author)
    jobs, job_id = api.product.jobs, id_in(location)
    await change_job(jobs, caller(), job_id, Start())
    failed = await change_job(jobs, caller(), job_id, FailAttempt("storage_full", again=False))
    assert isinstance(failed, Job)
    body = problem(await api.author.get(location), 500, "job_failed")

    assert (body["attempts"], body["reason"]) == (1, "storage_full")


async def test_one_that_is_removed_is_gone(api: Api) -> None:
    """204, then 410, for the state and for the link; another one can be asked for."""
    async with ready(api, api.author) as location:
        link = await link_of(api.author, location)
        removed = await api.author.delete(location)
        again = await api.author.delete(location)

        assert (removed.status_code, again.status_code) == (204, 204)
        problem(await api.author.get(location), 410, "job_expired")
        problem(await api.anonymous.get(link), 410, "job_expired")
    assert await api.services.exports.store.names() == []


async def test_one_that_is_removed_while_somebody_begins_to_download_it(api: Api) -> None:
    """503 until everybody is told that it is gone: nothing failed here."""
    async with ready(api, api.author) as location:
        link = await link_of(api.author, location)
        for path in (api.settings.data_dir / "files" / "exports").iterdir():
            path.unlink()
        answer = await api.anonymous.get(link)

    problem(answer, 503, "service_degraded")


async def test_one_that_is_called_off_is_gone(api: Api) -> None:
    """And another one can be asked for at once."""
    location = await asked(api.author)
    removed = await api.author.delete(location)

    assert removed.status_code == 204
    problem(await api.author.get(location), 410, "job_cancelled")
    assert await asked(api.author) != location


async def test_one_whose_time_is_over_is_gone(api: Api) -> None:
    """From the moment on, and its file soon after."""
    async with ready(api, api.author) as location:
        link = await link_of(api.author, location)
    queries = api.product.job_queries
    await api.product.database.fetch("update jobs set expires_at = $1", api.clock.now())
    problem(await api.author.get(location), 410, "job_expired")
    problem(await api.anonymous.get(link), 410, "job_expired")
    await expire_due(api.services.exports, queries, api.clock.now())

    assert await api.services.exports.store.names() == []
    problem(await api.author.get(location), 410, "job_expired")


async def test_a_repeat_with_the_same_key_gets_the_first_answer(api: Api) -> None:
    """Also when nothing was begun by it, as one was under way."""
    first = {"Idempotency-Key": "first"}
    joined = {"Idempotency-Key": "joined"}
    answers = [
        await api.author.post("/exports", headers=headers)
        for headers in (first, first, joined, joined)
    ]
    location = answers[0].headers["location"]
    await api.author.delete(location)
    answers += [await api.author.post("/exports", headers=headers) for headers in (first, joined)]

    assert {answer.status_code for answer in answers} == {202}
    assert {answer.headers["location"] for answer in answers} == {location}
    assert len({answer.content for answer in answers}) == 1
    assert len({answer.headers["cache-control"] for answer in answers}) == 1
    assert not any("etag" in answer.headers for answer in answers)


async def test_waiting_for_the_result(api: Api) -> None:
    """`wait` leads to the ZIP where it is ready in time, and else says what was honoured."""
    prefer = {"Prefer": "respond-async, wait=10"}
    short = {"Prefer": "respond-async, wait=0"}
    late = await api.author.post("/exports", headers=short)
    async with worker(api):
        there = await api.author.get(late.headers["location"], headers=prefer)
        answer = await api.second_author.post("/exports", headers=prefer)

    assert (late.status_code, late.headers["preference-applied"]) == (
        202,
        "respond-async, wait=0",
    )
    assert there.status_code == 303
    assert answer.status_code == 303
    assert "/download?" in answer.headers["location"]


async def test_one_sees_ones_exports(api: Api) -> None:
    """The newest first, in pages, with a tag; nobody else's."""
    locations = []
    for _ in range(3):
        locations.append(await asked(api.author))
        await api.author.delete(locations[-1])
        api.clock.advance()
    await asked(api.second_author)
    first = await api.author.get("/exports?limit=2")
    cursor = first.json()["nextCursor"]
    second = await api.author.get(f"/exports?limit=2&cursor={cursor}")
    again = await api.author.get(
        "/exports?limit=2", headers={"If-None-Match": first.headers["etag"]}
    )

    shown = [*first.json()["items"], *second.json()["items"]]
    assert [item["statusUrl"] for item in shown] == locations[::-1]
    assert {item["status"] for item in shown} == {"cancelled"}
    assert second.json()["nextCursor"] is None
    assert again.status_code == 304
    problem(await api.author.get("/exports?cursor=x"), 400, "bad_cursor")


def _events(text: str) -> list[dict[str, Any]]:
    return [
        json.loads(line.removeprefix("data: "))
        for line in text.splitlines()
        if line.startswith("data: ")
    ]


async def test_following_one_live(api: Api) -> None:
    """An event for each change until it is over; then 204 tells a browser to stay away."""
    location = await asked(api.author)
    request = api.author.request("GET", f"{location}/events")
    following = asyncio.create_task(api.author.http.send(request))
    async with worker(api):
        answer = await asyncio.wait_for(following, 10)
    last = answer.text.split("id: ")[-1].split("\n")[0]
    back = await api.author.get(f"{location}/events", headers={"Last-Event-ID": last})

    assert answer.headers["content-type"] == "text/event-stream"
    events = _events(answer.text)
    assert events[-1]["status"] == "completed"
    assert events[-1]["progress"] == 100
    assert (back.status_code, back.content) == (204, b"")


async def test_who_is_erased_leaves_no_export(api: Api) -> None:
    """Neither the file nor the link to it."""
    somebody = await api.account("somebody")
    async with ready(api, somebody) as location:
        link = await link_of(somebody, location)
    answer = await somebody.delete("/me")

    assert answer.status_code == 204, answer.text
    assert await api.services.exports.store.names() == []
    problem(await api.anonymous.get(link), 410, "job_expired")


async def test_what_it_does_not_take(api: Api) -> None:
    """Neither a body nor parameters."""
    problem(await api.author.post("/exports", {"all": True}), 400, "invalid_body")
    problem(await api.author.post("/exports?all=1"), 400, "bad_parameter")
    problem(await api.author.get("/exports/1"), 400, "bad_id")
