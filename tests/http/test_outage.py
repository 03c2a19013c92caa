"""Specifies an outage of PostgreSQL: told within a second, over without a restart (21)."""

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable
from contextlib import aclosing
from time import monotonic
from typing import Any, cast

import httpx
import msgspec
import pytest
from structlog.testing import capture_logs

from api.services import Services
from commands.ports import EventLog, LogEntry, StoreUnavailableError
from tests.support.http import fields, problem
from tests.support.own_postgres import own_postgres
from tests.support.posts import a_draft, a_post, a_published_post
from tests.support.product import Api, running_api
from tests.support.waiting import eventually

pytestmark = pytest.mark.usefixtures("prompt")

AT_ONCE = 1.0
SLACK = 3.0
"""What the client itself may take on a busy machine."""


async def _timed(asking: Awaitable[httpx.Response]) -> tuple[httpx.Response, float]:
    begun = monotonic()
    answer = await asking
    return answer, monotonic() - begun


async def _is_503_at_once(api: Api, path: str) -> None:
    """Ask in every way at the same time, twice."""
    for _ in range(2):
        timed = await asyncio.gather(
            _timed(api.anonymous.get(path)),
            _timed(api.anonymous.get("/posts")),
            _timed(api.anonymous.get("/perhaps-it-moved")),  # 404 might be a lie
            _timed(api.anonymous.head(path)),
            _timed(api.author.post("/posts", a_draft(slug="lost"))),
            _timed(api.author.patch(path, {"title": "Lost"}, headers={"If-Match": "*"})),
        )
        for answer, seconds in timed:
            assert answer.status_code == 503
            assert int(fields(answer)["retry-after"]) >= 1
            assert seconds < AT_ONCE + SLACK, f"{answer.request.method} took {seconds} s"
            if answer.request.method != "HEAD":
                problem(answer, 503, "service_degraded")
    alive, ready = await api.anonymous.get("/livez"), await api.anonymous.get("/readyz")
    assert alive.status_code == 200
    why = problem(ready, 503, "service_degraded")
    assert why["problems"]
    assert re.search(r"\w$", why["problems"][0]), "it names no reason"
    assert "write" not in why["detail"]


async def _recovers(api: Api, path: str) -> bool:
    async def served() -> bool:
        read, ready = await api.anonymous.get(path), await api.anonymous.get("/readyz")
        return (read.status_code, ready.status_code) == (200, 200)

    return await eventually(served)


@pytest.mark.timeout(60)
async def test_an_outage_of_the_database() -> None:
    """Crashed or hanging, it is 503 within a second; back again, all that was answered is there."""
    async with own_postgres() as postgres, running_api(postgres.url) as api:
        post = await a_published_post(api.author)

        await postgres.kill()
        await _is_503_at_once(api, post.path)
        await postgres.start()
        assert await _recovers(api, post.path)
        assert (await api.anonymous.get(post.path)).json() == post.body
        assert (await a_post(api.author, slug="after")).slug == "after"

        postgres.pause()
        try:
            await _is_503_at_once(api, post.path)
        finally:
            postgres.resume()
        assert await _recovers(api, post.path)
        # Whether what got 503 was written is unknown, but it is whole, and there once at most.
        read = (await api.anonymous.get(post.path)).json()
        assert read["title"] in {post.body["title"], "Lost"}
        assert read["version"] <= post.body["version"] + 1
        drafts = (await api.author.get("/posts?status=draft")).json()["items"]
        assert sorted(draft["slug"] for draft in drafts) in (["after"], ["after", "lost"])


class BreakingLog:
    """The log, whose database fails after so many entries."""

    def __init__(self, log: EventLog, most: int) -> None:
        self._log = log
        self._most = most
        self.head = log.head
        self.recorded = log.recorded
        self.tail = log.tail

    async def entries(self, *args: Any, **kwargs: Any) -> AsyncGenerator[LogEntry]:  # noqa: ANN401 - passed on
        """Give the first entries and fail."""
        async with aclosing(
            cast("AsyncGenerator[LogEntry]", self._log.entries(*args, **kwargs))
        ) as entries:
            given = 0
            async for entry in entries:
                if given == self._most:
                    raise StoreUnavailableError("gone")
                given += 1
                yield entry


async def test_an_outage_before_the_first_entry(database_url: str) -> None:
    """What could not even begin is 503, in pieces as in a page."""

    def alter(services: Services) -> Services:
        return msgspec.structs.replace(services, log=BreakingLog(services.log, 0))

    async with running_api(database_url, alter=alter) as api:
        await a_post(api.author)
        for accept in ("application/x-ndjson", "application/json"):
            answer = await api.auditor.get("/events", headers={"Accept": accept})

            problem(answer, 503, "service_degraded")
            assert int(answer.headers["retry-after"]) >= 1


async def test_an_outage_in_the_middle_of_an_answer(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The connection is cut, so that what came never looks complete, and no traceback is logged."""

    def alter(services: Services) -> Services:
        return msgspec.structs.replace(services, log=BreakingLog(services.log, 7))

    async with running_api(database_url, alter=alter) as api:
        for number in range(3):
            await a_post(api.author, title=f"Large {number}", content="x" * 200_000)
        request = api.auditor.request("GET", "/events", headers={"Accept": "application/x-ndjson"})
        with capture_logs() as said, pytest.raises(httpx.RemoteProtocolError):
            await api.auditor.http.send(request)

    assert [(line["log_level"], line["reason"]) for line in said] == [("warning", "gone")]
    assert "Traceback" not in caplog.text
