"""Specifies that what the product says and hears passes nginx unharmed."""

import asyncio
from collections.abc import AsyncIterator
from ipaddress import ip_network

import httpx
import msgspec
import pytest

from api.services import Services
from commands.limits import Quota, Rule
from tests.nginx.backends import Asked, answer, backend, tells
from tests.nginx.front import Running, check, fronted, trusting_context
from tests.support.http import if_match, problem, tag_of
from tests.support.posts import a_draft, a_post, a_published_post
from tests.support.product import Api, running_api
from tests.support.programs import needs
from tests.support.services import Databases
from tests.support.signing_in import OTHER, api_with_rules
from tests.support.waiting import eventually

pytestmark = needs("nginx")

TRUSTED = (ip_network("127.0.0.1/32"),)


def _trusting(services: Services) -> Services:
    return msgspec.structs.replace(services, trusted_proxies=TRUSTED)


@pytest.fixture(scope="module")
async def api(databases: Databases) -> AsyncIterator[Api]:
    """Give one of two processes of the product."""
    async with databases.fresh() as url, running_api(url, alter=_trusting) as running:
        yield running


@pytest.fixture(scope="module")
async def front(api: Api) -> AsyncIterator[Running]:
    """Give nginx in front of it."""
    async with fronted([api.host]) as running:
        yield running


async def test_an_answer_is_as_without_nginx(api: Api, front: Running) -> None:
    """The bytes, the tag, the caching and all other fields are the same."""
    post = await a_published_post(api.author, slug="direct")
    direct = await api.anonymous.get(post.path)
    passed = check(await front.tls.get(post.path))

    assert passed.content == direct.content
    apart = {"date", "x-request-id", "connection"}
    assert {n: v for n, v in passed.headers.items() if n not in apart} == {
        n: v for n, v in direct.headers.items() if n not in apart
    }


async def test_conditions(api: Api, front: Running) -> None:
    """304 by the tag, strong or as a proxy further out weakened it; HEAD has it too."""
    post = await a_published_post(api.author, slug="conditions")
    for tag in (post.tag, f"W/{post.tag}", f'"other", {post.tag}', "*"):
        for method in ("GET", "HEAD"):
            passed = await front.tls.request(method, post.path, headers={"If-None-Match": tag})

            assert check(passed).status_code == 304
            assert tag_of(passed) == post.tag


async def test_a_tag_that_comes_out_goes_in_again(api: Api, front: Running) -> None:
    """Who accepts compressed answers gets a strong tag all the same, good for If-Match."""
    author = front.through(api.author)
    post = await a_post(api.author, slug="tags")
    read = await author.http.send(
        author.request("GET", post.path, headers={"Accept-Encoding": "gzip, br"})
    )
    edit = author.request("PATCH", post.path, {"title": "New"}, headers=if_match(tag_of(read)))
    stale = author.request("PATCH", post.path, {"title": "Old"}, headers=if_match(post.tag))

    assert "content-encoding" not in check(read).headers
    assert tag_of(read) == post.tag
    assert check(await author.http.send(edit)).status_code == 200
    problem(check(await author.http.send(stale)), 412, "stale_version")


async def test_created_and_refused(api: Api, front: Running) -> None:
    """201 with its Location, 204 without a body, and every problem of the backend as it is."""
    author = front.through(api.author)
    created = check(await author.http.send(author.request("POST", "/posts", a_draft(slug="new"))))
    path = created.headers["location"]
    answers = {
        (204, None): author.request("DELETE", path),
        (404, "route_not_found"): author.request("GET", "/nothing"),
        (405, "method_not_allowed"): author.request("PUT", "/posts"),
        (400, "invalid_body"): author.request(
            "POST", "/posts", b"{", content_type="application/json"
        ),
        (417, "expectation_failed"): author.request("GET", "/posts", headers={"Expect": "tea"}),
        (501, "method_not_implemented"): author.request("BREW", "/posts"),
        (421, "misdirected_request"): author.request(
            "GET", "/posts", headers={"Host": "evil.example"}
        ),
    }

    assert created.status_code == 201
    for (status, error), request in answers.items():
        told = check(await author.http.send(request))
        assert told.status_code == status
        assert error is None or told.json()["error"] == error


async def test_a_live_answer(api: Api, front: Running) -> None:
    """An event reaches its reader when it happens, not when a buffer is full."""
    auditor = front.through(api.auditor)
    request = auditor.request("GET", "/events/live", headers={"Accept": "text/event-stream"})
    async with asyncio.timeout(30):
        live = await auditor.http.send(request, stream=True)
        lines = live.aiter_lines()
        assert await anext(lines) == "retry: 2000"
        post = await a_post(api.author, slug="live")
        async for line in lines:
            if post.id in line:
                break
        await live.aclose()


async def test_ranges() -> None:
    """Range and If-Range reach the backend, and its 206 the client."""

    async def partial(asked: Asked, _: object, writer: asyncio.StreamWriter) -> None:
        assert asked.all("range") == ["bytes=2-4"]
        assert asked.all("if-range") == ['"1"']
        head = b"HTTP/1.1 206 Partial Content\r\ncontent-length: 3\r\naccept-ranges: bytes\r\n"
        writer.write(
            head + b'etag: "1"\r\ncontent-range: bytes 2-4/10\r\nconnection: close\r\n\r\n'
        )
        writer.write(b"cde")
        await writer.drain()

    async with backend(partial) as behind, fronted([behind.address]) as front:
        fields = {"Range": "bytes=2-4", "If-Range": '"1"'}
        got = await front.tls.get("/files/1", headers=fields)

    assert (got.status_code, got.content) == (206, b"cde")
    assert got.headers["content-range"] == "bytes 2-4/10"
    assert (got.headers["accept-ranges"], got.headers["etag"]) == ("bytes", '"1"')


async def test_an_upload_is_streamed() -> None:
    """The backend gets it as it comes, and can refuse it before its end."""
    arrived = asyncio.Event()

    async def first_part(
        _: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await reader.readexactly(1000)
        arrived.set()
        await answer(writer, b"x-test: early", b"enough")

    async def body() -> AsyncIterator[bytes]:
        yield b"x" * 1000
        await asyncio.wait_for(arrived.wait(), 10)
        yield b"y" * 1000

    async with backend(first_part) as behind, fronted([behind.address]) as front:
        got = await front.tls.post("/upload", content=body(), headers={"Content-Length": "2000"})

    assert got.text == "enough"


async def test_what_a_client_says_of_its_way() -> None:
    """Nothing of it is passed on: the backend hears from nginx alone where a request is from."""
    claimed = (
        "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port",
        "X-Forwarded-Prefix", "X-Forwarded-Server", "X-Real-IP", "X-Original-URL",
        "X-Rewrite-URL", "Forwarded", "Proxy", "Upgrade", "TE", "Traceparent", "Tracestate",
    )  # fmt: skip
    async with backend(tells) as behind, fronted([behind.address]) as front:
        got = await front.tls.get("/a%2Fb?c=%20", headers=dict.fromkeys(claimed, "6.6.6.6"))

    told = got.json()
    ways = dict(told["fields"])
    host = f"localhost:{front.https_port}"
    assert told["target"] == "/a%2Fb?c=%20"
    assert ways == {
        "host": host,
        "x-forwarded-for": "127.0.0.1",
        "x-forwarded-proto": "https",
        "x-forwarded-host": host,
        "x-forwarded-port": str(front.https_port),
    }


async def test_the_address_of_a_client(database_url: str, redis_url: str) -> None:
    """Clients are counted apart by where they really are, whatever they claim."""
    rules = {"login": Rule(network=Quota("login-network", 20, 86400))}
    async with (
        api_with_rules(database_url, redis_url, rules, trusted_proxies=TRUSTED) as api,
        fronted([api.host]) as front,
    ):
        left: list[str] = []
        for address in ("127.0.0.2", "127.0.0.2", "127.0.0.3", "127.0.0.2"):
            transport = httpx.AsyncHTTPTransport(verify=trusting_context(), local_address=address)
            async with httpx.AsyncClient(transport=transport, trust_env=False) as client:
                got = await client.post(
                    f"https://localhost:{front.https_port}/login",
                    json={"email": "nobody@test.example", "password": OTHER},
                    headers={"X-Forwarded-For": f"10.0.0.{len(left)}"},
                )
            left.append(check(got).headers["ratelimit"].split(";")[1])

    assert left == ["r=19", "r=18", "r=19", "r=17"]


async def test_the_log_of_requests(api: Api, front: Running) -> None:
    """It has the id that the answer names, and no query."""
    got = check(await front.tls.get("/posts?limit=7"))
    refused = await front.tls.get("/metrics?secret")

    async def logged() -> bool:
        return all(
            each.headers["x-request-id"] in front.nginx.log("access") for each in (got, refused)
        )

    assert await eventually(logged)
    lines = [msgspec.json.decode(line) for line in front.nginx.log("access").splitlines()]
    by_id = {line["requestId"]: line for line in lines}
    line = by_id[got.headers["x-request-id"]]
    assert (line["method"], line["path"], line["status"]) == ("GET", "/posts", 200)
    assert (line["backend"], line["client"]) == (api.host, "127.0.0.1")
    line = by_id[refused.headers["x-request-id"]]
    assert (line["method"], line["path"], line["status"]) == ("GET", "/metrics", 404)
