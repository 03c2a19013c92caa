"""`ledgerpress users erase`, started as an operator starts it."""

import asyncio
import os
import subprocess
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
import redis.asyncio
from uuid_utils.compat import uuid7

from commands.accounts import change_quietly
from commands.mail import Mail
from domain.account_decisions import Disable
from infra.bootstrap import Product, identity, open_product
from infra.identity.limits import redis_limiter
from infra.identity.passwords import CHEAP
from infra.keys import Keys, load_keys
from infra.mail.open import mail_sender
from infra.running import Running, announced
from infra.settings import Settings
from infra.store.verify import verify
from tests.support.accounts import OPERATOR, registered
from tests.support.commands import forked
from tests.support.mail import mails_in
from tests.support.services import settings_in

ROOT = Path(__file__).parents[3]
ADA, EVE = "ada@example.org", "eve@example.org"


class Machine(msgspec.Struct, frozen=True):
    """A product, and where its commands find it."""

    product: Product
    settings: Settings
    environment: dict[str, str]

    async def erase(self, *arguments: str, **variables: str) -> tuple[int, str, str]:
        """Run the command without a terminal; give its exit code and what it said."""
        named = {f"LEDGERPRESS_{name}": value for name, value in variables.items()}
        done = await asyncio.to_thread(
            subprocess.run,
            [*forked(), "users", "erase", *arguments],
            cwd=ROOT,
            env=self.environment | named,
            input="",
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr


def a_machine(product: Product, settings: Settings) -> Machine:
    """Give what runs commands on a product."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment = {"LEDGERPRESS_DATA_DIR": str(settings.data_dir), "COLUMNS": "200"}
    return Machine(product, settings, kept | environment)


async def somebody(machine: Machine, redis_url: str, email: str) -> UUID:
    """Register somebody who leaves a message, a waiting one, and a count of attempts."""
    who = await registered(machine.product, email)
    mail = Mail(email, "News", "Text.")
    email_hash = machine.product.personal_data.email_hash(email)
    await mail_sender(machine.settings).send(uuid7(), mail)
    await machine.product.mails.put(mail, email_hash)
    async with redis_limiter(redis_url, key=machine.product.keys.attempts) as limiter:
        await limiter.admit("login", subject=email_hash, address="192.0.2.1")
    return who


async def subjects(redis_url: str) -> int:
    """Count those of whom Redis knows something."""
    cache = redis.asyncio.from_url(redis_url)
    try:
        return len(await cache.keys("*:subject:*"))
    finally:
        await cache.aclose()


@pytest.mark.parametrize("running", [True, False], ids=["of a running dev", "by settings"])
async def test_erased(database_url: str, redis_url: str, tmp_path: Path, *, running: bool) -> None:
    """Only with the address given twice; then all of the person is gone, and all else stays."""
    settings = settings_in(tmp_path, DATABASE_URL=database_url)
    keys = load_keys(settings)
    assert isinstance(keys, Keys)
    urls = {} if running else {"DATABASE_URL": database_url, "REDIS_URL": redis_url}
    here = Running(os.getpid(), database_url, "nats://127.0.0.1:1", redis_url)
    async with open_product(database_url, keys, hashing=CHEAP) as product:
        machine = a_machine(product, settings)
        ada, _ = [await somebody(machine, redis_url, email) for email in (ADA, EVE)]
        await change_quietly(product.accounts, OPERATOR, ada, Disable())
        with announced(tmp_path if running else tmp_path.parent, here):
            unsure = await machine.erase(ADA, **urls)
            slip = await machine.erase(ADA, "--confirm", EVE, **urls)
            assert await product.log.head() == 3
            done = await machine.erase(ADA, "--confirm", "ADA@example.org", **urls)
            again = await machine.erase(ADA, "--confirm", ADA, **urls)
        (rows,) = await product.database.fetch(
            "select (select count(*) from person_keys), (select count(*) from mails)"
        )
        last = (
            await product.database.fetch(
                "select type, metadata::text from events order by position"
            )
        )[-1]
        report = await verify(product.database, product.codec, lambda *_: None)
        async with redis_limiter(redis_url, key=keys.attempts) as limiter:
            people = await identity(product, settings, limiter).people.of([ada])

    assert (unsure[0], slip[0]) == (2, 2)
    assert "--confirm" in unsure[2]
    assert "the two addresses differ" in slip[2]
    assert done == (0, f"the person with the address {ADA} is erased\n", "")
    assert again[0] == 1
    assert "no account with the address" in again[2]
    assert (last[0], last[1]) == ("account.erased.v1", '{"command":"EraseAccount"}')
    assert (tuple(rows), people, report.sound) == ((1, 1), {}, True)
    assert [mail["To"] for mail in mails_in(tmp_path / "mail")] == [EVE]
    assert await subjects(redis_url) == 1


async def test_what_is_missing(database_url: str, tmp_path: Path) -> None:
    """An address that is none is wrong use; without Redis' address nothing is done."""
    settings = settings_in(tmp_path, DATABASE_URL=database_url)
    keys = load_keys(settings)
    assert isinstance(keys, Keys)
    async with open_product(database_url, keys, hashing=CHEAP) as product:
        machine = a_machine(product, settings)
        await registered(product)
        wrong = await machine.erase("nobody", "--confirm", "nobody", DATABASE_URL=database_url)
        unknown = await machine.erase(ADA, "--confirm", ADA, DATABASE_URL=database_url)
        head = await product.log.head()

    assert wrong[0] == 2
    assert "is not an email address" in wrong[2]
    assert unknown[0] == 5
    assert "LEDGERPRESS_REDIS_URL is not set" in unknown[2]
    assert head == 1
