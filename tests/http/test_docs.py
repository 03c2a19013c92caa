"""Specifies the page at `/docs`, which works without a network."""

import re

import httpx
import pytest

from tests.support.http import fields, problem
from tests.support.product import Api

TYPES = {
    "swagger-ui.css": "text/css; charset=utf-8",
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "docs.js": "text/javascript; charset=utf-8",
}


async def opened(api: Api) -> tuple[httpx.Response, dict[str, str]]:
    """Open the page; give it with the addresses of its files by name."""
    answer = await api.anonymous.get("/docs")
    assert answer.status_code == 200, answer.text
    addresses = re.findall(r'(?:href|src)="(/docs/[^"]+)"', answer.text)
    return answer, {address.rpartition("/")[2]: address for address in addresses}


async def test_the_page_needs_this_server_alone(api: Api) -> None:
    """Every address in the page is a path of this server, and the policy allows no other."""
    answer, files = await opened(api)

    assert files.keys() == TYPES.keys()
    assert not re.search(r'(?:href|src)="(?!/|data:,")', answer.text)
    assert answer.headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    assert "<script>" not in answer.text
    assert "style=" not in answer.text


@pytest.mark.parametrize("name", TYPES)
async def test_files_are_kept_for_ever(api: Api, name: str) -> None:
    """A file has its type, a strong tag, and an address of its own, so caches can keep it."""
    _, files = await opened(api)
    answer = await api.anonymous.get(files[name])
    tag = answer.headers["etag"]
    again = await api.anonymous.get(files[name], headers={"If-None-Match": tag})

    assert answer.status_code == 200
    assert fields(answer) == {
        "content-type": TYPES[name],
        "etag": tag,
        "cache-control": "public, max-age=31536000, immutable",
    }
    assert (again.status_code, again.headers["etag"]) == (304, tag)


async def test_other_files_are_not_there(api: Api) -> None:
    """Neither another version of a file nor any other file of the server can be had."""
    _, files = await opened(api)
    release = files["docs.js"].split("/")[2]
    for address in (
        "/docs/old/docs.js",
        f"/docs/{release}/docs.py",
        f"/docs/{release}/..%2Fdocs.js",
        "/docs/..%2F..%2Fpyproject.toml/x",
    ):
        problem(await api.anonymous.get(address), 404, "route_not_found")


async def test_the_page_is_html(api: Api) -> None:
    """Who takes no HTML gets 406, and parameters are refused."""
    problem(
        await api.anonymous.get("/docs", headers={"Accept": "application/json"}),
        406,
        "not_acceptable",
    )
    problem(await api.anonymous.get("/docs?x=1"), 400, "bad_parameter")
