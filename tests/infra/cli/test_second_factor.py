"""`ledgerpress users reset-second-factor`, started as an operator starts it."""

import asyncio
import os
import subprocess
from pathlib import Path

from commands.accounts import ChangeAsked, change_account
from domain.account_decisions import EnableSecondFactor
from infra.bootstrap import Product, open_product
from infra.identity.passwords import CHEAP
from infra.identity.second_factors import PostgresSecondFactors
from infra.keys import Keys, load_keys
from tests.support.accounts import OPERATOR, registered
from tests.support.commands import forked
from tests.support.services import settings_in

ROOT = Path(__file__).parents[3]


async def reset(url: str, data_dir: Path, *arguments: str) -> tuple[int, str, str]:
    """Run the command without a terminal; give its exit code and what it said."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = await asyncio.to_thread(
        subprocess.run,
        [*forked(), "users", "reset-second-factor", *arguments],
        cwd=ROOT,
        env=kept
        | {
            "LEDGERPRESS_DATA_DIR": str(data_dir),
            "LEDGERPRESS_DATABASE_URL": url,
            "COLUMNS": "200",
        },
        input="",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


async def enabled(product: Product) -> None:
    """Register somebody who has a second factor."""
    who = await registered(product, "ada@example.org")
    factors = PostgresSecondFactors(product.database, product.personal_data)
    await factors.begin(who, "ada@example.org")
    row = factors.enabled_row(who, 0, factors.new_recovery_codes())
    asked = ChangeAsked(beside=lambda _: [row])
    await change_account(product.accounts, OPERATOR, who, EnableSecondFactor(), asked)


async def test_reset(database_url: str, tmp_path: Path) -> None:
    """Only with the address given twice; it is told once, and doing it again changes nothing."""
    keys = load_keys(settings_in(tmp_path, DATABASE_URL=database_url))
    assert isinstance(keys, Keys)
    async with open_product(database_url, keys, hashing=CHEAP) as product:
        await enabled(product)
        unsure = await reset(database_url, tmp_path, "ada@example.org")
        slip = await reset(database_url, tmp_path, "ada@example.org", "--confirm", "eve@x.org")
        assert await product.log.head() == 2
        both = ("ADA@example.org", "--confirm", "ada@example.org")
        done = await reset(database_url, tmp_path, *both)
        again = await reset(database_url, tmp_path, *both)
        nobody = await reset(database_url, tmp_path, "eve@x.org", "--confirm", "eve@x.org")

        assert unsure[0] == 2
        assert "--confirm" in unsure[2]
        assert slip[0] == 2
        assert "the two addresses differ" in slip[2]
        assert (done[0], again[0], nobody[0]) == (0, 0, 1)
        assert done[1].startswith("the second factor of ADA@example.org is removed")
        assert again[1] == "ADA@example.org has no second factor\n"
        assert "no account with the address" in nobody[2]
        assert await product.log.head() == 3
        (left,) = await product.database.fetch(
            "select (select count(*) from second_factors), (select count(*) from recovery_codes),"
            " (select count(*) from mails)"
        )
        assert tuple(left) == (0, 0, 1)
