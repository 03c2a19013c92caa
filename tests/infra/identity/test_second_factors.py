"""Codes of authenticators and recovery codes: which are taken, and each of them once."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import UUID

import pyotp
import pytest

from commands.accounts import ChangeAsked, change_account
from commands.identity import CodeFault, Enrolment
from commands.outcomes import Changed
from commands.sessions import Secret
from domain.account_decisions import EnableSecondFactor, Erase, RemoveSecondFactor
from infra.bootstrap import Product, open_product
from infra.identity.passwords import CHEAP
from infra.identity.personal_data import ERASURES
from infra.identity.second_factors import PostgresSecondFactors
from projections.write import Put
from tests.support.accounts import OPERATOR, random_keys, registered

STEP = timedelta(seconds=30)
AT = datetime(2026, 3, 1, 9, 0, 15, tzinfo=UTC)
"""The middle of a time step."""
ADDRESS = "ada@example.org"


@pytest.fixture
async def product(database_url: str) -> AsyncIterator[Product]:
    """Open the product on an empty log."""
    async with open_product(database_url, random_keys(), hashing=CHEAP) as product:
        yield product


@pytest.fixture
def factors(product: Product) -> PostgresSecondFactors:
    """Give what is tested."""
    return PostgresSecondFactors(product.database, product.personal_data)


async def begun(factors: PostgresSecondFactors, who: UUID) -> pyotp.TOTP:
    """Begin a second factor and give its authenticator."""
    enrolment = await factors.begin(who, ADDRESS)
    assert isinstance(enrolment, Enrolment)
    return pyotp.TOTP(enrolment.secret)


async def enabled(
    product: Product, factors: PostgresSecondFactors, who: UUID, step: int = 0
) -> tuple[pyotp.TOTP, Sequence[Secret]]:
    """Enable one, and give its authenticator and the recovery codes."""
    authenticator = await begun(factors, who)
    recovery = factors.new_recovery_codes()
    row = factors.enabled_row(who, step, recovery)
    await change(product, who, EnableSecondFactor(), row)
    return authenticator, recovery


async def change(
    product: Product, who: UUID, command: EnableSecondFactor | RemoveSecondFactor | Erase, row: Put
) -> None:
    """Change the account, with a row beside the event."""
    asked = ChangeAsked(beside=lambda _: [row])
    outcome = await change_account(product.accounts, OPERATOR, who, command, asked)
    assert isinstance(outcome, Changed), outcome


async def rows_of(product: Product, who: UUID) -> tuple[int, int]:
    """Count the secrets and the recovery codes that are kept for somebody."""
    (row,) = await product.database.fetch(
        "select (select count(*) from second_factors where account_id = $1),"
        " (select count(*) from recovery_codes where account_id = $1)",
        who,
    )
    return row[0], row[1]


async def test_told_to_authenticators(product: Product, factors: PostgresSecondFactors) -> None:
    """The address for a QR code has what every authenticator app takes."""
    who = await registered(product)
    enrolment = await factors.begin(who, "jané+x@exämple.org")

    assert enrolment is not None
    uri = urlsplit(enrolment.otpauth_uri)
    assert (uri.scheme, uri.netloc) == ("otpauth", "totp")
    assert unquote(uri.path) == "/Ledgerpress:jané+x@exämple.org"
    assert parse_qs(uri.query) == {"secret": [enrolment.secret], "issuer": ["Ledgerpress"]}
    assert len(enrolment.secret) * 5 == 160
    assert enrolment.secret not in repr(enrolment)


async def test_rfc_6238(product: Product, factors: PostgresSecondFactors) -> None:
    """The codes are those of RFC 6238, appendix B, cut to the six digits of the apps."""
    who = await registered(product)
    key = await product.personal_data.key_of(who)
    sealed = key.seal(UUID(int=0), "totp", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")  # type: ignore[union-attr]  # nobody is erased
    await product.database.fetch("insert into second_factors values ($1, $2, true, 0)", who, sealed)
    vectors = {59: "287082", 1111111109: "081804", 1234567890: "005924", 20000000000: "353130"}

    for seconds, code in vectors.items():
        at = datetime.fromtimestamp(seconds, UTC)
        assert not await factors.use(who, f"{int(code) + 1:06}", at)
        assert await factors.use(who, code, at)


async def test_begun(product: Product, factors: PostgresSecondFactors) -> None:
    """A secret that was never confirmed is compared on its own account, and lets nobody in."""
    who = await registered(product)
    nobody = product.ledger.new_id()
    authenticator = await begun(factors, who)
    code = authenticator.at(AT)

    assert await factors.check_begun(who, code, AT) == authenticator.timecode(AT)
    assert await factors.check_begun(who, "12345", AT) is CodeFault.WRONG
    assert await factors.check_begun(nobody, code, AT) is CodeFault.NOTHING_BEGUN
    assert not await factors.use(who, code, AT)
    assert await factors.begin(nobody, ADDRESS) is None


async def test_begun_again(product: Product, factors: PostgresSecondFactors) -> None:
    """Beginning again replaces a secret that was not confirmed, and never one that was."""
    who = await registered(product)
    first = await begun(factors, who)
    second, _ = await enabled(product, factors, who)

    assert await factors.begin(who, ADDRESS) is None
    assert await factors.check_begun(who, second.at(AT), AT) is CodeFault.NOTHING_BEGUN
    assert not await factors.use(who, first.at(AT), AT)
    assert await factors.use(who, second.at(AT), AT)


async def test_clocks_differ(product: Product, factors: PostgresSecondFactors) -> None:
    """A code is taken in the step before its own and in the one after, and at no other time."""
    who = await registered(product)
    authenticator, _ = await enabled(product, factors, who)

    for steps, taken in ((-2, False), (2, False), (-1, True), (1, True)):
        assert await factors.use(who, authenticator.at(AT + steps * STEP), AT) is taken


@pytest.mark.parametrize("edge", [timedelta(0), STEP - timedelta(microseconds=1)])
async def test_edges(product: Product, factors: PostgresSecondFactors, edge: timedelta) -> None:
    """A step has its first and its last microsecond."""
    who = await registered(product)
    authenticator, _ = await enabled(product, factors, who)
    begin = AT.replace(second=0)

    assert await factors.use(who, authenticator.at(begin), begin + edge)
    assert not await factors.use(who, authenticator.at(begin - 2 * STEP), begin + edge)


async def test_once(product: Product, factors: PostgresSecondFactors) -> None:
    """A code is good for one use, also when its step still is; so is every one before it."""
    who = await registered(product)
    authenticator, _ = await enabled(product, factors, who)
    now, before = authenticator.at(AT), authenticator.at(AT - STEP)

    assert await factors.use(who, now, AT)
    assert not await factors.use(who, now, AT)
    assert not await factors.use(who, now, AT + STEP)
    assert not await factors.use(who, before, AT)
    assert await factors.use(who, authenticator.at(AT + STEP), AT + STEP)


async def test_the_code_that_confirmed_is_used_up(
    product: Product, factors: PostgresSecondFactors
) -> None:
    """Whoever looked on while somebody set up a second factor cannot sign in with that code."""
    who = await registered(product)
    step = int(AT.timestamp()) // 30
    authenticator, _ = await enabled(product, factors, who, step)

    assert not await factors.use(who, authenticator.at(AT), AT)
    assert await factors.use(who, authenticator.at(AT + STEP), AT)


async def test_rivals(product: Product, factors: PostgresSecondFactors) -> None:
    """Of many who come with one code at once, one is let in; the same with a recovery code."""
    who = await registered(product)
    authenticator, recovery = await enabled(product, factors, who)

    for code in (authenticator.at(AT), recovery[0].text):
        answers = await asyncio.gather(*(factors.use(who, code, AT) for _ in range(8)))

        assert sorted(answers) == [False] * 7 + [True]


async def test_spelling(product: Product, factors: PostgresSecondFactors) -> None:
    """Digits are taken in the groups in which apps show them."""
    who = await registered(product)
    authenticator, _ = await enabled(product, factors, who)

    for number, form in enumerate(("{0}{1}", "{0} {1}", " {0}{1} ", "{0}-{1}")):
        at = AT + number * STEP
        code = authenticator.at(at)
        assert await factors.use(who, form.format(code[:3], code[3:]), at)


async def test_recovery(product: Product, factors: PostgresSecondFactors) -> None:
    """Ten different codes, each taken once however it was typed, and only of its own account."""
    who, other = await registered(product), await registered(product, "eve@example.org")
    _, recovery = await enabled(product, factors, who)
    await enabled(product, factors, other)
    one, two, three, *_ = [code.text for code in recovery]

    assert len({code.text for code in recovery}) == 10
    assert [len(code.text.replace("-", "")) * 5 for code in recovery] == [80] * 10
    assert one not in repr(recovery[0])
    assert not await factors.use(other, one, AT)
    assert await factors.use(who, one, AT)
    assert not await factors.use(who, one, AT)
    assert await factors.use(who, two.upper(), AT)
    assert await factors.use(who, f" {three.replace('-', ' ')} ", AT)
    assert not await factors.use(who, three.replace("-", ""), AT)
    assert await rows_of(product, who) == (1, 7)


ODD = (
    "",
    " ",
    "12345",
    "1234567",
    "-12345",
    "1e5000",
    "\0" * 6,
    "12345\0",
    "\uff11\uff12\uff13\uff14\uff15\uff16",
    "١٢٣٤٥٦",
    "²³¹²³¹",
    "12 34\n56",
    "\ud800" * 6,
    "a" * 15,
    "a" * 17,
    "a" * 16,
    "ﬁ" * 16,
    "K" * 16,
    "1" * 16,
    "é" * 1_000_000,
    "7" * 1_000_000,
    "'; drop table second_factors; --",
)


async def test_odd_texts(product: Product, factors: PostgresSecondFactors) -> None:
    """What is no code is a wrong code, and nothing worse."""
    who = await registered(product)

    for text in ODD:
        assert not await factors.use(who, text, AT)
        assert await factors.check_begun(who, text, AT) is CodeFault.NOTHING_BEGUN
    await begun(factors, who)
    for text in ODD:
        assert await factors.check_begun(who, text, AT) is CodeFault.WRONG
    await enabled(product, factors, who)
    for text in ODD:
        assert not await factors.use(who, text, AT)


async def test_removed(product: Product, factors: PostgresSecondFactors) -> None:
    """Nothing is left of a second factor that was removed; another one has another secret."""
    who = await registered(product)
    authenticator, recovery = await enabled(product, factors, who)
    await change(product, who, RemoveSecondFactor(enforced=False), factors.removed_row(who))

    assert await rows_of(product, who) == (0, 0)
    assert not await factors.use(who, authenticator.at(AT), AT)
    await enabled(product, factors, who)
    assert not await factors.use(who, authenticator.at(AT), AT)
    assert not await factors.use(who, recovery[0].text, AT)


async def test_kept_unreadable(product: Product, factors: PostgresSecondFactors) -> None:
    """Neither the secret nor a recovery code stands in a row or in the log."""
    who = await registered(product)
    authenticator, recovery = await enabled(product, factors, who)

    kept = await product.database.fetch("select sealed from second_factors")
    hashes = await product.database.fetch("select hash from recovery_codes order by hash")
    entries = [entry async for entry in product.log.entries()]

    assert authenticator.secret not in repr(kept)
    assert [row[0] for row in hashes] == sorted(code.hash for code in recovery)
    assert authenticator.secret not in repr(entries)


async def test_erased(product: Product, factors: PostgresSecondFactors) -> None:
    """With the person the secret is gone, also from a copy of its row."""
    who = await registered(product)
    authenticator, _ = await enabled(product, factors, who)
    ((copy,),) = await product.database.fetch("select sealed from second_factors")
    await change(product, who, Erase(), Put(ERASURES, (who, "")))

    assert await rows_of(product, who) == (0, 0)
    assert await factors.begin(who, ADDRESS) is None
    await product.database.fetch("insert into second_factors values ($1, $2, true, 0)", who, copy)
    assert not await factors.use(who, authenticator.at(AT), AT)
