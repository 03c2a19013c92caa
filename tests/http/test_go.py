"""Specifies `/go`: what a click answers, and what is counted of it."""

from datetime import timedelta
from urllib.parse import quote, urlsplit

import ada_url
import pytest

from tests.commands.evil_links import EVIL
from tests.http.clicks import forget, record
from tests.support.http import fields, problem
from tests.support.product import Api


@pytest.fixture(autouse=True)
async def nothing_clicked(api: Api) -> None:
    """Begin without clicks of an earlier test."""
    await forget(api)


def go(address: str) -> str:
    """Write the request's target."""
    return f"/go?url={quote(address, safe='')}"


async def test_a_click_leads_on(api: Api) -> None:
    """302 with the normalised address, never stored, for readers and for HEAD alike."""
    answer = await api.anonymous.get(go("HTTPS://OK.example:443/a b?c=d#e"))
    head = await api.anonymous.head(go("HTTPS://OK.example:443/a b?c=d#e"))

    assert answer.status_code == head.status_code == 302
    assert answer.content == b""
    assert fields(answer) == {
        "location": "https://ok.example/a%20b?c=d#e",
        "cache-control": "no-store",
    }


async def test_no_evil_address_is_followed(api: Api) -> None:
    """400 with its cause, however it is spelled in the query string."""
    for error, texts in EVIL.items():
        for text in texts:
            target = go(text)
            if len(target) > 8000:
                continue
            answer = await api.anonymous.get(target)
            if "\0" in text:  # no parameter has it
                problem(answer, 400, "bad_parameter")
            else:
                problem(answer, 400, error)
            assert "location" not in answer.headers


RAW = [
    "",
    "?",
    "?url",
    "?url=",
    "?URL=https://ok.example/",
    "?u=https://ok.example/",
    "?url=https://ok.example/&url=https://ok.example/",
    "?url=https://ok.example/&url=https://evil.example/",
    "?url=https://evil.example/&url=https://ok.example/",
    "?url=https://ok.example/&%75rl=https://evil.example/",
    "?url=https://ok.example/&utm=1",
    "?url=https://ok.example/?a=1&b=2",
    "?url[]=https://ok.example/",
    "?url=https://ok.example/%",
    "?url=https://ok.example/%zz",
    "?url=https://ok.example/%ff",
    "?url=https://ok.example/%c0%af",
    "?url=https://ok.example/%ed%a0%80",
    "?url=https://evil.example%00.ok.example/",
    "?url=https%3A%2F%2Fevil.example%2F",
    "?url=https%253A%252F%252Fok.example%252F",
    "?url=+https://ok.example/",
    "?url=https://ok.example%09.evil.example/",
    "?url=https://ok.example%0d%0aSet-Cookie:a=b/",
    "?url=https://ok.example/%0d%0aSet-Cookie:%20a=b",
    "?url=https://ok.example%5c@evil.example/",
    "?url=https://ok.example@evil.example/",
    "?url=//evil.example",
    "?url=javascript:alert(1)",
    "?;url=https://ok.example/",
    "?" + "&".join(f"a{number}=1" for number in range(40)),
]


@pytest.mark.parametrize("query", RAW)
async def test_no_query_has_two_readings(api: Api, query: str) -> None:
    """400 for what is repeated, unknown, missing, or not well formed, with what is at fault."""
    answer = await api.anonymous.get(f"/go{query}")

    assert answer.status_code == 400
    assert answer.json()["error"] != "invalid_body"


async def test_plus_is_a_space_and_percent_is_taken_once(api: Api) -> None:
    """As forms are read everywhere."""
    plus = await api.anonymous.get("/go?url=https://ok.example/a+b")
    twice = await api.anonymous.get("/go?url=https://ok.example/a%252Fb")

    assert plus.headers["location"] == "https://ok.example/a%20b"
    assert twice.headers["location"] == "https://ok.example/a%2Fb"


async def test_the_location_means_the_same_to_everybody(api: Api) -> None:
    """Browsers and other programs find the same allowed host in it."""
    for path in ("", "/", "//evil.example", "/@evil.example", "/a:b@c", "?@evil.example", "#@evil"):
        location = (await api.anonymous.get(go(f"https://ok.example{path}"))).headers["location"]

        assert ada_url.URL(location).host == urlsplit(location).netloc == "ok.example"


async def test_other_methods_are_not_taken(api: Api) -> None:
    """A link is followed by reading."""
    answer = await api.anonymous.post(go("https://ok.example/"))

    problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"


async def test_clicks_are_counted_by_day_and_target(api: Api) -> None:
    """Without query and fragment; what is refused, and HEAD, are no clicks."""
    for address in ("/a", "/a?token=secret", "/a#part", "/b"):
        await api.anonymous.get(go(f"https://ok.example{address}"))
    await api.anonymous.get(go("https://evil.example/"))
    await api.anonymous.head(go("https://ok.example/a"))
    api.clock.advance(timedelta(days=1))
    await api.anonymous.get(go("https://ok.example/a"))
    await record(api)
    page = await api.operator.get("/clicks")
    items = page.json()["items"]
    ids = {item["address"]: item["id"] for item in items}

    assert sorted(items, key=lambda item: (item["day"], item["address"])) == [
        _clicks("2026-03-01", "https://ok.example/a", 3, ids),
        _clicks("2026-03-01", "https://ok.example/b", 1, ids),
        _clicks("2026-03-02", "https://ok.example/a", 1, ids),
    ]
    assert items[0]["day"] == "2026-03-02"
    rows = await api.product.database.fetch("select data::text from events where type ~ 'clicks'")
    assert rows
    assert not any("example" in row[0] or "secret" in row[0] for row in rows)


def _clicks(day: str, address: str, clicks: int, ids: dict[str, str]) -> dict[str, object]:
    return {
        "day": day,
        "kind": "link",
        "id": ids[address],
        "address": address,
        "clicks": clicks,
    }


async def test_days_and_pages_are_chosen(api: Api) -> None:
    """`from` and `until` are days; pages go on where the one before ended, and have tags."""
    for _ in range(3):
        for number in range(3):
            await api.anonymous.get(go(f"https://ok.example/{number}"))
        api.clock.advance(timedelta(days=1))
    await record(api)
    everything = (await api.auditor.get("/clicks")).json()["items"]
    seen, path = [], "/clicks?limit=2"
    while path:
        page = await api.admin.get(path)
        seen += page.json()["items"]
        link = page.headers["link"].rpartition(", <")[2].partition(">; ")
        path = link[0] if link[2] == 'rel="next"' else ""
    middle = await api.operator.get("/clicks?from=2026-03-02&until=2026-03-03")
    again = await api.operator.get(
        "/clicks?from=2026-03-02&until=2026-03-03",
        headers={"If-None-Match": middle.headers["etag"]},
    )

    assert seen == everything
    assert len(seen) == 9
    assert middle.json()["items"] == everything[3:6]
    assert again.status_code == 304
    assert fields(middle)["cache-control"] == "private, no-cache"


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("from=2026-02-30", "bad_parameter"),
        ("from=1", "bad_parameter"),
        ("until=2026-03-01T00:00:00Z", "bad_parameter"),
        ("until=\u0662026-03-01", "bad_parameter"),
        ("limit=0", "bad_parameter"),
        ("day=2026-03-01", "bad_parameter"),
        ("cursor=x", "bad_cursor"),
    ],
)
async def test_bad_parameters_are_named(api: Api, query: str, error: str) -> None:
    """400 for what is no date, no page and no parameter."""
    answer = await api.operator.get(f"/clicks?{query}")

    problem(answer, 400, error)


async def test_a_cursor_belongs_to_its_list(api: Api) -> None:
    """That of other days is refused."""
    for number in range(2):
        await api.anonymous.get(go(f"https://ok.example/{number}"))
    await record(api)
    cursor = (await api.operator.get("/clicks?limit=1")).json()["nextCursor"]
    answer = await api.operator.get(f"/clicks?limit=1&cursor={cursor}&from=2026-01-01")

    problem(answer, 400, "bad_cursor")
