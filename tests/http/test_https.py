"""Specifies the way from plain HTTP to HTTPS behind a trusted proxy, and what keeps to it (14)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network

import msgspec
import pytest

from tests.support.http import fields
from tests.support.product import Api, running_api

HTTP = {"X-Forwarded-Proto": "http"}
HTTPS = {"X-Forwarded-Proto": "https"}
LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1"))


@asynccontextmanager
async def published(
    url: str, address: str, *, trusted: bool = True, preload: bool = False
) -> AsyncIterator[Api]:
    """Serve the product as one that clients reach at this address."""
    async with running_api(
        url,
        alter=lambda made: msgspec.structs.replace(
            made,
            public_url=address,
            trusted_proxies=LOOPBACK if trusted else (),
            hsts_preload=preload,
        ),
    ) as api:
        yield api


async def test_plain_http_leads_to_https(database_url: str) -> None:
    """301 for GET and HEAD, 308 for the rest, to the same address; whatever stands there."""
    async with published(database_url, "https://api.example") as api:
        for method, status in [
            *[("GET", 301), ("HEAD", 301), ("POST", 308), ("PATCH", 308), ("DELETE", 308)],
            ("OPTIONS", 308),
        ]:
            answer = await api.anonymous.send(method, "/posts/x%20y?a=%22b", headers=HTTP)

            assert answer.status_code == status, method
            assert fields(answer) == {
                "location": "https://api.example/posts/x%20y?a=%22b",
                "cache-control": "public, max-age=3600",
            }
        nothing = await api.anonymous.get("/nothing-here", headers=HTTP)
        probe = await api.anonymous.get("/livez", headers=HTTP)
        several = await api.anonymous.get("/posts", headers={"X-Forwarded-Proto": "https, http"})

        assert nothing.headers["location"] == "https://api.example/nothing-here"
        assert probe.status_code == 200
        assert several.status_code == 301


async def test_over_tls_browsers_are_told_to_stay(database_url: str) -> None:
    """On every answer over TLS, errors included, and on no other."""
    async with published(database_url, "https://api.example") as api:
        for path in ("/posts", "/nothing-here", "/livez"):
            told = await api.anonymous.get(path, headers=HTTPS)
            untold = await api.anonymous.get(path)

            assert told.headers["strict-transport-security"] == (
                "max-age=31536000; includeSubDomains"
            )
            assert "strict-transport-security" not in untold.headers
        plain = await api.anonymous.get("/posts", headers=HTTP)

        assert "strict-transport-security" not in plain.headers


async def test_preload_is_said_only_when_asked_for(database_url: str) -> None:
    """Nobody gets off that list again soon."""
    async with published(database_url, "https://api.example", preload=True) as api:
        answer = await api.anonymous.get("/posts", headers=HTTPS)

        assert answer.headers["strict-transport-security"] == (
            "max-age=31536000; includeSubDomains; preload"
        )


@pytest.mark.parametrize(
    ("address", "trusted"), [("https://api.example", False), ("http://api.example", True)]
)
async def test_only_a_trusted_proxy_is_believed(
    database_url: str, address: str, *, trusted: bool
) -> None:
    """Nor is anybody sent to HTTPS where the product is not published there."""
    async with published(database_url, address, trusted=trusted) as api:
        answers = [await api.anonymous.get("/posts", headers=said) for said in (HTTP, HTTPS)]

        assert [answer.status_code for answer in answers] == [200, 200]
        assert not any("strict-transport-security" in answer.headers for answer in answers)
