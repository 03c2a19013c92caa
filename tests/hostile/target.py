"""The product as a process of its own, to attack: its callers, its log, its memory and its pid."""

import asyncio
import re
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import msgspec

from commands.accounts import Registration, register
from commands.handle import Caller
from commands.outcomes import Created
from domain.stream import Role
from infra.bootstrap import Product, open_product
from infra.clock import now
from infra.embedded.services import Services
from infra.identity.passwords import CHEAP
from infra.keys import Keys, load_keys
from tests.support.accounts import a_session
from tests.support.http import RawConnection, raw_connection
from tests.support.log import connected
from tests.support.services import settings_in
from tests.support.serving import PROGRAM, ROOT, environment_of

CALLERS = ("anonymous", "author", "second-author", "auditor", "operator", "admin")
_ROLES = {
    "author": Role.AUTHOR,
    "second-author": Role.AUTHOR,
    "auditor": Role.AUDITOR,
    "operator": Role.OPERATOR,
    "admin": Role.ADMIN,
}
_KIB = 1024


class Person(msgspec.Struct, frozen=True):
    """An account with a token."""

    account_id: UUID
    token: str


class Target:
    """A running process, and what is seen of it from outside."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        address: str,
        product: Product,
        database: asyncpg.Connection,
        log: Path,
    ) -> None:
        self._process = process
        self._product = product
        self._database = database
        self._log = log
        self.address = address
        self._people: dict[str, Person] = {}
        self._count = 0

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether the process that was started still runs."""
        return self._process.returncode is None

    def memory(self) -> int:
        """Give the bytes of memory that the process holds."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) * _KIB

    def descriptors(self) -> int:
        """Count the files and sockets that the process has open."""
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    def log(self) -> str:
        """Give all that the process wrote."""
        return self._log.read_text(errors="replace")

    async def events(self) -> int:
        """Count the events in the log."""
        count: int = await self._database.fetchval("select count(*) from events")
        return count

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[RawConnection]:
        """Open a connection to write bytes on."""
        at = urlsplit(f"//{self.address}")
        async with raw_connection(at.hostname or "", at.port or 0) as connection:
            yield connection

    async def person(self, caller: str) -> Person:
        """Give the account of a kind of caller."""
        if caller not in self._people:
            self._people[caller] = await self._made(caller)
        return self._people[caller]

    async def token(self, caller: str) -> str | None:
        """Give a token of a kind of caller; nobody has none."""
        return None if caller == "anonymous" else (await self.person(caller)).token

    async def still_is(self, caller: str) -> bool:
        """Tell whether the account still has its role: admins among the callers take them."""
        account = await self._product.account_queries.by_id((await self.person(caller)).account_id)
        return account is not None and _ROLES[caller] in account.roles

    def forget(self, caller: str) -> None:
        """Make another account the next time: this one was erased, disabled or signed out."""
        self._people.pop(caller, None)

    async def _made(self, caller: str) -> Person:
        self._count += 1
        password_hash = await self._product.passwords.hash(b"correct horse battery staple")
        assert isinstance(password_hash, str)
        someone = Registration(
            account_id=self._product.ledger.new_id(),
            email=f"{caller}-{self._count}@test.example",
            name=None,
            roles=frozenset({_ROLES[caller]}),
            password_hash=password_hash,
        )
        by = Caller(actor=None, at=now(), command="Register")
        outcome = await register(self._product.accounts, by, someone)
        assert isinstance(outcome, Created), outcome
        session_id = await a_session(self._product, someone.account_id, now())
        token = self._product.access_tokens.issue(someone.account_id, session_id, now())
        return Person(someone.account_id, token)


@asynccontextmanager
async def running_target(
    services: Services, database_url: str, folder: Path
) -> AsyncIterator[Target]:
    """Serve the product in a process of its own until the block ends."""
    environment = environment_of(services, database_url, folder) | {
        "LEDGERPRESS_GO_ALLOWED_HOSTS": "ok.example,b.ok.example"
    }
    keys = load_keys(settings_in(folder / "data"))
    assert isinstance(keys, Keys), keys
    log = folder / "log"
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            *PROGRAM, "serve", cwd=ROOT, env=environment, stderr=out, stdout=subprocess.DEVNULL
        )
    try:
        address = await _address(process, log)
        async with (
            open_product(database_url, keys, hashing=CHEAP) as product,
            connected(database_url) as database,
        ):
            yield Target(process, address, product, database, log)
    finally:
        if process.returncode is None:
            process.terminate()
            async with asyncio.timeout(20):
                await process.wait()


async def _address(process: asyncio.subprocess.Process, log: Path) -> str:
    def found() -> str | None:
        said = re.search(r"^serving at http://(\S+)$", log.read_text(), re.MULTILINE)
        return said and said[1]

    async with asyncio.timeout(30):
        while (address := found()) is None:
            assert process.returncode is None, "the process ended at once"
            await asyncio.sleep(0.05)
    return address
