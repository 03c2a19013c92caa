"""The shipped configuration of nginx in front of backends of a test's choice."""

import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpx
import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from infra.cli.nginx import edge_texts
from infra.nginx.configuration import Front, nginx_configuration
from tests.support.http import Client, RawConnection, check_every_answer, raw_connection
from tests.support.own_nginx import OwnNginx, own_nginx
from tests.support.ports import free_ports

HSTS = "max-age=31536000; includeSubDomains"


class Running(msgspec.Struct, frozen=True):
    """An nginx that serves the shipped configuration, and clients of it."""

    nginx: OwnNginx
    http_port: int
    https_port: int
    plain: httpx.AsyncClient
    tls: httpx.AsyncClient

    def through(self, client: Client) -> Client:
        """Give a client that speaks for the same account, by way of nginx."""
        issue = None if client._issue is None else client.token  # noqa: SLF001 - None is nobody's
        return Client(self.tls, issue, client.account_id)

    def raw(self) -> AbstractAsyncContextManager[RawConnection]:
        """Open a connection to write bytes on, inside TLS."""
        return raw_connection("localhost", self.https_port, tls=trusting_context())

    def raw_plain(self) -> AbstractAsyncContextManager[RawConnection]:
        """Open a connection to write bytes on, without TLS."""
        return raw_connection("127.0.0.1", self.http_port)


@asynccontextmanager
async def fronted(backends: Sequence[str], **changes: Any) -> AsyncIterator[Running]:  # noqa: ANN401 - as in Front
    """Run nginx on TLS in front of these backends; `changes` are those of its parameters."""
    http_port, https_port = free_ports(2)

    def configure(folder: Path) -> str:
        certificate, key = folder / "certificate.pem", folder / "key.pem"
        certificate.write_bytes(_self_signed()[0])
        key.write_bytes(_self_signed()[1])
        front = Front(
            public_url=f"https://localhost:{https_port}",
            server_names=("localhost",),
            backends=tuple(backends),
            certificate=certificate,
            key=key,
            addresses=("127.0.0.1",),
            http_port=http_port,
            https_port=https_port,
            # Where the tests run as root its workers shall still reach the private folder.
            user="root",
            folder=folder,
            workers=1,
            max_body_bytes=1024 * 1024,
            max_upload_bytes=10 * 1024 * 1024,
        )
        return nginx_configuration(msgspec.structs.replace(front, **changes), edge_texts())

    async with (
        own_nginx(configure, (http_port, https_port)) as nginx,
        _client(f"http://localhost:{http_port}") as plain,
        _client(f"https://localhost:{https_port}") as tls,
    ):
        yield Running(nginx, http_port, https_port, plain, tls)


def _client(address: str) -> httpx.AsyncClient:
    transport = httpx.AsyncHTTPTransport(
        verify=trusting_context(),
        limits=httpx.Limits(max_connections=64),
        local_address="127.0.0.1",
    )
    client = httpx.AsyncClient(base_url=address, transport=transport, timeout=20, trust_env=False)
    client.headers.clear()
    return client


def check(answer: httpx.Response) -> httpx.Response:
    """Require of an answer by way of TLS what holds for all answers, and give it."""
    assert answer.headers.pop("server") == "nginx"
    assert answer.headers.pop("strict-transport-security") == HSTS
    check_every_answer(answer)
    return answer


def problem_of_nginx(answer: httpx.Response, status: int, error: str) -> dict[str, Any]:
    """Require a problem that nginx itself answered on TLS, and give its members."""
    assert answer.status_code == status, answer.text
    members: dict[str, Any] = check(answer).json()
    assert members["error"] == error
    assert members["type"].startswith("https://localhost:")
    assert members["instance"] == f"urn:uuid:{members['requestId']}"
    return members


@cache
def _self_signed() -> tuple[bytes, bytes]:
    """Make a certificate for localhost and its key, in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    today = datetime.now(UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM), key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def trusting_context() -> ssl.SSLContext:
    """Make a context of TLS that trusts the certificate of the tests and no other."""
    return ssl.create_default_context(cadata=_self_signed()[0].decode())
