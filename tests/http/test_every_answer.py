"""Specifies what is true of every answer: request ids, hosts, drains, crashes (20, 21, 23, 24)."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, Never
from uuid import UUID

import msgspec
import pytest
from structlog.testing import capture_logs

from api.services import Services
from commands.ports import StoreUnavailableError
from tests.support.http import DEADLINE, fields, problem
from tests.support.posts import a_draft, a_post
from tests.support.product import Api, running_api

SECRET = "secret of the inside: select * from /etc/passwd"  # noqa: S105 - what must not be shown


class Broken:
    """Stands for any service: whatever is asked of it fails."""

    def __init__(self, error: Callable[[], Exception]) -> None:
        self._error = error

    def __getattr__(self, name: str) -> Never:
        """Fail in a way that says a lot."""
        raise self._error()


def _broken(error: Callable[[], Exception]) -> Callable[[Services], Services]:
    broken: Any = Broken(error)
    return lambda services: msgspec.structs.replace(
        services, post_queries=broken, posts=broken, log=broken
    )


CALLS: list[Any] = [
    ("GET", "/posts", None),
    ("GET", "/posts/01920000-0000-7000-8000-000000000000", None),
    ("HEAD", "/posts/slug/a", None),
    ("GET", "/posts/01920000-0000-7000-8000-000000000000/versions", None),
    ("POST", "/posts", a_draft()),
    ("DELETE", "/posts/01920000-0000-7000-8000-000000000000", None),
]


async def test_a_crash_shows_nothing_of_the_inside(database_url: str) -> None:
    """500 has a request id; the log has the rest under it."""
    async with running_api(database_url, alter=_broken(lambda: RuntimeError(SECRET))) as api:
        for method, path, body in CALLS:
            with capture_logs() as logs:
                answer = await api.author.send(method, path, body)
            assert answer.status_code == 500
            assert "secret" not in answer.text + str(answer.headers)
            assert "retry-after" not in fields(answer)
            if method != "HEAD":
                assert problem(answer, 500, "internal_error").keys() == {
                    *("type", "title", "status", "detail", "instance", "error", "requestId")
                }
            logged = [entry for entry in logs if entry["log_level"] == "error"]
            assert [entry["request_id"] for entry in logged] == [answer.headers["x-request-id"]]
            assert SECRET in repr(logged[0]["exc_info"])


async def test_an_outage_is_503_at_once(database_url: str) -> None:
    """Retry-After, and nothing of the inside; what needs no database goes on."""
    outage = _broken(lambda: StoreUnavailableError(SECRET))
    async with running_api(database_url, alter=outage) as api:
        for method, path, body in CALLS:
            answer = await api.author.send(method, path, body)
            assert answer.status_code == 503
            assert int(fields(answer)["retry-after"]) >= 1
            assert "secret" not in answer.text + str(answer.headers)
        assert (await api.anonymous.get("/livez")).status_code == 200


async def test_each_request_has_an_id_of_its_own(api: Api) -> None:
    """A UUIDv7, in the field and in the problem; a client cannot choose it."""
    ask = {"X-Request-Id": "mine"}
    ids = [
        (await api.anonymous.get(path, headers=ask)).headers["x-request-id"]
        for path in ("/posts", "/nothing", "/livez") * 5
    ]

    assert len(set(ids)) == 15
    assert {UUID(id_).version for id_ in ids} == {7}


async def test_the_log_of_events_names_the_request(api: Api) -> None:
    """What a request wrote is found by its id."""
    answer = await api.author.post("/posts", a_draft())
    rows = await api.product.database.fetch(
        "select metadata from events order by position desc limit 1"
    )

    assert json.loads(rows[0][0])["requestId"] == answer.headers["x-request-id"]


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "\t", "Bearer", "x" * 4000])
async def test_a_bad_token_is_401_everywhere(api: Api, token: str) -> None:
    """Also where none is needed: who sends one means to be somebody."""
    post = await a_post(api.author)
    for method, path in (
        ("GET", "/posts"),
        ("GET", post.path),
        ("GET", f"/posts/slug/{post.slug}"),
        ("GET", f"{post.path}/versions"),
        ("DELETE", post.path),
        ("POST", "/posts"),
    ):
        headers = {"Authorization": f"Bearer {token}".strip()}
        answer = await api.anonymous.send(method, path, headers=headers)
        problem(answer, 401, "invalid_token")
        assert fields(answer)["www-authenticate"] == 'Bearer realm="api", error="invalid_token"'


@pytest.mark.parametrize("scheme", ["Basic", "Digest", "Bearerx"])
async def test_other_schemes_are_refused(api: Api, scheme: str) -> None:
    """401 says that Bearer is wanted."""
    answer = await api.anonymous.get(
        "/posts", headers={"Authorization": f"{scheme} {api.author.token()}"}
    )

    problem(answer, 401, "invalid_token")


async def test_the_scheme_has_no_case(api: Api) -> None:
    """`bearer` is Bearer (RFC 9110, 11.1)."""
    answer = await api.anonymous.get(
        "/posts?status=draft", headers={"Authorization": f"bearer {api.author.token()}"}
    )

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8000", 200),
        ("LOCALHOST", 200),
        ("[::1]:80", 200),
        ("elsewhere.example", 421),
        ("127.0.0.1.elsewhere.example", 421),
        ("localhost.", 421),
        ("127.0.0.1:99999", 400),
        ("127.0.0.1:x", 400),
        ("a b", 400),
        ("", 400),
        ("localhost, localhost", 400),
        ("user@localhost", 400),
        ("localhost/x", 400),
    ],
)
async def test_hosts(api: Api, host: str, status: int) -> None:
    """Ours, whatever the port; a foreign one is 421, a malformed one 400."""
    answer = await api.anonymous.get("/posts", headers={"Host": host})

    assert answer.status_code == status
    if status == 421:
        problem(answer, 421, "misdirected_request")


async def test_a_process_that_goes_away_takes_nothing_new(api: Api) -> None:
    """503 with Retry-After, before anything else is looked at; health is still told."""
    before = await api.events()
    api.services.readiness.draining = True
    try:
        answers = [
            await api.author.post("/posts", a_draft()),
            await api.anonymous.get("/posts", headers={"Host": "elsewhere.example"}),
            await api.anonymous.get("/nothing"),
        ]
        ready, alive = await api.anonymous.get("/readyz"), await api.anonymous.get("/livez")
    finally:
        api.services.readiness.draining = False

    for answer in answers:
        problem(answer, 503, "draining")
        assert int(fields(answer)["retry-after"]) >= 1
    assert (ready.status_code, alive.status_code) == (503, 200)
    assert await api.events() == before
    assert (await api.anonymous.get("/readyz")).status_code == 200


class Slow:
    """Stands for a service that answers only when it is let."""

    def __init__(self, real: object, let: asyncio.Event) -> None:
        self._real = real
        self._let = let

    def __getattr__(self, name: str) -> Callable[..., Awaitable[object]]:
        """Wait, then do what the real one does."""

        async def call(*args: object) -> object:
            await self._let.wait()
            return await getattr(self._real, name)(*args)

        return call


async def test_a_full_process_says_so_at_once(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Past a bounded number of requests in flight the answer is 503; health is still told."""
    monkeypatch.setattr("api.edge.MAX_IN_FLIGHT", 8)
    let = asyncio.Event()

    def slow(services: Services) -> Services:
        queries: Any = Slow(services.post_queries, let)
        return msgspec.structs.replace(services, post_queries=queries)

    async with running_api(database_url, alter=slow) as api:
        waiting = [asyncio.create_task(api.anonymous.get("/posts")) for _ in range(9)]
        done, pending = await asyncio.wait(
            waiting, return_when=asyncio.FIRST_COMPLETED, timeout=DEADLINE
        )
        refused = [task.result() for task in done]
        alive = await api.anonymous.get("/livez")
        let.set()
        served = await asyncio.gather(*pending)

    assert [problem(answer, 503, "overloaded") for answer in refused]
    assert {fields(answer)["retry-after"] for answer in refused} == {"1"}
    assert alive.status_code == 200
    assert [answer.status_code for answer in served] == [200] * 8


async def test_metrics_count_by_template(api: Api) -> None:
    """Paths with ids in them are one route, and unknown methods and addresses one each."""
    post = await a_post(api.author)
    await api.author.get(post.path)
    await api.anonymous.get("/nothing/at/all")
    answer = await api.anonymous.get("/metrics")

    assert answer.status_code == 200
    assert 'route="/posts/{post_id}"' in answer.text
    assert post.id not in answer.text
    assert "/nothing" not in answer.text
