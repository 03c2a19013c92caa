"""A process of the product that is sent secrets wherever one fits, and all that it says."""

import asyncio
import hashlib
import json
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import msgspec

from tests.support.http import client_of_nobody
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[2]
PROGRAM = [sys.executable, "-m", "tests.support.serve_verbosely"]
HEADER_FIELDS = (
    "Authorization",
    "Cookie",
    "Proxy-Authorization",
    "X-Api-Key",
    "User-Agent",
    "Referer",
    "Idempotency-Key",
    "If-Match",
    "X-Forwarded-For",
    "X-Request-Id",
    "Content-Language",
)


class Canaries:
    """Texts that are nowhere else, and all of those that were given away."""

    def __init__(self) -> None:
        self.secrets = {"password of Redis": "canary-of-redis"}

    def new(self, name: str) -> str:
        """Make one that is a good password, too."""
        digest = hashlib.sha256(f"{name} {len(self.secrets)}".encode()).hexdigest()
        self.secrets[f"{name} {len(self.secrets)}"] = digest[:24]
        return f"canary {digest[:24]} sings"

    def word(self, name: str) -> str:
        """Make one without spaces."""
        return self.new(name).replace(" ", "-")

    def keep(self, name: str, secret: str) -> str:
        """Count a secret that the product made among them."""
        self.secrets[name if name not in self.secrets else f"{name} {len(self.secrets)}"] = secret
        return secret

    def found_in(self, text: bytes) -> list[str]:
        """Name those that a text holds, as they are or in another case."""
        lowered = text.lower()
        return [name for name, each in self.secrets.items() if each.lower().encode() in lowered]


class Serving(msgspec.Struct):
    """A running process, and what it has said."""

    process: asyncio.subprocess.Process
    said: bytearray
    http: httpx.AsyncClient
    canaries: Canaries

    async def send(
        self, method: str, path: str, body: object = None, *, token: str | None = None
    ) -> httpx.Response:
        """Send a request with a canary in each header field, but for the token if there is one."""
        fields = {name: self.canaries.word(name) for name in HEADER_FIELDS}
        fields["Authorization"] = f"Bearer {token or fields['Authorization']}"
        fields["Cookie"] = f"session={fields['Cookie']}; token={self.canaries.word('Cookie')}"
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        if body is not None:
            fields["Content-Type"] = "application/json"
        return await self.http.request(
            method, path, content=content if body is not None else None, headers=fields
        )

    async def tokens(self, email: str, password: str) -> tuple[str, str]:
        """Log in, and give the access token and the refresh token."""
        answer = await self.send("POST", "/login", {"email": email, "password": password})
        assert answer.status_code == 200, answer.text
        return self.kept(answer)

    def kept(self, answer: httpx.Response) -> tuple[str, str]:
        """Give the tokens of an answer, which are secrets from now on."""
        access, refresh = answer.json()["token"], answer.json()["refreshToken"]
        self.canaries.keep("access token", access.rpartition(".")[2])
        return access, self.canaries.keep("refresh token", refresh)


@asynccontextmanager
async def serving(
    environment: dict[str, str], canaries: Canaries, *, command: str = "serve"
) -> AsyncIterator[Serving]:
    """Run the API, or everything with `dev`, until the block ends, and keep all that it says."""
    process = await asyncio.create_subprocess_exec(
        *PROGRAM,
        command,
        cwd=ROOT,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said = bytearray()
    reading = asyncio.create_task(_read(process, said))
    address: list[str] = []

    async def ready() -> bool:
        address[:] = re.findall(r"serv(?:ing|es) at (http://\S+)", said.decode())
        assert process.returncode is None, said.decode()
        return bool(address)

    try:
        assert await eventually(ready, within=30), said.decode()
        async with client_of_nobody(address[0]) as http:
            yield Serving(process, said, http, canaries)
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(30):
            await reading
            assert await process.wait() == 0, said.decode()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        await reading


async def _read(process: asyncio.subprocess.Process, said: bytearray) -> None:
    assert process.stdout is not None
    while piece := await process.stdout.read(65536):
        said.extend(piece)
