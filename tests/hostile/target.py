"""The product as processes of its own, to attack: its callers, its log, its memory, its pid."""

import asyncio
import re
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import msgspec
import redis.asyncio

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
from tests.support.mail import mails_in, text_of, token_in
from tests.support.services import settings_in
from tests.support.serving import PROGRAM, ROOT, environment_of

PASSWORD = "correct horse battery staple"  # noqa: S105 - of every account here
HOOK = "https://hooks.example/in"
"""Where a webhook may send to; nobody sends, for no worker knows that it may."""
CALLERS = ("anonymous", "author", "second-author", "auditor", "operator", "admin")
_ROLES = {
    "author": Role.AUTHOR,
    "second-author": Role.AUTHOR,
    "auditor": Role.AUDITOR,
    "operator": Role.OPERATOR,
    "admin": Role.ADMIN,
    "stranger": Role.AUTHOR,
}


class Person(msgspec.Struct, frozen=True):
    """An account with a session."""

    account_id: UUID
    session_id: UUID
    email: str
    token: str


class Target:
    """A running process, and what is seen of it from outside."""

    def __init__(
        self,
        processes: Sequence[asyncio.subprocess.Process],
        address: str,
        product: Product,
        database: asyncpg.Connection,
        limits: redis.asyncio.Redis,
        folder: Path,
        environment: Mapping[str, str],
    ) -> None:
        self._environment = environment
        self._processes = processes
        self._product = product
        self._database = database
        self._limits = limits
        self.folder = folder
        self.address = address
        self._people: dict[str, Person] = {}
        self._count = 0
        self._seen = 0

    @property
    def pids(self) -> tuple[int, ...]:
        """The ids of the processes; the first one serves."""
        return tuple(process.pid for process in self._processes)

    @property
    def is_alive(self) -> bool:
        """Whether the processes that were started still run."""
        return all(each.returncode is None for each in self._processes)

    def log(self) -> str:
        """Give all that the processes wrote."""
        return "".join(
            path.read_text(errors="replace") for path in sorted(self.folder.glob("log-*"))
        )

    def mail_token(self, email: str) -> str | None:
        """Find the newest token that was sent to an address."""
        sent = [mail for mail in mails_in(self.folder / "data" / "mail") if mail["To"] == email]
        return token_in(text_of(sent[-1])) if sent else None

    async def forgive(self) -> None:
        """Forget all attempts that are counted: what comes next is not refused for them."""
        await self._limits.flushdb()

    async def count(self, query: str) -> int:
        """Count what a query counts."""
        number: int = await self._database.fetchval(query)
        return number

    async def dead_delivery(self, webhook_id: UUID) -> UUID:
        """Let the first event have been sent to a webhook in vain."""
        delivery_id: UUID = await self._database.fetchval(
            "insert into webhook_deliveries"
            " (id, webhook_id, position, event_id, type, state, attempts, last_at)"
            " values (gen_random_uuid(), $1, 1, gen_random_uuid(), 'account.registered', 'dead',"
            " 8, now()) returning id",
            webhook_id,
        )
        return delivery_id

    async def command(self, *arguments: str) -> tuple[int | None, str]:
        """Run a command of the product; give its exit code and what it printed."""
        process = await asyncio.create_subprocess_exec(
            *(*PROGRAM, *arguments), cwd=ROOT, env=self._environment, stdout=subprocess.PIPE
        )
        async with asyncio.timeout(60):
            said, _ = await process.communicate()
        return process.returncode, said.decode()

    async def causes(self) -> list[str]:
        """Give the ids of the requests that caused the events since this was asked last."""
        rows = await self._database.fetch(
            "select position, metadata ->> 'requestId' as cause from events where position > $1",
            self._seen,
        )
        self._seen = max((row["position"] for row in rows), default=self._seen)
        return [row["cause"] for row in rows if row["cause"] is not None]

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
        """Tell whether somebody is signed in and has the role: admins among the callers take it."""
        person = await self.person(caller)
        account = await self._product.account_queries.by_id(person.account_id)
        if account is None or account.disabled or _ROLES[caller] not in account.roles:
            return False
        alive = await self._product.sessions.store.alive(person.account_id, now())
        return any(session.id == person.session_id for session in alive)

    def forget(self, caller: str) -> None:
        """Make another account the next time: this one was erased, disabled or signed out."""
        self._people.pop(caller, None)

    async def _made(self, caller: str) -> Person:
        self._count += 1
        password_hash = await self._product.passwords.hash(PASSWORD.encode())
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
        return Person(someone.account_id, session_id, someone.email, token)


@asynccontextmanager
async def running_target(
    services: Services, database_url: str, folder: Path
) -> AsyncIterator[Target]:
    """Serve the product in a process of its own, with a worker and a projector beside it."""
    environment = environment_of(services, database_url, folder) | {
        "LEDGERPRESS_GO_ALLOWED_HOSTS": "ok.example,b.ok.example"
    }
    serving = {**environment, "LEDGERPRESS_WEBHOOK_ALLOWED_HOSTS": "hooks.example"}
    keys = load_keys(settings_in(folder / "data"))
    assert isinstance(keys, Keys), keys
    async with AsyncExitStack() as parts:
        process, *others = [
            await parts.enter_async_context(_process(name, of_it, folder / f"log-{name}"))
            for name, of_it in (
                ("serve", serving),
                ("worker", environment),
                ("projector", environment),
            )
        ]
        address = (await _said(process, folder / "log-serve", r"^serving at http://(\S+)$"))[1]
        for name, other in zip(("worker", "projector"), others, strict=True):
            await _said(other, folder / f"log-{name}", r"^(working|projecting)$")
        product = await parts.enter_async_context(open_product(database_url, keys, hashing=CHEAP))
        database = await parts.enter_async_context(connected(database_url))
        limits = await parts.enter_async_context(redis.asyncio.from_url(services.redis_url))
        yield Target((process, *others), address, product, database, limits, folder, environment)


@asynccontextmanager
async def _process(
    name: str, environment: Mapping[str, str], log: Path
) -> AsyncIterator[asyncio.subprocess.Process]:
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            *PROGRAM, name, cwd=ROOT, env=environment, stderr=out, stdout=subprocess.DEVNULL
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            async with asyncio.timeout(20):
                await process.wait()


async def _said(process: asyncio.subprocess.Process, log: Path, line: str) -> re.Match[str]:
    def found() -> re.Match[str] | None:
        return re.search(line, log.read_text(), re.MULTILINE)

    async with asyncio.timeout(30):
        while (said := found()) is None:
            assert process.returncode is None, "the process ended at once"
            await asyncio.sleep(0.05)
    return said
