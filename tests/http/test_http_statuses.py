"""Specifies the table of status codes (guide 8; HTTP contract, 25), and two rows of it."""

import re
from html import escape

import httpx
import pytest

from api.problem_catalogue import CATALOGUE
from api.status_catalogue import NOTES, STATUSES
from tests.support.http import Client, fields, problem
from tests.support.product import Api
from tests.support.stored_files import a_file

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


async def page(client: Client, address: str) -> httpx.Response:
    """Open an address in a browser."""
    answer = await client.get(address, headers=BROWSER)
    assert answer.status_code == 200, answer.text
    return answer


async def test_the_table(api: Api) -> None:
    """All 63, each with its class and its section, and what is to be said of others."""
    answer = await api.anonymous.get("/http-statuses")
    shown = await page(api.anonymous, "/http-statuses")
    items = answer.json()["items"]
    of_class = [sum(item["code"] // 100 == first for item in items) for first in range(1, 6)]

    assert [item["code"] for item in items] == sorted(STATUSES)
    assert of_class == [4, 10, 9, 29, 11]
    assert answer.json()["notes"] == list(NOTES)
    assert re.findall(r'href="/http-statuses/(\d+)"', shown.text) == list(map(str, STATUSES))
    assert all(escape(note) in shown.text for note in NOTES)


@pytest.mark.parametrize("code", STATUSES)
async def test_every_status_has_its_page(api: Api, code: int) -> None:
    """It answers 200 with what is known, for programs and for people, and fakes no status."""
    told = await api.anonymous.get(f"/http-statuses/{code}")
    shown = await page(api.anonymous, f"/http-statuses/{code}")
    row, members = STATUSES[code], told.json()

    assert (told.status_code, members["code"], members["name"]) == (200, code, row.name)
    assert members["answered"] == bool(members["answeredBy"]) == (members["test"] is not None)
    assert escape(row.where) in shown.text
    assert (row.test or "") in shown.text


async def test_a_page_tells_what_proves_it(api: Api) -> None:
    """The test by its file and name, and the problems that have the status."""
    answer = await api.anonymous.get("/http-statuses/412")

    assert answer.json() == {
        "code": 412,
        "name": "Precondition Failed",
        "statusClass": "Client Error",
        "reference": "RFC 9110, section 15.5.13",
        "answered": True,
        "answeredBy": ["api"],
        "where": STATUSES[412].where,
        "errors": sorted(error for error, row in CATALOGUE.items() if row.status == 412),
        "test": "tests/http/test_preconditions.py::test_if_match_holds_back_any_other",
    }


async def test_it_is_cached_and_revalidated(api: Api) -> None:
    """By form, for an hour; then 304."""
    for accept in ("application/json", "text/html"):
        first = await api.anonymous.get("/http-statuses", headers={"Accept": accept})
        again = await api.anonymous.get(
            "/http-statuses",
            headers={"Accept": accept, "If-None-Match": first.headers["etag"]},
        )

        assert fields(first)["cache-control"] == "public, max-age=3600"
        assert fields(first)["vary"] == "Accept"
        assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("code", ["104", "299", "999", "1e2", "0200", "٤١٢", "teapot"])
async def test_what_is_no_status_has_no_page(api: Api, code: str) -> None:
    """404, however it is spelled."""
    problem(await api.anonymous.get(f"/http-statuses/{code}"), 404, "status_not_found")


async def test_what_it_does_not_take(api: Api) -> None:
    """Another form, or a parameter."""
    image = {"Accept": "image/png"}
    problem(await api.anonymous.get("/http-statuses", headers=image), 406, "not_acceptable")
    problem(await api.anonymous.get("/http-statuses/200?x=1"), 400, "bad_parameter")


async def test_a_redirect_for_a_time_keeps_the_method(api: Api) -> None:
    """307: whatever comes to the old path goes to the new one as it is."""
    made = await api.operator.post(
        "/redirects", {"path": "/summer", "target": "/posts", "status": 307}
    )
    answers = [await api.anonymous.send(method, "/summer") for method in ("GET", "POST")]

    assert made.status_code == 201, made.text
    for answer in answers:
        assert (answer.status_code, answer.headers["location"]) == (307, "/posts")


async def test_a_range_past_the_end(api: Api) -> None:
    """416 tells how long the file is."""
    file = await a_file(api, api.author)
    answer = await api.author.get(file.path, headers={"Range": f"bytes={len(file.content)}-"})

    problem(answer, 416, "range_not_satisfiable")
    assert answer.headers["content-range"] == f"bytes */{len(file.content)}"
