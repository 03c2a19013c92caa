"""Specifies the way to HTTPS, and TLS itself."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.nginx.backends import backend, boasts, tells
from tests.nginx.front import HSTS, Running, fronted, trusting_context
from tests.support.http import DEADLINE, RawAnswer
from tests.support.programs import needs

pytestmark = needs("nginx")


@pytest.fixture(scope="module")
async def front() -> AsyncIterator[Running]:
    """Give nginx in front of a backend that says too much."""
    async with backend(boasts) as behind, fronted([behind.address]) as running:
        yield running


async def _plain(front: Running, request: bytes) -> RawAnswer:
    async with front.raw_plain() as connection:
        await connection.send(request)
        return await connection.answer("HEAD" if request.startswith(b"HEAD") else "GET")


@pytest.mark.parametrize(
    ("method", "status"),
    [
        ("GET", 301),
        ("HEAD", 301),
        *((method, 308) for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS")),
    ],
)
async def test_plain_http(front: Running, method: str, status: int) -> None:
    """It is sent to the same path and query on HTTPS, with its method kept where it matters."""
    target = "/posts/slug/caf%C3%A9?a=1&b=%26%2F&c"
    answer = await _plain(front, f"{method} {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())

    assert answer.status == status
    assert answer.field("location") == f"https://localhost:{front.https_port}{target}"
    assert answer.field("strict-transport-security") is None
    assert answer.field("cache-control") == "public, max-age=3600"
    assert answer.field("x-content-type-options") == "nosniff"
    assert answer.field("x-request-id")
    assert answer.field("server") == "nginx"


@pytest.mark.parametrize(
    "target", ["//evil.example/x", "/\\evil.example", "/a?u=https://evil.example"]
)
async def test_plain_http_leads_nowhere_else(front: Running, target: str) -> None:
    """Whatever the path looks like, the host is ours."""
    answer = await _plain(front, f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())

    assert answer.field("location") == f"https://localhost:{front.https_port}{target}"


async def test_plain_http_to_another_host(front: Running) -> None:
    """A host that is not served here is 421, and is sent nowhere."""
    answer = await _plain(front, b"GET /a HTTP/1.1\r\nHost: evil.example\r\n\r\n")

    assert (answer.status, answer.problem()["error"]) == (421, "misdirected_request")
    assert answer.field("location") is None


async def test_hsts_and_what_runs_inside(front: Running) -> None:
    """On TLS browsers are told to insist on it; what backends say of themselves stays inside."""
    answer = await front.tls.get("/")

    assert answer.headers["strict-transport-security"] == HSTS
    assert dict(answer.headers) == {
        "server": "nginx",
        "date": answer.headers["date"],
        "content-length": "1",
        "connection": "keep-alive",
        "etag": '"kept"',
        "strict-transport-security": HSTS,
        "x-request-id": answer.headers["x-request-id"],
    }


async def test_preload_is_only_asked_for_where_it_is_wanted() -> None:
    """It binds all names below as well, for good."""
    async with backend(tells) as behind, fronted([behind.address], hsts_preload=True) as front:
        answer = await front.tls.get("/")

    assert answer.headers["strict-transport-security"] == f"{HSTS}; preload"


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated:DeprecationWarning")
async def test_versions_of_tls(front: Running) -> None:
    """1.2 and 1.3 are spoken, with forward secrecy, and nothing older."""
    spoken = {}
    for version in (ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = trusting_context()
        # OpenSSL itself would not say the old one otherwise.
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = version
        try:
            spoken[version] = (await _handshake(front, context)).cipher()
        except (ssl.SSLError, ConnectionError):
            spoken[version] = None

    assert spoken[ssl.TLSVersion.TLSv1_1] is None
    old_enough = spoken[ssl.TLSVersion.TLSv1_2]
    assert old_enough is not None
    assert old_enough[0].startswith("ECDHE-ECDSA-")
    assert spoken[ssl.TLSVersion.TLSv1_3] is not None


@pytest.fixture
def proofs(tmp_path: Path) -> Path:
    """Give the folder of a client of ACME with the proof that it has put down."""
    challenges = tmp_path / ".well-known" / "acme-challenge"
    challenges.mkdir(parents=True)
    (challenges / "token").write_text("token.proof", encoding="utf-8")
    (tmp_path / "secret").write_text("secret", encoding="utf-8")
    return tmp_path


async def test_proofs_for_a_certificate(proofs: Path) -> None:
    """What a client of ACME puts down is served on plain HTTP, and nothing else from there."""
    async with (
        backend(tells) as behind,
        fronted([behind.address], acme_folder=proofs) as front,
    ):
        proof = await front.plain.get("/.well-known/acme-challenge/token")
        others = [
            await front.plain.get(f"/.well-known/acme-challenge/{each}")
            for each in ("none", "../../secret", "%2e%2e/%2e%2e/secret")
        ]

    assert (proof.status_code, proof.text) == (200, "token.proof")
    assert others[0].json()["error"] == "route_not_found"
    assert "secret" not in {other.text for other in others}


async def test_http_2(front: Running) -> None:
    """Browsers that ask for it get it."""
    context = trusting_context()
    context.set_alpn_protocols(["h2", "http/1.1"])

    assert (await _handshake(front, context)).selected_alpn_protocol() == "h2"


async def _handshake(front: Running, context: ssl.SSLContext) -> ssl.SSLObject:
    """Begin TLS, and give what was agreed on."""
    async with asyncio.timeout(DEADLINE):
        _, writer = await asyncio.open_connection("localhost", front.https_port, ssl=context)
    writer.close()
    agreed: ssl.SSLObject = writer.get_extra_info("ssl_object")
    return agreed
