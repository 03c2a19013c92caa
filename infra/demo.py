"""Demo accounts and posts, made by the real commands; for development alone.

A second start finds what the first one made and changes nothing, but for a password that was set
to another one. Demo posts are known by their ids, so one that was edited or deleted stays so.
"""

import secrets
from datetime import datetime
from pathlib import Path
from uuid import UUID

import msgspec
import structlog

from commands.accounts import Registration, register
from commands.handle import Caller
from commands.identity import Busy, PasswordFault
from commands.outcomes import Changed, Created
from commands.posts import PostChange, change_post, create_post
from domain import post
from domain.post_decisions import Create, PostCommand
from domain.stream import Actor, Role
from infra.bootstrap import Product
from infra.demo_posts import DemoPost, demo_posts
from infra.embedded.folders import private_file
from infra.identity.passwords import normalised_password
from infra.settings import Settings

_PASSWORD_FILE = "demo-password"  # noqa: S105 - the name of a file
_RANDOM_BYTES = 15

_log = structlog.stdlib.get_logger("ledgerpress.demo")


class DemoAccount(msgspec.Struct, frozen=True):
    """A demo account; its address is `<name>@demo.example`."""

    address: str
    person: str
    roles: frozenset[Role]

    @property
    def email(self) -> str:
        """The whole address."""
        return f"{self.address}@demo.example"


ACCOUNTS = (
    DemoAccount("author", "Ada Author", frozenset({Role.AUTHOR})),
    DemoAccount("second-author", "Seth Second", frozenset({Role.AUTHOR})),
    DemoAccount("admin", "Agnes Admin", frozenset({Role.ADMIN})),
    DemoAccount("auditor", "Otto Auditor", frozenset({Role.AUDITOR})),
    DemoAccount("operator", "Olga Operator", frozenset({Role.OPERATOR})),
)


class DemoPassword(msgspec.Struct, frozen=True):
    """The password of every demo account."""

    text: str
    origin: str
    """Where it can be read again."""
    new: bool
    """Whether it was made just now: only then may it be shown."""

    def __repr__(self) -> str:
        """Show nothing, as what is shown may be logged."""
        return "DemoPassword(***)"


def demo_password(settings: Settings) -> DemoPassword:
    """Give the password that is set, or the one that was kept, or a new one."""
    if settings.demo_password is not None:
        return DemoPassword(settings.demo_password, "LEDGERPRESS_DEMO_PASSWORD", new=False)
    path = settings.data_dir / _PASSWORD_FILE
    kept = _kept(path)
    if kept:
        return DemoPassword(kept, str(path), new=False)
    made = secrets.token_urlsafe(_RANDOM_BYTES)
    path.parent.mkdir(parents=True, exist_ok=True)
    private_file(path, f"{made}\n")
    return DemoPassword(made, str(path), new=True)


async def create_demo(
    product: Product, settings: Settings, password: DemoPassword, now: datetime
) -> None:
    """Make the demo accounts and posts that are missing."""
    if settings.production:
        raise ValueError("production has no demo accounts")
    ids = [await _account(product, demo, password.text, now) for demo in ACCOUNTS]
    for demo_post in demo_posts(now):
        author = ACCOUNTS[demo_post.author]
        await _post(product, demo_post, Actor(ids[demo_post.author], author.roles), now)


async def _account(product: Product, demo: DemoAccount, password: str, now: datetime) -> UUID:
    found = await product.account_queries.by_email(product.personal_data.email_hash(demo.email))
    if found is not None:
        await _keep_password(product, found.id, password)
        return found.id
    account_id = product.ledger.new_id()
    registration = Registration(
        account_id=account_id,
        email=demo.email,
        name=demo.person,
        roles=demo.roles,
        password_hash=await _hash(product, password),
    )
    caller = Caller(actor=None, at=now, command="RegisterAccount")
    outcome = await register(product.accounts, caller, registration)
    if not isinstance(outcome, Created):
        raise TypeError(f"the demo account {demo.email} was not made: {outcome}")
    return account_id


async def _keep_password(product: Product, account_id: UUID, password: str) -> None:
    stored = await product.password_hashes.of(account_id)
    same = await product.passwords.verify(stored or "", _normalised(password))
    if not same:
        await product.password_hashes.set(account_id, await _hash(product, password))


async def _hash(product: Product, password: str) -> str:
    made = await product.passwords.hash(_normalised(password))
    if isinstance(made, Busy):
        raise TypeError("the queue of passwords is full at the very start")
    return made


def _normalised(password: str) -> bytes:
    normalised = normalised_password(password)
    if isinstance(normalised, PasswordFault):
        raise TypeError(f"the demo password {normalised.reason}")
    return normalised


async def _post(product: Product, demo: DemoPost, author: Actor, now: datetime) -> None:
    if await product.store.read_stream(post.stream(demo.id)):
        return
    ledger, aggregate, files = product.ledger, product.posts, product.file_queries
    create = Create(
        post_id=demo.id,
        author_id=author.account_id,
        title=demo.title,
        content=demo.content,
        category=demo.category,
    )
    outcome = await create_post(ledger, aggregate, files, _caller(author, now, create), create)
    for step in demo.steps:
        if isinstance(outcome, Created | Changed):
            caller = _caller(author, now, step)
            outcome = await change_post(ledger, aggregate, files, caller, demo.id, _wanted(step))
    if not isinstance(outcome, Created | Changed):
        # Somebody's own post has the slug, say: no reason not to start.
        _log.warning("a demo post is not as it should be", title=demo.title, why=repr(outcome))


def _wanted(step: PostCommand) -> PostChange:
    async def wish(_: object) -> PostCommand:
        return step

    return PostChange(kind=type(step), wish=wish, check=lambda: None)


def _caller(author: Actor, now: datetime, command: PostCommand) -> Caller:
    return Caller(actor=author, at=now, command=f"{type(command).__name__}Post")


def _kept(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
