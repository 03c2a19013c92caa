"""Specifies what nginx shows again of public files: what the product would, and no more."""

import json
from collections.abc import AsyncIterator
from ipaddress import ip_network

import httpx
import msgspec
import pytest

from api.services import Services
from domain.file_type import FileType
from tests.nginx.front import Running, check, fronted
from tests.support.http import Client, problem
from tests.support.posts import Post, a_published_post, hold
from tests.support.product import Api, running_api
from tests.support.programs import needs
from tests.support.services import Databases
from tests.support.stored_files import StoredFile, a_file, some_bytes
from tests.support.waiting import eventually

pytestmark = needs("nginx")

SIZE = 200_000
LONG, SHORT = 3600, 1
"""For how many seconds nginx does not ask again: longer than any test, and hardly at all."""

MODIFIED = "Sun, 01 Mar 2026 09:00:00 GMT"
BROWSER = "image/avif,image/webp,image/*,*/*;q=0.8"

KEPT: list[dict[str, str]] = [
    {},
    {"Accept": "*/*"},
    {"Accept": BROWSER},
    {"Range": "bytes=0-0"},
    {"Range": "bytes=0-65535"},
    {"Range": "bytes=100000-"},
    {"Range": "bytes=199999-999999999"},
    {"Range": "bytes=-500"},
    {"Range": "bytes=-999999999"},
    {"Accept-Encoding": "gzip, br"},
    {"Cookie": "a=b"},
]
"""What nginx answers by itself, once it has the file."""

ASKED: list[dict[str, str]] = [
    {"Range": "bytes=0-1,5-6"},
    {"Range": "bytes=0-5,3-9"},
    {"Range": "bytes= 0-5"},
    {"Range": "bytes"},
    {"Range": "lines=0-5"},
    {"Range": "bytes=0-99999999999999999999"},
    {"If-None-Match": "TAG"},
    {"If-None-Match": "TAG", "Range": "bytes=0-5"},
    {"If-None-Match": '"other"'},
    {"If-Modified-Since": MODIFIED},
    {"If-Match": '"other"'},
    {"If-Match": "TAG"},
    {"If-Unmodified-Since": "Sun, 01 Mar 2026 08:59:59 GMT"},
    {"Range": "bytes=5-9", "If-Range": "TAG"},
    {"Range": "bytes=5-9", "If-Range": "W/TAG"},
    {"Range": "bytes=5-9", "If-Range": '"other"'},
    {"Range": "bytes=5-9", "If-Range": MODIFIED},
    {"Range": "bytes=5-9", "If-Range": "Sun, 01 Mar 2026 08:59:59 GMT"},
    {"Range": "bytes=5-9", "If-Range": "Sun, 01 Mar 2026 09:00:01 GMT"},
    {"Range": "bytes=5-9", "If-Range": "nonsense"},
    {"Range": "bytes=999999-", "If-Range": '"other"'},
    {"Want-Content-Digest": "sha-256=1", "Range": "bytes=0-5"},
    {"Accept": "text/html"},
    {"Accept": "image/png"},
    {"Accept": "image/png;q=0, */*"},
    {"Cache-Control": "no-cache"},
    {"Pragma": "no-cache"},
]
"""What the product is asked each time."""


def _trusting(services: Services) -> Services:
    trusted = (ip_network("127.0.0.1/32"),)
    return msgspec.structs.replace(services, trusted_proxies=trusted)


@pytest.fixture(scope="module")
async def api(databases: Databases) -> AsyncIterator[Api]:
    """Give the product."""
    async with databases.fresh() as url, running_api(url, alter=_trusting) as running:
        yield running


@pytest.fixture(scope="module")
async def front(api: Api) -> AsyncIterator[Running]:
    """Give nginx in front of it, which keeps public files."""
    async with fronted([api.host], keep_files_seconds=LONG) as running:
        yield running


async def _shown(
    api: Api,
    *,
    type: FileType = FileType.PNG,  # noqa: A002 - the word for it
    name: str | None = None,
) -> tuple[StoredFile, Post]:
    content = some_bytes(SIZE, seed=8)
    file = await a_file(api, api.author, content, type=type, name=name)
    return file, await _show(api, file)


async def _show(api: Api, file: StoredFile) -> Post:
    shows = {"slug": f"shows-{file.id}", "attachments": [str(file.id)]}
    return await a_published_post(api.author, **shows)


async def _get(
    client: httpx.AsyncClient, path: str, headers: dict[str, str] | None = None, method: str = "GET"
) -> httpx.Response:
    answer = await client.request(method, path, headers=headers)
    assert "x-request-id" in answer.headers
    return answer


async def _own(owner: Client, file: StoredFile) -> httpx.Response:
    return await owner.http.send(owner.request("GET", file.path))


async def _asked(front: Running, answer: httpx.Response) -> bool:
    """Tell whether the product was asked for an answer, by the line that nginx logs of it."""
    request_id = answer.headers["x-request-id"]
    found: list[str] = []

    async def logged() -> bool:
        lines = [line for line in front.nginx.log("access").splitlines() if request_id in line]
        found.extend(lines)
        return bool(lines)

    assert await eventually(logged)
    assert len(found) == 1, "an id is told once"
    return bool(json.loads(found[0])["backend"])


def _alike(passed: httpx.Response, direct: httpx.Response) -> None:
    """Require the same answer: status, bytes and fields."""
    assert passed.status_code == direct.status_code
    assert _told(passed) == _told(direct)


def _told(answer: httpx.Response) -> tuple[dict[str, str], bytes]:
    """Give fields and body, without what differs from answer to answer."""
    apart = {"date", "x-request-id", "connection"}
    fields = {name: value for name, value in answer.headers.items() if name not in apart}
    body = answer.content
    kind, _, boundary = fields.get("content-type", "").partition("; boundary=")
    for drawn in filter(None, (answer.headers["x-request-id"], boundary)):
        body = body.replace(drawn.encode(), b"")
    fields["content-type"] = kind
    return fields, body


@pytest.mark.parametrize("asked", [False, True])
async def test_the_answer_is_the_products(
    api: Api,
    front: Running,
    asked: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """To every range and condition; nginx answers itself only what it answers just so."""
    file, _ = await _shown(api)
    tag = (await _get(front.tls, file.path)).headers["etag"]
    for headers in ASKED if asked else KEPT:
        sent = {name: value.replace("TAG", tag) for name, value in headers.items()}
        passed = check(await _get(front.tls, file.path, sent))
        direct = await _get(api.anonymous.http, file.path, sent)

        _alike(passed, direct)
        assert await _asked(front, passed) is asked, headers


@pytest.mark.parametrize("beyond", ["200000-", "999999999-", "9-5", "-0"])
async def test_a_part_that_there_is_not(api: Api, front: Running, beyond: str) -> None:
    """416 with the size, as a problem, and whatever else it says: kept by no cache."""
    file, _ = await _shown(api)
    for _ in range(2):
        answer = await _get(front.tls, file.path, {"Range": f"bytes={beyond}"})
        members = answer.json()

        assert (answer.status_code, members["error"]) == (416, "range_not_satisfiable")
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers.get_list("content-range") == [f"bytes */{SIZE}"]
        assert "no-store" in answer.headers.get_list("cache-control")
        assert "*" in answer.headers.get_list("vary")
        assert members["requestId"] == answer.headers["x-request-id"]
        assert int(answer.headers["content-length"]) == len(answer.content)
        names = [name.lower() for name, _ in answer.headers.raw]
        assert {name for name in names if names.count(name) > 1} == {b"cache-control", b"vary"}
    whole = check(await _get(front.tls, file.path))
    assert (whole.status_code, whole.content) == (200, file.content)


async def test_the_first_who_asks_may_ask_for_a_part(api: Api, front: Running) -> None:
    """The whole file comes to nginx then, which gives the part; videos are kept as well."""
    file, _ = await _shown(api, type=FileType.MP4)
    for path in (file.path, f"/videos/{file.id}"):
        part = check(await _get(front.tls, path, {"Range": "bytes=1000-1999"}))
        again = check(await _get(front.tls, path, {"Range": "bytes=-10"}))

        assert (part.status_code, part.content) == (206, file.content[1000:2000])
        assert part.headers["content-range"] == f"bytes 1000-1999/{SIZE}"
        assert again.content == file.content[-10:]
        assert (await _asked(front, part), await _asked(front, again)) == (True, False)


async def test_only_a_plain_get_of_the_address_is_kept(api: Api, front: Running) -> None:
    """HEAD, a query, another way to write it and a foreign host go to the product."""
    file, _ = await _shown(api)
    await _get(front.tls, file.path)
    head = check(await _get(front.tls, file.path, method="HEAD"))
    others = [
        await _get(front.tls, f"{file.path}?a=b"),
        await _get(front.tls, f"/{file.path}"),
        await _get(front.tls, f"{file.path}/metadata"),
    ]
    foreign = await _get(front.tls, file.path, {"Host": "evil.example"})

    assert await _asked(front, head)
    for answer in others:
        assert await _asked(front, answer), answer.url
    problem(check(foreign), 421, "misdirected_request")


async def test_what_is_not_public_is_never_kept(api: Api, front: Running) -> None:
    """Whoever shows a token gets their own answer, and nobody else gets that."""
    file = await a_file(api, api.author, name="secret plan.png")
    owner = front.through(api.author)
    mine = [check(await _own(owner, file)) for _ in range(2)]
    problem(check(await _get(front.tls, file.path)), 404, "file_not_found")
    await _show(api, file)
    public = [check(await _get(front.tls, file.path)) for _ in range(2)]
    mine.append(check(await _own(owner, file)))

    for answer in mine:
        assert answer.headers["cache-control"].startswith("private")
        assert "secret plan" in answer.headers["content-disposition"]
        assert await _asked(front, answer)
    for answer in public:
        assert answer.headers["cache-control"].startswith("public")
        assert "secret plan" not in answer.headers["content-disposition"]
    assert [await _asked(front, answer) for answer in public] == [True, False]


async def test_a_file_that_is_hidden_is_shown_no_longer_than_is_said(api: Api) -> None:
    """Withdrawn, held or deleted: nginx asks once its time is over, and passes on what it hears."""
    async with fronted([api.host], keep_files_seconds=SHORT) as front:
        for hide, status in ((_unpublish, 404), (_hold, 451), (_remove, 404)):
            file, post = await _shown(api)
            shown = [await _get(front.tls, file.path) for _ in range(2)]
            await hide(api, file, post)

            async def hidden(path: str = file.path, status: int = status) -> bool:
                answer = check(await _get(front.tls, path))
                return answer.status_code == status

            assert [answer.status_code for answer in shown] == [200, 200]
            assert await eventually(hidden)
            assert await hidden(), "it stays hidden"


async def test_a_file_that_is_still_shown_is_not_sent_to_nginx_again(api: Api) -> None:
    """When the time is over the product is asked, and answers 304: nginx shows what it has."""
    async with fronted([api.host], keep_files_seconds=SHORT) as front:
        file, _ = await _shown(api)
        await _get(front.tls, file.path)
        heard: list[str] = []

        async def asked_again() -> bool:
            answer = check(await _get(front.tls, file.path, {"Range": "bytes=10-19"}))
            assert (answer.status_code, answer.content) == (206, file.content[10:20])
            lines = front.nginx.log("access").splitlines()[1:]
            heard[:] = [json.loads(line)["backendStatus"] for line in lines]
            return any(heard)

        assert await eventually(asked_again)
        assert set(heard) <= {"", "304"}


async def test_by_default_the_product_is_asked_each_time(api: Api) -> None:
    """Whoever hides a file is obeyed at once."""
    async with fronted([api.host]) as front:
        file, post = await _shown(api)
        shown = [check(await _get(front.tls, file.path)) for _ in range(2)]
        await _unpublish(api, file, post)
        hidden = check(await _get(front.tls, file.path))

        assert [await _asked(front, answer) for answer in shown] == [True, True]
        problem(hidden, 404, "file_not_found")


async def _unpublish(_api: Api, _file: StoredFile, post: Post) -> None:
    await post.do("unpublish")


async def _hold(api: Api, _file: StoredFile, post: Post) -> None:
    await hold(api.admin, post)


async def _remove(api: Api, file: StoredFile, post: Post) -> None:
    await post.edit(attachments=[])
    assert (await api.author.delete(file.path)).status_code == 204
