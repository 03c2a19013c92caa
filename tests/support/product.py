"""The whole product on a database of one's own, served on a free port, with accounts to ask it.

The composition is that of `infra/serve.py`, but for the clock, which stands still until a test
moves it, and for what a test alters on purpose.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from api.app import create_app
from api.metrics import Metrics
from api.server_problems import server_problem_body
from api.services import Services
from commands.accounts import Registration, change_account, register
from commands.handle import Caller
from commands.identity import Busy
from commands.loading import MEMORY_BYTES
from commands.mail import Mail, TakenMail
from commands.outcomes import Changed, Created
from commands.ports import StoreUnavailableError
from commands.tracing import Tracer
from domain.account_decisions import AccountCommand
from domain.stream import Role
from infra.api_services import api_services
from infra.bootstrap import Product, open_product
from infra.files.open import StoredFiles, open_files
from infra.http_server.limits import HttpLimits
from infra.http_server.run import serve
from infra.identity.limits import redis_limiter
from infra.identity.passwords import CHEAP
from infra.keys import Keys
from infra.settings import Settings
from tests.support.accounts import a_session
from tests.support.http import (
    DEADLINE,
    Client,
    RawConnection,
    client_of_nobody,
    raw_connection,
)
from tests.support.services import data_folder, settings_in

START = datetime(2026, 3, 1, 9, 0, 0, 123456, tzinfo=UTC)
"""When every test begins."""

NOBODY = UUID(int=0)
NO_REDIS = "redis://127.0.0.1:1"
"""Nobody is there: all but the attempts that are counted goes on without it."""
PASSWORD = "correct horse battery staple"  # noqa: S105 - of every account in the tests
ROLES = {
    "author": Role.AUTHOR,
    "second-author": Role.AUTHOR,
    "admin": Role.ADMIN,
    "auditor": Role.AUDITOR,
    "operator": Role.OPERATOR,
}

KEYS = Keys(b"a" * 32, b"e" * 32, b"p" * 32)
_ATTEMPTS = 10
_PAUSE_SECONDS = 0.5
_SETTINGS = {
    "GO_ALLOWED_HOSTS": "ok.example,b.ok.example",
    "WEBHOOK_ALLOWED_HOSTS": "hooks.example,hooks.example:8443",
}
_LIMITS = HttpLimits(drain_grace_seconds=0, drain_seconds=1)


class Clock:
    """The product's clock, which only a test moves."""

    def __init__(self, at: datetime = START) -> None:
        self.at = at

    def now(self) -> datetime:
        """Read it."""
        return self.at

    def advance(self, by: timedelta = timedelta(seconds=1)) -> datetime:
        """Move it forwards, and give the new time."""
        self.at += by
        return self.at


class Api(msgspec.Struct, frozen=True):
    """A running product, and a client for each account."""

    product: Product
    services: Services
    clock: Clock
    address: str
    stored: StoredFiles
    settings: Settings
    anonymous: Client
    author: Client
    second_author: Client
    admin: Client
    auditor: Client
    operator: Client

    @property
    def host(self) -> str:
        """The address's host and port, as in the Host field."""
        return urlsplit(self.address).netloc

    def raw(self) -> AbstractAsyncContextManager[RawConnection]:
        """Open a connection to write bytes on."""
        at = urlsplit(self.address)
        return raw_connection(at.hostname or "", at.port or 0)

    async def events(self) -> int:
        """Count the events in the log, past the product's own code for reading it."""
        rows = await self.product.database.fetch("select count(*) from events")
        count: int = rows[0][0]
        return count

    async def client(self, account_id: UUID) -> Client:
        """Speak for any account, in a session of its own, with a token that is always new."""
        session_id = await a_session(self.product, account_id, self.clock.now())
        issue, now = self.product.access_tokens.issue, self.clock.now
        return Client(self.anonymous.http, lambda: issue(account_id, session_id, now()), account_id)

    async def mails(self) -> list[Mail]:
        """Take what waits to be sent, the oldest first."""
        taken = await self.product.mails.take(1000, timedelta(minutes=1))
        found = sorted((each for each in taken if isinstance(each, TakenMail)), key=lambda m: m.id)
        for each in found:
            await self.product.mails.remove(each.id)
        return [each.mail for each in found]

    async def account(self, name: str, *roles: Role) -> Client:
        """Speak for another account, registered here and now."""
        account_id = await _registered(self.product, self.clock, name, frozenset(roles))
        return await self.client(account_id)

    async def change_account(self, client: Client, command: AccountCommand) -> None:
        """Change an account as an admin does."""
        caller = Caller(actor=None, at=self.clock.now(), command=type(command).__name__)
        outcome = await change_account(self.product.accounts, caller, client.account_id, command)
        assert isinstance(outcome, Changed), outcome


def forget(product: Product) -> None:
    """Have a product remember nothing of its database, which was put back to an earlier state.

    In no database does a stream go backwards, so nothing but this empties what is remembered.
    """
    loader = product.ledger.loader
    loader._states.clear()  # noqa: SLF001 - as is said
    loader._room = MEMORY_BYTES  # noqa: SLF001
    product.account_queries._remembered.clear()  # noqa: SLF001


@asynccontextmanager
async def running_api(
    database_url: str,
    *,
    redis_url: str = NO_REDIS,
    clock: Clock | None = None,
    alter: Callable[[Services], Services] = lambda services: services,
    data_dir: Path | None = None,
    variables: Mapping[str, str] | None = None,
    tracer: Tracer | None = None,
) -> AsyncIterator[Api]:
    """Serve the product on a migrated database until the block ends.

    A second one on the same database is another process to the first: they share nothing else.
    `alter` changes what the endpoints get, `variables` are settings without their prefix, and
    `data_dir` is where files are kept, if not in a folder that goes with the product.
    """
    clock = clock or Clock()
    async with (
        _folder() as folder,
        open_product(database_url, KEYS, hashing=CHEAP, tracer=tracer) as product,
        redis_limiter(redis_url, key=b"l" * 32) as limiter,
    ):
        settings = settings_in(data_dir or folder, **{**_SETTINGS, **(variables or {})})
        stored = open_files(product.database, settings)
        made = api_services(product, settings, limiter, stored)
        services = alter(msgspec.structs.replace(made, now=clock.now))
        async with _served(services) as address, client_of_nobody(address) as http:
            ids = await asyncio.gather(
                *(
                    _registered(product, clock, name, frozenset({role}))
                    for name, role in ROLES.items()
                )
            )
            api = Api(
                product,
                services,
                clock,
                address,
                stored,
                settings,
                *[Client(http, None, NOBODY)] * 6,
            )
            yield msgspec.structs.replace(
                api,
                **{
                    name.replace("-", "_"): await api.client(account_id)
                    for name, account_id in zip(ROLES, ids, strict=True)
                },
            )


@asynccontextmanager
async def _folder() -> AsyncIterator[Path]:
    with data_folder(on_disk=True) as folder:
        yield folder


@asynccontextmanager
async def _served(services: Services) -> AsyncIterator[str]:
    """Serve the endpoints and give the address."""
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()
    metrics = Metrics()

    def drain() -> None:
        services.readiness.draining = True

    serving = asyncio.create_task(
        serve(
            create_app(services, metrics),
            stop=stop,
            limits=_LIMITS,
            problem_body=server_problem_body(services.public_url),
            on_refused=metrics.refused,
            on_ready=ready.set_result,
            on_draining=drain,
        )
    )
    try:
        async with asyncio.timeout(DEADLINE):
            address = await ready
        yield address
    finally:
        stop.set()
        await serving


async def _registered(product: Product, clock: Clock, name: str, roles: frozenset[Role]) -> UUID:
    """Give the account of this name, registered if there is none.

    The first writes of a process may come too late for the product on a busy machine: they are
    tried again, as whoever has been told 503 would.
    """
    for _ in range(_ATTEMPTS - 1):
        with suppress(StoreUnavailableError):
            return await _register(product, clock, name, roles)
        await asyncio.sleep(_PAUSE_SECONDS)
    return await _register(product, clock, name, roles)


async def _register(product: Product, clock: Clock, name: str, roles: frozenset[Role]) -> UUID:
    email = f"{name}@test.example"
    known = await product.account_queries.by_email(product.personal_data.email_hash(email))
    if known is not None:
        return known.id
    password_hash = await product.passwords.hash(PASSWORD.encode())
    assert not isinstance(password_hash, Busy)
    person = Registration(
        account_id=product.ledger.new_id(),
        email=email,
        name=None,
        roles=roles,
        password_hash=password_hash,
    )
    caller = Caller(actor=None, at=clock.now(), command="Register")
    outcome = await register(product.accounts, caller, person)
    assert isinstance(outcome, Created), outcome
    return person.account_id
