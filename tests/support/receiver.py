"""A receiver of webhooks on this machine: TLS, a name that only the test knows, any behaviour."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from infra.webhooks.sender import HttpSender, Resolve

HOST = "hooks.example"
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"

_SHORT = 64 * 1024


class Received(msgspec.Struct, frozen=True):
    """A request as it came."""

    path: str
    headers: Mapping[str, str]
    """By their names in lower case."""
    body: bytes

    @property
    def members(self) -> dict[str, Any]:
        """The members of its JSON."""
        found: dict[str, Any] = msgspec.json.decode(self.body)
        return found

    @property
    def position(self) -> int:
        """The position in the log that it tells."""
        position: int = self.members["position"]
        return position


Answers = Callable[[Received, asyncio.StreamWriter], Awaitable[bytes]]


async def takes_it(_: Received, __: asyncio.StreamWriter) -> bytes:
    """Answer 204."""
    return NO_CONTENT


def answering(status: int, fields: str = "", body: bytes = b"") -> Answers:
    """Answer the same to everything."""

    async def answers(_: Received, __: asyncio.StreamWriter) -> bytes:
        head = f"HTTP/1.1 {status} Whatever\r\n{fields}content-length: {len(body)}\r\n\r\n"
        return head.encode() + body

    return answers


class Receiver:
    """What came in, and how it is answered."""

    def __init__(self) -> None:
        self.port = 0
        self.requests: list[Received] = []
        self.answers: Answers = takes_it
        self.connections = 0

    @property
    def place(self) -> str:
        """Its host and port, as the setting has them."""
        return f"{HOST}:{self.port}"

    @property
    def url(self) -> str:
        """Where to send to."""
        return f"https://{self.place}/in?from=ledger"

    @property
    def positions(self) -> list[int]:
        """The positions that came, in their order."""
        return [each.position for each in self.requests]

    def sender(
        self,
        *,
        resolve: Resolve | None = None,
        allows: Callable[[str], bool] | None = None,
        seconds: float = 15,
    ) -> HttpSender:
        """Make a sender that finds its way here, and trusts nobody else."""
        return HttpSender(
            [self.place],
            allows=allows or is_this_machine,
            resolve=resolve or this_machine,
            tls=ssl.create_default_context(cadata=_certificate()[0].decode()),
            seconds=seconds,
        )

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take requests off a connection."""
        self.connections += 1
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                first, *lines = head.decode("latin-1").strip().split("\r\n")
                headers = {
                    name.lower(): value for name, value in (line.split(": ", 1) for line in lines)
                }
                body = await reader.readexactly(int(headers["content-length"]))
                received = Received(first.split(" ")[1], headers, body)
                self.requests.append(received)
                writer.write(await self.answers(received, writer))
                await writer.drain()
        writer.close()


async def this_machine(_host: str, _port: int) -> Sequence[str]:
    """Resolve every name to this machine."""
    return ["127.0.0.1"]


def is_this_machine(address: str) -> bool:
    """Allow what no product may send to."""
    return ip_address(address).is_loopback


@asynccontextmanager
async def running_receiver() -> AsyncIterator[Receiver]:
    """Listen on a free port until the end of the block."""
    receiver = Receiver()
    tasks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(receiver.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(
        connected, "127.0.0.1", 0, ssl=_server_context(), limit=_SHORT
    )
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def certificate_pem() -> bytes:
    """Give the certificate of every receiver in this process."""
    return _certificate()[0]


@cache
def _server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with TemporaryDirectory() as folder:
        both = Path(folder, "both.pem")
        both.write_bytes(b"".join(_certificate()))
        context.load_cert_chain(both)
    return context


@cache
def _certificate() -> tuple[bytes, bytes]:
    """Make a certificate for the receiver's name, and its key, in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    today = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM), key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
