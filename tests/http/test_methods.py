"""Specifies methods: OPTIONS, 405, 501 and the addresses there are (HTTP contract, 6)."""

from typing import Any

import pytest

from tests.http.routes import filled, resources
from tests.support.http import fields, problem
from tests.support.product import Api

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
PATCHES = "application/merge-patch+json, application/json"


async def test_options_shows_the_whole_of_every_address(api: Api) -> None:
    """204 lists all methods of the path and the types of bodies, without a token."""
    for resource in resources():
        answer = await api.anonymous.send("OPTIONS", filled(resource.template))
        allow = set(fields(answer)["allow"].split(", "))
        assert answer.status_code == 204
        assert allow == resource.methods
        assert allow >= {"OPTIONS"}
        assert ("HEAD" in allow) == ("GET" in allow)
        if "PATCH" in allow:
            assert "accept-patch" in fields(answer)


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        (
            "/posts",
            {
                "allow": "GET, HEAD, OPTIONS, POST",
                "accept-post": "application/json, application/x-www-form-urlencoded",
            },
        ),
        (
            "/posts/{post_id}",
            {"allow": "DELETE, GET, HEAD, OPTIONS, PATCH", "accept-patch": PATCHES},
        ),
        ("/posts/{post_id}/publish", {"allow": "OPTIONS, POST"}),
        (
            "/posts/{post_id}/schedule",
            {"allow": "OPTIONS, POST", "accept-post": "application/json"},
        ),
        (
            "/posts/{post_id}/legal-hold",
            {"allow": "DELETE, OPTIONS, POST", "accept-post": "application/json"},
        ),
    ],
)
async def test_options_says_which_bodies_are_taken(
    api: Api, path: str, shown: dict[str, str]
) -> None:
    """Accept-Post and Accept-Patch stand where there is a body."""
    answer = await api.anonymous.send("OPTIONS", filled(path))

    assert fields(answer) == shown


async def test_a_method_that_an_address_lacks_is_405(api: Api) -> None:
    """For every address and every method that it lacks, with the whole Allow."""
    refused = 0
    for resource in resources():
        for method in set(METHODS) - resource.methods:
            answer = await api.author.send(method, filled(resource.template))
            if method != "HEAD":
                problem(answer, 405, "method_not_allowed")
            assert answer.status_code == 405
            assert set(fields(answer)["allow"].split(", ")) == resource.methods
            refused += 1

    assert refused > 50


@pytest.mark.parametrize("method", ["BREW", "PROPFIND", "QUERY", "PURGE"])
@pytest.mark.parametrize("path", ["/posts", "/nothing"])
async def test_an_unknown_method_is_501(api: Api, method: str, path: str) -> None:
    """Also where there is no such address."""
    answer = await api.anonymous.send(method, path)

    problem(answer, 501, "method_not_implemented")


async def test_the_server_as_a_whole_has_options(api: Api) -> None:
    """`OPTIONS *` is answered 204 with what the server knows."""
    async with api.raw() as connection:
        await connection.send(b"OPTIONS * HTTP/1.1\r\nHost: %b\r\n\r\n" % api.host.encode())
        answer = await connection.answer()

    assert answer.status == 204
    assert "GET" in (answer.field("allow") or "")


async def test_tunnels_are_refused(api: Api) -> None:
    """CONNECT is for proxies: 405, and the connection ends."""
    async with api.raw() as connection:
        await connection.send(b"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n")
        answer = await connection.answer()

        assert answer.status == 405
        assert answer.problem()["error"] == "method_not_allowed"
        assert await connection.ended()


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/post",
        "/posts/",
        "//posts",
        "/posts//publish",
        "/POSTS",
        "/posts/slug",
        "/posts/slug/",
        "/posts/slug/a/b",
        "/posts/x/publish/",
        "/posts/x/unknown",
        "/posts%2Fslug%2Fa",
        "/posts/slug%2fa",
        "/posts/slug/a%2Fb",
        "/..",
        "/posts/../livez",
        "/%2e%2e/etc/passwd",
        "/livez/x",
        "/.env",
    ],
)
async def test_other_addresses_are_404(api: Api, path: str) -> None:
    """Nothing is guessed: no slash at the end, no other case, no dots, no escaped slashes."""
    async with api.raw() as connection:
        await connection.send(
            b"GET %b HTTP/1.1\r\nHost: %b\r\n\r\n" % (path.encode(), api.host.encode())
        )
        answer = await connection.answer()

    assert (answer.status, answer.problem()["error"]) == (404, "route_not_found")


async def test_early_data_changes_nothing(api: Api) -> None:
    """425 for what is not safe (RFC 8470); reads are answered."""
    early: dict[str, Any] = {"headers": {"Early-Data": "1"}}
    before = await api.events()

    problem(await api.author.post("/posts", {}, **early), 425, "too_early")
    assert (await api.anonymous.get("/posts", **early)).status_code == 200
    assert await api.events() == before


def test_no_address_stands_twice() -> None:
    """Every template is one resource."""
    templates = [resource.template for resource in resources()]

    assert len(set(templates)) == len(templates)
