"""A real SMTP server for a test, on a free port, that answers as the test says."""

import asyncio
import ssl
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from infra.mail.smtp import SmtpServer

LOGIN = LoginPassword(b"press", b"p@ss/w:rd")


class Inbox:
    """Takes what comes, or answers with a code of the test's."""

    def __init__(self) -> None:
        self.messages: list[Envelope] = []
        self.recipient_answer = "250 ok"
        self.data_answer = "250 ok"
        self.silent = asyncio.Event()
        """Set to let a recipient wait for an answer for ever."""
        self.hold: asyncio.Event | None = None
        """What a message waits for before it is accepted."""
        self.arrived = asyncio.Event()

    async def handle_RCPT(  # noqa: N802 - the names are aiosmtpd's
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Answer to a recipient."""
        if self.silent.is_set():
            await asyncio.Event().wait()
        if self.recipient_answer.startswith("2"):
            envelope.rcpt_tos.append(address)
            envelope.rcpt_options.extend(options)
        return self.recipient_answer.format(address=address)

    async def handle_DATA(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Answer to a message."""
        self.arrived.set()
        if self.hold is not None:
            await self.hold.wait()
        if self.data_answer.startswith("2"):
            self.messages.append(envelope)
        return self.data_answer


@asynccontextmanager
async def smtp_server(
    inbox: Inbox,
    *,
    tls: ssl.SSLContext | None = None,
    encryption: Literal["none", "starttls", "tls"] = "none",
    login: bool = False,
    smtputf8: bool = True,
) -> AsyncIterator[SmtpServer]:
    """Serve on the loopback address, and say how it wants to be spoken to."""

    def authenticate(_server: object, _s: object, _e: object, _m: str, data: Any) -> AuthResult:  # noqa: ANN401 - aiosmtpd's
        return AuthResult(success=data == LOGIN, handled=False)

    def protocol() -> SMTP:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that a login without TLS can be overheard
            server = SMTP(
                inbox,
                hostname="localhost",
                enable_SMTPUTF8=smtputf8,
                tls_context=tls if encryption == "starttls" else None,
                require_starttls=encryption == "starttls",
                auth_required=login,
                auth_require_tls=False,
                authenticator=authenticate,
                loop=loop,
            )
        protocols.append(server)
        return server

    loop, protocols = asyncio.get_running_loop(), list[SMTP]()
    listening = await loop.create_server(
        protocol, "127.0.0.1", 0, ssl=tls if encryption == "tls" else None
    )
    try:
        yield SmtpServer(
            host="localhost",
            port=listening.sockets[0].getsockname()[1],
            encryption=encryption,
            user=LOGIN.login.decode() if login else None,
            password=LOGIN.password.decode() if login else None,
        )
    finally:
        listening.close()
        for one in protocols:
            if one.transport is not None:
                one.transport.close()
        await listening.wait_closed()


def certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """Make a certificate for `localhost`, to be trusted by its path, and the server's context."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
            ),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return path, context
