"""Specifies how auditors read the log over HTTP: pages, single events, streams, NDJSON, live."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.support.http import DEADLINE, Client, fields, problem
from tests.support.openapi import check_described
from tests.support.posts import Post, a_post
from tests.support.product import Api

NOT_THERE = "01920000-0000-7000-8000-000000000000"
IMMUTABLE = "private, max-age=31536000, immutable"
ADDRESSES = ("/events", "/events/1", "/events/live", f"/streams/post/{NOT_THERE}")


async def page(client: Client, address: str) -> dict[str, Any]:
    """Read a page that must be there."""
    answer = await client.get(address)
    assert answer.status_code == 200, answer.text
    members: dict[str, Any] = answer.json()
    return members


async def history(api: Api) -> Post:
    """Make a post with four events, a second apart, after the accounts' own."""
    post = await a_post(api.author)
    for title in ("Second", "Third"):
        api.clock.advance()
        post = await post.edit(title=title)
    api.clock.advance()
    return await post.do("publish")


def headers_of(client: Client, **others: str) -> dict[str, str]:
    """Make the fields of a request that is not sent by `Client.send`."""
    assert client.token is not None
    return {"Authorization": f"Bearer {client.token()}", **others}


async def ndjson(client: Client, address: str) -> httpx.Response:
    """Ask for everything at once; such an answer has chunks instead of a length."""
    headers = headers_of(client, Accept="application/x-ndjson")
    answer = await client.http.get(address, headers=headers)
    assert (answer.status_code, answer.headers["transfer-encoding"]) == (200, "chunked")
    check_described(answer)
    return answer


def next_of(answer: httpx.Response) -> str | None:
    """Give the address of the next page."""
    following = answer.links.get("next")
    return None if following is None else following["url"]


@pytest.mark.parametrize("address", ADDRESSES)
async def test_the_log_is_for_auditors(api: Api, address: str) -> None:
    """401 for nobody, 403 for everybody who is not an auditor, also where nothing is."""
    nobody = await api.anonymous.get(address)
    others = [await client.get(address) for client in (api.author, api.admin, api.operator)]

    problem(nobody, 401, "unauthenticated")
    assert nobody.headers["www-authenticate"] == 'Bearer realm="api"'
    for answer in others:
        problem(answer, 403, "forbidden")


async def test_an_entry_shows_what_is_stored(api: Api) -> None:
    """Data and metadata are the stored text to the byte, and the rest says where it stands."""
    post = await a_post(api.author, title="Größe")
    last = await api.events()
    answer = await api.auditor.get(f"/events/{last}")
    stored = (
        await api.product.database.fetch(
            "select data::text, metadata::text, event_id from events where position = $1", last
        )
    )[0]

    assert answer.status_code == 200
    assert f'"data":{stored[0]},"metadata":{stored[1]}}}' in answer.text
    entry = answer.json()
    assert entry.pop("data")["title"] == "Größe"
    assert entry.pop("metadata")["actor"] == str(api.author.account_id)
    assert entry == {
        "position": last,
        "stream": f"post/{post.id}",
        "version": 1,
        "eventId": str(stored[2]),
        "type": "post.created.v1",
        "recordedAt": "2026-03-01T09:00:00.123456Z",
    }
    assert fields(answer) == {
        "content-type": "application/json",
        "etag": f'"1.{last}"',
        "last-modified": "Sun, 01 Mar 2026 09:00:00 GMT",
        "cache-control": IMMUTABLE,
        "vary": "Accept, Authorization",
    }


async def test_an_event_is_revalidated(api: Api) -> None:
    """If-None-Match gives 304 with the same fields and no body."""
    first = await api.auditor.get("/events/1")
    again = await api.auditor.get("/events/1", headers={"If-None-Match": first.headers["etag"]})

    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert again.headers["cache-control"] == IMMUTABLE


@pytest.mark.parametrize(
    ("address", "status", "error"),
    [
        ("/events/9999", 404, "event_not_found"),
        ("/events/9223372036854775807", 404, "event_not_found"),
        ("/events/0", 400, "bad_parameter"),
        ("/events/-1", 400, "bad_parameter"),
        ("/events/x", 400, "bad_parameter"),
        ("/events/1?x=1", 400, "bad_parameter"),
        (f"/streams/post/{NOT_THERE}", 404, "stream_not_found"),
        (f"/streams/No%20such/{NOT_THERE}", 404, "stream_not_found"),
        ("/streams/post/1", 400, "bad_id"),
        ("/events?limit=0", 400, "bad_parameter"),
        ("/events/live?limit=1", 400, "bad_parameter"),
    ],
)
async def test_what_is_not_there_or_not_well_formed(
    api: Api, address: str, status: int, error: str
) -> None:
    """404 for what the log does not have, 400 for what cannot be in it."""
    accept = {"Accept": "text/event-stream"} if "live" in address else {}

    problem(await api.auditor.get(address, headers=accept), status, error)


async def test_pages_lead_through_the_whole_log_once(api: Api) -> None:
    """Following the links from the first page gives each position once, in order."""
    await history(api)
    positions: list[int] = []
    address: str | None = "/events?limit=2"
    while address is not None:
        answer = await api.auditor.get(address)
        positions += [item["position"] for item in answer.json()["items"]]
        following = answer.json()["nextAfter"]
        address = next_of(answer)
        assert answer.links["first"]["url"] == "/events?limit=2"
        assert (following is None) == (address is None)

    assert positions == list(range(1, await api.events() + 1))


async def test_a_stream_shows_its_own_events(api: Api) -> None:
    """A stream's pages hold its events alone, oldest first."""
    await a_post(api.author, title="Another")
    post = await history(api)
    shown = await page(api.auditor, f"/streams/post/{post.id}")
    same = await page(api.auditor, f"/events?stream=post/{post.id}")

    assert [item["version"] for item in shown["items"]] == [1, 2, 3, 4]
    assert {item["stream"] for item in shown["items"]} == {f"post/{post.id}"}
    assert shown["nextAfter"] is None
    assert same == shown


async def test_the_log_can_be_narrowed_down(api: Api) -> None:
    """By category, type, actor and time, each alone and together."""
    before = api.clock.at
    await history(api)
    times = [before + timedelta(seconds=seconds) for seconds in (1, 3)]
    since, until = (time.isoformat().replace("+00:00", "Z") for time in times)

    async def versions(query: str) -> list[int]:
        shown = await page(api.auditor, f"/events?category=post&{query}")
        return [item["version"] for item in shown["items"]]

    assert await versions("limit=1000") == [1, 2, 3, 4]
    assert await versions("type=post.edited.v1") == [2, 3]
    assert await versions(f"actor={api.author.account_id}") == [1, 2, 3, 4]
    assert await versions(f"actor={api.admin.account_id}") == []
    assert await versions(f"since={since}") == [2, 3, 4]
    assert await versions(f"until={until}") == [1, 2, 3]
    assert await versions(f"since={since}&until={until}&type=post.edited.v1") == [2, 3]


async def test_a_page_that_is_full_never_changes(api: Api) -> None:
    """What comes before another page is immutable; the last page is asked for again each time."""
    await history(api)
    full = await api.auditor.get("/events?limit=2")
    last = await api.auditor.get("/events")
    same = {"If-None-Match": last.headers["etag"]}
    unchanged = await api.auditor.get("/events", headers=same)
    await a_post(api.author, title="Another")
    changed = await api.auditor.get("/events", headers=same)
    full_again = await api.auditor.get("/events?limit=2")

    assert full.headers["cache-control"] == IMMUTABLE
    assert last.headers["cache-control"] == "private, no-cache"
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert changed.status_code == 200
    assert changed.headers["etag"] != last.headers["etag"]
    assert (full_again.headers["etag"], full_again.content) == (full.headers["etag"], full.content)


async def test_dates_decide_nothing_about_a_page(api: Api) -> None:
    """Several events share a second, so If-Modified-Since cannot tell whether one was added."""
    await a_post(api.author)
    answer = await api.auditor.get(
        "/events", headers={"If-Modified-Since": "Sun, 01 Mar 2026 09:00:00 GMT"}
    )

    assert answer.status_code == 200
    assert "last-modified" not in answer.headers


async def test_a_page_of_large_events_ends_early(api: Api) -> None:
    """A page stays within a few megabytes whatever its limit, and the next one goes on."""
    for number in range(25):
        await a_post(api.author, title=f"Large {number}", content="x" * 200_000)
    address: str | None = "/events?limit=1000&type=post.created.v1"
    sizes, seen = [], 0
    while address is not None:
        answer = await api.auditor.get(address)
        sizes.append(len(answer.content))
        seen += len(answer.json()["items"])
        address = next_of(answer)

    assert seen == 25
    assert len(sizes) > 1
    assert max(sizes) < 5_000_000


async def test_ndjson_gives_everything_asked_for(api: Api) -> None:
    """A line for each entry, the same as in pages, with no limit but the one that is given."""
    await history(api)
    answer = await ndjson(api.auditor, "/events")
    some = await ndjson(api.auditor, "/events?limit=2&after=1")
    pages = await page(api.auditor, "/events?limit=1000")

    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.headers["vary"] == "Accept, Authorization"
    assert [json.loads(line) for line in answer.text.splitlines()] == pages["items"]
    assert [json.loads(line)["position"] for line in some.text.splitlines()] == [2, 3]


async def test_ndjson_of_nothing_is_empty(api: Api) -> None:
    """Where nothing matches the answer is 200 without a line."""
    answer = await ndjson(api.auditor, "/events?type=post.no-such.v1")

    assert answer.content == b""


async def test_the_large_log_comes_whole(api: Api) -> None:
    """An answer of several megabytes arrives complete, piece by piece."""
    for number in range(25):
        await a_post(api.author, title=f"Large {number}", content="x" * 200_000)
    answer = await ndjson(api.auditor, "/events?type=post.created.v1")

    assert len(answer.text.splitlines()) == 25
    assert len(answer.content) > 5_000_000


@pytest.mark.parametrize(
    ("address", "available"),
    [
        ("/events", ["application/json", "application/x-ndjson"]),
        ("/events/1", ["application/json"]),
        ("/events/live", ["text/event-stream"]),
    ],
)
async def test_other_types_are_not_there(api: Api, address: str, available: list[str]) -> None:
    """An Accept that rules out everything there is gives 406 with the list."""
    refused = await api.auditor.get(address, headers={"Accept": "text/csv"})

    assert problem(refused, 406, "not_acceptable")["available"] == available


async def follow(
    client: Client, count: int, *, address: str = "/events/live", last: str | None = None
) -> list[dict[str, Any]]:
    """Follow the log until so many events have come, with their ids checked."""
    headers = headers_of(client, Accept="text/event-stream")
    if last is not None:
        headers["Last-Event-ID"] = last
    seen: list[dict[str, Any]] = []
    async with (
        asyncio.timeout(DEADLINE),
        client.http.stream("GET", address, headers=headers) as answer,
    ):
        assert answer.headers["content-type"] == "text/event-stream"
        number = ""
        async for line in answer.aiter_lines():
            name, _, value = line.partition(": ")
            if name == "id":
                number = value
            elif name == "data":
                seen.append(json.loads(value))
                assert number == str(seen[-1]["position"])
                if len(seen) == count:
                    break
    return seen


async def test_a_follower_goes_on_where_it_was(api: Api) -> None:
    """Last-Event-ID, or the parameter `after`, gives what came since, and filters apply."""
    begun = await api.events()
    post = await history(api)
    resumed = await follow(api.auditor, 3, last=str(begun + 1))
    edits = await follow(
        api.auditor, 2, address=f"/events/live?after=0&stream=post/{post.id}&type=post.edited.v1"
    )

    assert [event["version"] for event in resumed] == [2, 3, 4]
    assert [event["version"] for event in edits] == [2, 3]


async def test_a_follower_hears_what_happens(api: Api) -> None:
    """An event that is appended while somebody follows reaches them."""
    head = await api.events()
    following = asyncio.create_task(follow(api.auditor, 2, last=str(head)))
    await a_post(api.author, title="One")
    await a_post(api.author, title="Two")
    heard = await following

    assert [event["position"] for event in heard] == [head + 1, head + 2]


async def test_a_bad_place_to_go_on_from_is_named(api: Api) -> None:
    """A Last-Event-ID that is no position is 400 and names the field."""
    refused = await api.auditor.get(
        "/events/live", headers={"Accept": "text/event-stream", "Last-Event-ID": "x"}
    )

    assert problem(refused, 400, "malformed_header")["member"] == "Last-Event-ID"
