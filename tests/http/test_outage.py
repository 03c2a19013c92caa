"""Specifies an outage of PostgreSQL: told within a second, over without a restart (21)."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic

import httpx
import pytest

from infra.embedded.postgres import NAME, start_postgres
from infra.embedded.resolve import Places
from infra.embedded.supervisor import Supervisor, supervised
from infra.migrate import migrate
from tests.support.http import fields, problem
from tests.support.posts import a_draft, a_post, a_published_post
from tests.support.product import Api, running_api
from tests.support.services import data_folder

AT_ONCE = 1.0
RECOVERED_WITHIN = 5.0


class Postgres:
    """A server of this test's own, to be harmed."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._pid = 0
        self.url = ""

    async def start(self) -> None:
        """Start it, or start it again with what it holds."""
        started = await start_postgres(self._supervisor, Places.of_this_machine(), durable=False)
        self.url, self._pid = started.url, started.pid or 0

    async def kill(self) -> None:
        """Crash it."""
        os.kill(self._pid, signal.SIGKILL)
        await self._supervisor.stop(NAME)

    def pause(self) -> None:
        """Let it answer nothing and close nothing."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        children = Path(f"/proc/{self._pid}/task/{self._pid}/children").read_text("ascii").split()
        for pid in (self._pid, *map(int, children)):
            os.kill(pid, number)


@asynccontextmanager
async def own_postgres() -> AsyncIterator[Postgres]:
    """Run a server that nobody else uses, migrated."""
    with data_folder() as folder:
        async with supervised(folder) as supervisor:
            postgres = Postgres(supervisor)
            await postgres.start()
            await migrate(postgres.url)
            yield postgres


async def _timed(asked: "asyncio.Future[httpx.Response] | object") -> tuple[httpx.Response, float]:
    begun = monotonic()
    answer: httpx.Response = await asked  # type: ignore[misc,assignment]  # any awaitable answer
    return answer, monotonic() - begun


async def _is_503_at_once(api: Api, path: str) -> None:
    """Ask in every way at the same time, twice."""
    for _ in range(2):
        timed = await asyncio.gather(
            _timed(api.anonymous.get(path)),
            _timed(api.anonymous.get("/posts")),
            _timed(api.anonymous.head(path)),
            _timed(api.author.post("/posts", a_draft(slug="lost"))),
            _timed(api.author.patch(path, {"title": "Lost"}, headers={"If-Match": "*"})),
        )
        for answer, seconds in timed:
            assert answer.status_code == 503
            assert int(fields(answer)["retry-after"]) >= 1
            assert seconds < AT_ONCE + 0.2, f"{answer.request.method} took {seconds} s"
            if answer.request.method != "HEAD":
                problem(answer, 503, "service_degraded")
    alive, ready = await api.anonymous.get("/livez"), await api.anonymous.get("/readyz")
    assert alive.status_code == 200
    assert problem(ready, 503, "service_degraded")["problems"]


async def _recovers(api: Api, path: str) -> None:
    deadline = monotonic() + RECOVERED_WITHIN
    while (await api.anonymous.get(path)).status_code != 200:
        assert monotonic() < deadline, "the product did not recover"
        await asyncio.sleep(0.05)
    assert (await api.anonymous.get("/readyz")).status_code == 200


@pytest.mark.timeout(60)
async def test_an_outage_of_the_database() -> None:
    """Crashed or hanging, it is 503 within a second; when it is back, all that was answered is."""
    async with own_postgres() as postgres, running_api(postgres.url) as api:
        post = await a_published_post(api.author)

        await postgres.kill()
        await _is_503_at_once(api, post.path)
        await postgres.start()
        await _recovers(api, post.path)
        assert (await api.anonymous.get(post.path)).json() == post.body
        assert (await a_post(api.author, slug="after")).slug == "after"

        postgres.pause()
        try:
            await _is_503_at_once(api, post.path)
        finally:
            postgres.resume()
        await _recovers(api, post.path)
        # Whether what got 503 was written is unknown, but it is whole, and once at most.
        read = (await api.anonymous.get(post.path)).json()
        assert read["title"] in {post.body["title"], "Lost"}
        assert read["version"] <= post.body["version"] + 1
        drafts = (await api.author.get("/posts?status=draft")).json()["items"]
        assert sorted(draft["slug"] for draft in drafts) in (["after"], ["after", "lost"])
