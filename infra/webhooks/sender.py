"""The way to receivers: one POST over TLS, to an address that was looked at before, and no further.

The name is resolved here, each of its addresses is judged, and the connection is made to one that
was: nobody can answer one thing when asked and another when connected to. TLS is for the name.
Nothing is followed, no proxy of the environment is used, and of an answer only the status and
Retry-After are told: what a receiver says is neither kept nor logged.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpcore

from domain.webhook_retries import Answered, Attempt, NoAnswer
from infra.webhooks.addresses import is_public

ATTEMPT_SECONDS = 15.0
"""For all of an attempt: resolving, connecting, sending, and the answer's head."""
MOST_ADDRESSES = 4
"""Of a name, that are tried."""
MOST_OF_A_BODY = 4096
_BODY_SECONDS = 1.0
"""For an answer's body, which only lets the connection be used again."""
_KEPT_SECONDS = 15.0
_MOST_SECONDS = 10**9

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Gives the addresses of a name. Raises `OSError` where there are none."""


class RefusedError(Exception):
    """No connection is made, for a reason that is a code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


async def resolve(host: str, port: int) -> Sequence[str]:
    """Ask the resolver of this machine."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class HttpSender:
    """Sends to the hosts that are allowed, each named with its port unless that is 443.

    `allows` judges addresses. It is no setting, and only tests, whose receivers are on this
    machine, pass another than the default; as they do with the resolver and the certificates.
    """

    def __init__(
        self,
        allowed_hosts: Iterable[str],
        *,
        allows: Callable[[str], bool] = is_public,
        resolve: Resolve = resolve,
        tls: ssl.SSLContext | None = None,
        seconds: float = ATTEMPT_SECONDS,
    ) -> None:
        self._allowed = frozenset(allowed_hosts)
        self._seconds = seconds
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls or ssl.create_default_context(),
            max_connections=64,
            max_keepalive_connections=16,
            keepalive_expiry=_KEPT_SECONDS,
            network_backend=_JudgedAddresses(allows, resolve),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._pool.aclose()

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Attempt:
        """Post a message, once. See `projections.webhook_delivering.Sender`."""
        # Also what was registered while another list of hosts was set.
        if not self._allows(url):
            return NoAnswer("host_not_allowed")
        try:
            async with asyncio.timeout(self._seconds) as limit:
                return await self._post(url, headers, body, limit)
        except RefusedError as error:
            return NoAnswer(error.reason)
        except (TimeoutError, httpcore.TimeoutException):
            return NoAnswer("timeout")
        except httpcore.ConnectError as error:
            return NoAnswer("tls_failed" if _is_of_tls(error) else "connection_failed")
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError):
            return NoAnswer("connection_broken")

    async def _post(
        self, url: str, headers: Mapping[str, str], body: bytes, limit: asyncio.Timeout
    ) -> Attempt:
        fields = [(name.encode(), value.encode()) for name, value in headers.items()]
        async with self._pool.stream("POST", url, headers=fields, content=body) as answer:
            limit.reschedule(None)  # it has answered: what comes now has a limit of its own
            with contextlib.suppress(TimeoutError, httpcore.NetworkError, httpcore.ProtocolError):
                async with asyncio.timeout(_BODY_SECONDS):
                    await _read_a_little(answer)
            return Answered(answer.status, _retry_after(answer.headers))

    def _allows(self, url: str) -> bool:
        address = urlsplit(url)
        return address.scheme == "https" and address.netloc in self._allowed


class _JudgedAddresses(httpcore.AsyncNetworkBackend):
    """Connects to a name by an address of it that was judged; to none if one is not allowed."""

    def __init__(self, allows: Callable[[str], bool], resolve: Resolve) -> None:
        self._allows = allows
        self._resolve = resolve
        self._connecting = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is httpcore's
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Resolve, judge and connect."""
        try:
            addresses = await self._resolve(host, port)
        except (OSError, UnicodeError):
            raise RefusedError("name_unknown") from None
        if not addresses:
            raise RefusedError("name_unknown")
        # All of them: a name with one address inside is either an attack or a mistake.
        if not all(self._allows(address) for address in addresses):
            raise RefusedError("address_not_public")
        for address in addresses[: MOST_ADDRESSES - 1]:
            with contextlib.suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return await self._connect(address, port, timeout, local_address, socket_options)
        last = addresses[min(len(addresses), MOST_ADDRESSES) - 1]
        return await self._connect(last, port, timeout, local_address, socket_options)

    async def connect_unix_socket(
        self,
        path: str,  # noqa: ARG002 - the signature is httpcore's
        timeout: float | None = None,  # noqa: ARG002, ASYNC109
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002
    ) -> httpcore.AsyncNetworkStream:
        """Refuse: a receiver is none."""
        raise RefusedError("address_not_public")

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    async def _connect(
        self,
        address: str,
        port: int,
        timeout: float | None,  # noqa: ASYNC109 - as above
        local_address: str | None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None,
    ) -> httpcore.AsyncNetworkStream:
        return await self._connecting.connect_tcp(
            address,
            port,
            timeout=timeout,
            local_address=local_address,
            socket_options=socket_options,
        )


async def _read_a_little(answer: httpcore.Response) -> None:
    size = 0
    async for piece in answer.aiter_stream():
        size += len(piece)
        if size > MOST_OF_A_BODY:
            return  # leaving it unread closes the connection


def _retry_after(fields: Sequence[tuple[bytes, bytes]]) -> timedelta | None:
    """Read Retry-After (RFC 9110, section 10.2.3); what cannot be read is ignored."""
    text = next((value for name, value in fields if name.lower() == b"retry-after"), b"")
    digits = text.strip().decode("latin-1")
    if digits.isascii() and digits.isdigit():
        return timedelta(seconds=min(int(digits[:10]), _MOST_SECONDS))
    try:
        at = parsedate_to_datetime(digits)
        return at.astimezone(UTC) - datetime.now(UTC)
    except (ValueError, OverflowError, TypeError):
        return None


def _is_of_tls(error: BaseException) -> bool:
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLError):
            return True
        seen = seen.__cause__ or seen.__context__
    return False
