"""Specifies the pages that the `type` of a problem leads to."""

import re
from html import escape

import httpx
import pytest

from api.problem_catalogue import CATALOGUE
from tests.support.http import Client, fields, problem
from tests.support.product import Api

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


async def page(client: Client, address: str) -> httpx.Response:
    """Open an address in a browser."""
    answer = await client.get(address, headers=BROWSER)
    assert answer.status_code == 200, answer.text
    return answer


@pytest.mark.parametrize("error", CATALOGUE)
async def test_every_error_has_its_page(api: Api, error: str) -> None:
    """The catalogue's sentences, as JSON for programs and as HTML for people."""
    described = (await api.anonymous.get(f"/problems/{error}")).json()
    shown = await page(api.anonymous, f"/problems/{error}")

    assert described == {
        "type": f"{api.services.public_url}/problems/{error}",
        "error": error,
        **CATALOGUE[error]._asdict(),
    }
    assert all(
        escape(text) in shown.text
        for text in (CATALOGUE[error].title, CATALOGUE[error].meaning, CATALOGUE[error].remedy)
    )
    assert f'href="/http-statuses/{CATALOGUE[error].status}"' in shown.text


async def test_a_problem_leads_to_its_page(api: Api) -> None:
    """The `type` of a problem is the address that describes it."""
    met = problem(await api.anonymous.get("/posts/x"), 400, "bad_id")
    described = await api.anonymous.get(met["type"].removeprefix(api.services.public_url))

    assert described.json()["type"] == met["type"]
    assert described.json()["title"] == met["title"]


async def test_the_list_leads_to_all_of_them(api: Api) -> None:
    """Every error is in the list, once, in both forms."""
    listed = (await api.anonymous.get("/problems")).json()["items"]
    shown = await page(api.anonymous, "/problems")

    assert sorted(item["error"] for item in listed) == sorted(CATALOGUE)
    assert sorted(re.findall(r'href="/problems/(\w+)"', shown.text)) == sorted(CATALOGUE)


async def test_a_page_lets_nothing_run(api: Api) -> None:
    """The policy allows its own style sheet and nothing else; caches keep the forms apart."""
    answer = await page(api.anonymous, "/problems/stale_version")
    again = await api.anonymous.get(
        "/problems/stale_version", headers={**BROWSER, "If-None-Match": answer.headers["etag"]}
    )
    policy = answer.headers["content-security-policy"]

    assert re.fullmatch(
        r"default-src 'none'; style-src 'sha256-[A-Za-z0-9+/]{43}='; base-uri 'none'; "
        r"form-action 'none'; frame-ancestors 'none'",
        policy,
    )
    assert "<script" not in answer.text
    assert fields(answer) == {
        "content-type": "text/html; charset=utf-8",
        "etag": answer.headers["etag"],
        "cache-control": "public, max-age=3600",
        "vary": "Accept",
    }
    assert (again.status_code, again.headers["content-security-policy"]) == (304, policy)


async def test_what_is_no_error_has_no_page(api: Api) -> None:
    """An unknown name is 404, whatever it holds, and does not come back in the page."""
    problem(await api.anonymous.get("/problems/nothing"), 404, "problem_not_found")
    problem(
        await api.anonymous.get("/problems/%3Cscript%3E", headers=BROWSER),
        404,
        "problem_not_found",
    )
    problem(
        await api.anonymous.get("/problems", headers={"Accept": "image/png"}),
        406,
        "not_acceptable",
    )
    problem(await api.anonymous.get("/problems?x=1"), 400, "bad_parameter")
