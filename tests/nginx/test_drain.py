"""Specifies the end of one of two real processes behind nginx, in order or not."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from infra.embedded.services import Services
from tests.nginx.front import Running, fronted
from tests.support.programs import needs
from tests.support.serving import environment_of, serving
from tests.support.waiting import eventually

pytestmark = needs("nginx")


@pytest.fixture
def environment(services: Services, database_url: str, tmp_path: Path) -> dict[str, str]:
    """Give the settings of a `ledgerpress serve` behind nginx."""
    return environment_of(services, database_url, tmp_path) | {
        "LEDGERPRESS_PUBLIC_URL": "https://localhost",
        "LEDGERPRESS_TRUSTED_PROXIES": "127.0.0.1",
    }


class Load:
    """Clients that ask without pause, and what they were answered."""

    def __init__(self, front: Running) -> None:
        self._front = front
        self._stop = asyncio.Event()
        self.statuses: dict[tuple[str, int], int] = {}
        self.lost: list[str] = []

    @property
    def count(self) -> int:
        """How many answers came."""
        return sum(self.statuses.values())

    async def client(self) -> None:
        """Read, and try to sign in with what is no body: a POST that needs nothing to be there."""
        while not self._stop.is_set():
            for method, path in (("GET", "/posts"), ("POST", "/login"), ("PATCH", "/me")):
                content = None if method == "GET" else b"{"
                headers = {"Content-Type": "application/json"} if content else {}
                try:
                    answer = await self._front.tls.request(
                        method, path, content=content, headers=headers
                    )
                except httpx.HTTPError as error:
                    self.lost.append(repr(error))
                    return
                key = (method, answer.status_code)
                self.statuses[key] = self.statuses.get(key, 0) + 1

    @asynccontextmanager
    async def running(self, clients: int) -> AsyncIterator[None]:
        """Keep asking while inside."""
        async with asyncio.TaskGroup() as tasks:
            for _ in range(clients):
                tasks.create_task(self.client())
            try:
                yield
            finally:
                self._stop.set()

    async def more(self, answers: int) -> None:
        """Wait for so many more answers."""
        wanted = self.count + answers

        async def there() -> bool:
            return self.count >= wanted or bool(self.lost)

        assert await eventually(there, within=20)


@pytest.mark.timeout(60)
async def test_the_end_of_one_of_two(environment: dict[str, str]) -> None:
    """Drained under load, no client sees it; killed, only changes under way are lost, as 502."""
    async with (
        serving(environment) as first,
        serving(environment) as second,
        serving(environment) as third,
        fronted([first.address, second.address, third.address]) as front,
    ):
        drained = Load(front)
        async with drained.running(8):
            await drained.more(100)
            first.tell(signal.SIGTERM)
            code = await first.ended()
            await drained.more(100)
        killed = Load(front)
        async with killed.running(8):
            await killed.more(100)
            second.tell(signal.SIGKILL)
            await second.ended()
            await killed.more(100)

    assert (code, drained.lost, killed.lost) == (0, [], [])
    fine = {("GET", 200), ("POST", 400), ("PATCH", 405)}
    assert set(drained.statuses) == fine
    assert set(killed.statuses) - fine <= {("POST", 502), ("PATCH", 502)}
